"""EPCIS 2.0 (GS1) in its JSON-LD form: what happened to goods, and what that comes to.

Pure: bytes in, canonical events or reasons out; stock and progress are sums of the events that hold.
See docs/formats/epcis.md.
"""
