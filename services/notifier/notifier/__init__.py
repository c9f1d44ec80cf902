"""Delivers decisions to people and systems, each event at least once and in order per docking."""
