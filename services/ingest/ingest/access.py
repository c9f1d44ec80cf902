"""Who sends a request, from its Authorization header (RFC 6750 §2.1)."""

from starlette.requests import Request

from ingest.deadline import within
from ingest.domain.admit import Sender
from ingest.keys import Keys
from tenon.bearer import CHALLENGE, bearer
from tenon.problems import Problem


class Access:
    """Lets requests in by key; `Transient` where the registry does not say in time whose it is."""

    def __init__(self, keys: Keys, deadline_ms: int) -> None:
        self._keys = keys
        self._deadline_ms = deadline_ms

    async def sender(self, request: Request) -> Sender:
        """Return who sends; raise `Problem` 401 without a key that is in force."""
        secret = bearer(request)
        if secret is None:
            raise _unauthorised("no key was shown; send Authorization: Bearer tenon_…")
        async with within(self._deadline_ms):
            sender = await self._keys.sender(secret)
        if sender is None:
            raise _unauthorised("this key is not in force")
        return sender

    async def sender_for(self, request: Request, party: str) -> Sender:
        """Return who sends, when it may know of this party; raise `Problem` 401 or 404."""
        sender = await self.sender(request)
        if not sender.is_administrator and sender.party != party:
            raise unknown(party)
        return sender

    async def administrator(self, request: Request) -> Sender:
        """Return the administrator; raise `Problem` 401 or 403."""
        sender = await self.sender(request)
        if not sender.is_administrator:
            raise Problem(403, "this is the administrator's; show the key that TENON_ADMIN_KEY says")
        return sender


def unknown(party: str) -> Problem:
    """Return what is said of a party that does not exist, and of one that is somebody else's."""
    return Problem(404, f"there is no party {party!r} that this key may see")


def _unauthorised(detail: str) -> Problem:
    return Problem(401, detail, headers=CHALLENGE)
