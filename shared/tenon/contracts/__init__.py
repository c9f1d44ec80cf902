"""The only words that cross a boundary: topics, events and the codecs that carry them.

Pure: imports nothing of Tenon outside this package, does no I/O, knows no service.
"""
