"""One module per step, frozen once shipped."""
