"""Mechanism shared by all services; it knows no business word outside of contracts."""
