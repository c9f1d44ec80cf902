"""Pure rules of delivery: who may see what, when to try again, how to sign."""
