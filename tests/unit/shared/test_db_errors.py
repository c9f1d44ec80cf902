"""Which kind of ours an error of the database's driver becomes."""

import asyncpg
import pytest

from tenon.db import FENCED, mapped_errors
from tenon.errors import Fenced, Transient


class _OfAFence(asyncpg.PostgresError):
    sqlstate = FENCED


def test_a_session_that_the_server_ended_a_moment_ago_is_transient() -> None:
    ended = asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")
    with pytest.raises(Transient, match="the connection to the database was lost"), mapped_errors():
        raise ended


def test_a_serialisation_failure_is_transient_and_only_a_fence_fences() -> None:
    with pytest.raises(Transient, match="40001"), mapped_errors():
        raise asyncpg.SerializationError("could not serialize access")
    with pytest.raises(Fenced), mapped_errors():
        raise _OfAFence("the position is no longer offset 7")
