"""The checks, one module per guarantee: facts in, findings out. Pure."""
