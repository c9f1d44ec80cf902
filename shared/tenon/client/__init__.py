"""The asynchronous client: publish events, follow the feed, read, manage keys and subscriptions."""

from tenon.client.client import FeedEntry, TenonClient, new_event
from tenon.client.errors import NoLongerKept, NotAllowed, NotThere, Refused, Unreachable
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
    "new_event",
]
