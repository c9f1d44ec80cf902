"""The pure state machine: no clock, no chance, no input or output."""
