"""The asynchronous client: publish events, import files, follow the feed, read, manage keys and hooks."""

from tenon.client.client import FeedEntry, TenonClient, new_event
from tenon.client.errors import NoLongerKept, NotAllowed, NotThere, Refused, Unreachable
from tenon.client.imports import Upload
from tenon.client.publishing import Published

__all__ = [
    "FeedEntry",
    "NoLongerKept",
    "NotAllowed",
    "NotThere",
    "Published",
    "Refused",
    "TenonClient",
    "Unreachable",
    "Upload",
    "new_event",
]
