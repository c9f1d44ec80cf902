"""Tables that people keep (CSV, XLSX, NDJSON) into canonical events: bytes and options in, events or reasons.

`reading` brings a file into rows, `layout` says which column is which field, `rows` makes events of rows.
"""
