"""Decides who supplies whom, by replaying the log through a pure step."""
