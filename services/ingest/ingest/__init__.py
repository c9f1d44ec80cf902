"""Takes events over HTTP, checks them strictly and appends them to the log."""
