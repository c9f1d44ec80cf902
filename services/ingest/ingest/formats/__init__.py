"""One module per format: bytes in, canonical events or reasons out, pure."""
