"""Which kind of ours an error of the database's driver becomes."""

import asyncpg
import pytest

from tenon.db import mapped_errors
from tenon.errors import Transient


def test_a_session_that_the_server_ended_a_moment_ago_is_transient() -> None:
    ended = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    with pytest.raises(Transient, match="the connection to the database was lost"), mapped_errors():
        raise ended
