"""Requests that aiokafka has no call for, and one connection at a time to ask them over.

Beside `_driver` the only module that imports aiokafka. Numbers are those of Kafka's protocol guide.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aiokafka.conn import create_conn
from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from tenon.contracts.rights import Right
from tenon.kafka import _driver
from tenon.kafka.connection import KafkaSettings

_KINDS: Final = {"topic": 2, "group": 3}
_OPERATIONS: Final = {"read": 3, "write": 4}
_ANY, _LITERAL, _ALLOW = 1, 3, 3
_SCRAM_SHA_512 = 2
_ITERATIONS = 8_192
_SALT_BYTES = 24
Acl = tuple[int, str, str, int]
"""Kind, name, principal, operation."""


class _CreateAcls(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    """Several at once, which aiokafka's own request can't."""

    API_KEY = 30

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._rows = _rows(acls)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._rows)


class _DeleteAcls(Request[DeleteAclsRequest_v1]):  # type: ignore[misc]
    """Several at once as well."""

    API_KEY = 31

    def __init__(self, acls: Iterable[Acl]) -> None:
        self._rows = _rows(acls)

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class(self._rows)


def _rows(acls: Iterable[Acl]) -> list[tuple[Any, ...]]:
    return [
        (kind, name, _LITERAL, principal, "*", operation, _ALLOW) for kind, name, principal, operation in acls
    ]


class _AlterScramResponse(Response):  # type: ignore[misc]
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterScramStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterScramResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterScram(Request[_AlterScramStruct]):  # type: ignore[misc]
    API_KEY = 51

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._rows: list[Any] = [(name, *_scram(password), {}) for name, password in passwords.items()]

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([], self._rows, {})


def _scram(password: str) -> tuple[int, int, bytes, bytes]:
    """Return a password as the brokers keep it (RFC 5802): they never see the password itself."""
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS)
    return _SCRAM_SHA_512, _ITERATIONS, salt, salted


def acl_of(right: Right, prefix: str, principal: str) -> Acl:
    """Return a right as Kafka names it; `principal` with its type, such as `User:ingest`."""
    return _KINDS[right.kind], prefix + right.name, principal, _OPERATIONS[right.operation]


async def create_acls(admin: Any, acls: list[Acl]) -> list[tuple[int, str | None]]:
    """Create access rules; returns for each the error's code, 0 for none, and what the broker says."""
    client = admin._client
    answer = await client.send(client.get_random_node(), _CreateAcls(acls))
    return [(code, message) for code, message in answer.creation_responses]


async def delete_acls(admin: Any, acls: list[Acl]) -> list[tuple[int, str | None]]:
    """Delete access rules; returns for each the error's code, 0 for none, and what the broker says."""
    client = admin._client
    answer = await client.send(client.get_random_node(), _DeleteAcls(acls))
    return [(code, message) for code, message, _ in answer.filter_responses]


async def acls_on_every_broker(admin: Any) -> list[set[Acl]]:
    """Return the rules that allow something, as each broker in service knows them now."""
    client = admin._client
    everything = DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
    answers = [await client.send(broker.nodeId, everything) for broker in client.cluster.brokers()]
    return [
        {
            (kind, name, principal, operation)
            for kind, name, _, rows in answer.resources
            for principal, _, operation, allows in rows
            if allows == _ALLOW
        }
        for answer in answers
    ]


async def alter_scram(
    kafka: KafkaSettings, host: str, port: int, passwords: Mapping[str, str]
) -> list[tuple[str, int, str | None]]:
    """Give users their passwords, at one controller; returns name, code and message for each."""
    answer = await _ask(kafka, host, port, _AlterScram(passwords))
    return [(name, code, message) for name, code, message, _ in answer.results]


async def brokers_of(kafka: KafkaSettings, host: str, port: int) -> set[int]:
    """Return the ids of the brokers that take requests, as one of them sees it."""
    answer = await _ask(kafka, host, port, MetadataRequest([]))
    return {broker[0] for broker in answer.brokers}


async def _ask(kafka: KafkaSettings, host: str, port: int, request: Any) -> Any:
    connection = await create_conn(host, port, **_driver.connection_options(kafka))
    try:
        return await connection.send(request)
    finally:
        connection.close()
