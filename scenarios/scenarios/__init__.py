"""Whole stories on data, run through the real services, with the figures they must reach."""
