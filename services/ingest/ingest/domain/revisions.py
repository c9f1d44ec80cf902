"""Whether a new statement about a party, a site or a policy takes the place of the one in force."""

from hashlib import sha256
from typing import Literal

from ingest.domain.faults import Refusal, conflict
from tenon.contracts.codec import encode
from tenon.contracts.values import Shape

Verdict = Literal["new", "newer", "same", "older", "other_content"]


def digest(data: Shape) -> str:
    """Return the SHA-256 of a statement's one JSON form, in hexadecimal."""
    return sha256(encode(data)).hexdigest()


def compare(present: tuple[int, str] | None, revision: int, content: str) -> Verdict:
    """Say how a statement (its revision, its digest) stands to the one in force."""
    if present is None:
        return "new"
    in_force, present_content = present
    if revision > in_force:
        return "newer"
    if revision < in_force:
        return "older"
    return "same" if content == present_content else "other_content"


def superseded(what: str, verdict: Verdict, revision: int, present_revision: int) -> Refusal:
    """Return the refusal of a statement that may not take the place of the one in force."""
    reason = (
        f"revision {revision} of {what} is in force with other content"
        if verdict == "other_content"
        else f"revision {revision} of {what} is older than revision {present_revision}, which is in force"
    )
    expected = f"a revision above {present_revision}, or exactly the content of {present_revision}"
    return conflict("/data/revision", reason, expected)
