"""Imports of files by upload: a job that is worked off chunk by chunk, and goes on where it stopped."""
