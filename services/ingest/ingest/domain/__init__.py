"""Pure rules of ingest: no clock, no input or output."""
