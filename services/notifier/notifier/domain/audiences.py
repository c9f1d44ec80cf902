"""Who may read a feed: a party by its id, the wall that everybody sees, the administrator.

Ids of parties start with a letter or a digit, so the two names here are never a party's.
"""

from typing import Final

WALL: Final = "*"
ADMINISTRATOR: Final = "_admin"


def is_party(audience: str) -> bool:
    """True when the audience is a party, not the wall and not the administrator."""
    return audience not in (WALL, ADMINISTRATOR)
