"""Giving principals their passwords and their rights: what a cluster needs before services may sign in.

Decides nothing about who may do what: that is `tenon.contracts.rights`.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from tenon.contracts.rights import Right, rights
from tenon.errors import Misconfigured, TenonError, Transient
from tenon.kafka import _driver, _wire
from tenon.kafka.admin import admin_client
from tenon.kafka.connection import KafkaSettings

_POLL_S = 0.1
_SECURITY_DISABLED, _NOT_CONTROLLER = "SecurityDisabled", "NotControllerError"


async def ensure_rights(
    kafka: KafkaSettings,
    principals: Mapping[str, str] | None = None,
    *,
    wanted: Sequence[Right] | None = None,
    deadline_ms: int = 30_000,
) -> None:
    """Allow each principal what the table says, or `wanted`; return when every broker knows it.

    Takes nothing away. `principals` says what Kafka calls a principal where that is not its own name:
    `{"ingest": "CN=ingest"}`.
    Raises `Misconfigured` where the cluster has no access rules or does not let us change them.
    """
    names = principals or {}
    acls = [
        _wire.acl_of(right, kafka.prefix, f"User:{names.get(right.principal, right.principal)}")
        for right in (rights() if wanted is None else wanted)
    ]
    async with admin_client(kafka) as admin:
        for code, message in await _wire.create_acls(admin, acls):
            if code:
                raise _refused(code, message)
        await _until_known(admin, set(acls), deadline_ms)


async def drop_rights(kafka: KafkaSettings, unwanted: Sequence[Right]) -> None:
    """Take rights away; what was not given is no fault. Raises as `ensure_rights` does."""
    acls = [_wire.acl_of(right, kafka.prefix, f"User:{right.principal}") for right in unwanted]
    async with admin_client(kafka) as admin:
        for code, message in await _wire.delete_acls(admin, acls):
            if code:
                raise _refused(code, message)


async def _until_known(admin: object, wanted: set[_wire.Acl], deadline_ms: int) -> None:
    try:
        async with asyncio.timeout(deadline_ms / 1000):
            while any(wanted - known for known in await _wire.acls_on_every_broker(admin)):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise Transient(f"not every broker knows the new rights after {deadline_ms} ms") from None


def _refused(code: int, message: str | None) -> Misconfigured:
    name = _driver.error_name(code)
    if name == _SECURITY_DISABLED:
        return Misconfigured(
            "this cluster has no access rules: set authorizer.class.name on the brokers, or leave out --acls"
        )
    return Misconfigured(
        f"Kafka does not let TENON_KAFKA_USERNAME give rights ({name}: {message}); use an administrator"
    )


async def ensure_users(controllers: KafkaSettings, passwords: Mapping[str, str]) -> None:
    """Give users their passwords (SCRAM-SHA-512), new ones and those that are there already.

    `controllers` is how the controllers' own listener is reached: it works before anybody can sign in at
    the brokers. Raises `Transient` when none answers, `Misconfigured` when they refuse.
    """
    problem: TenonError = Transient(f"no controller of {controllers.bootstrap} is the active one")
    for host, port in _driver.hosts(controllers):
        try:
            with _driver.mapped_errors(), _quiet():
                answers = await _wire.alter_scram(controllers, host, port, passwords)
        except Transient as error:
            problem = error
            continue
        codes = {_driver.error_name(code): message for _, code, message in answers if code}
        if not codes:
            return
        if _NOT_CONTROLLER not in codes:
            name, message = next(iter(codes.items()))
            raise Misconfigured(f"Kafka does not take the users' passwords ({name}: {message})")
    raise problem


async def brokers_in_service(kafka: KafkaSettings) -> set[int]:
    """Return the ids of the brokers that take requests, as the first one named sees it.

    A listening port is no answer: a broker that came back is fenced until the controller lets it in. Raises
    `Transient` when it does not answer, `Misconfigured` when it does not let us in.
    """
    host, port = _driver.hosts(kafka)[0]
    with _driver.mapped_errors():
        return await _wire.brokers_of(kafka, host, port)


@contextmanager
def _quiet() -> Iterator[None]:
    """Controllers can check a plain password only; aiokafka's warning of it would stand in every log."""
    logger = logging.getLogger("aiokafka.conn")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
