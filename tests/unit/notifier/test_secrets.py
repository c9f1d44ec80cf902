"""Nothing that the tables hide is in any byte that leaves: every text of a docking is a marked secret."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.audiences import ADMINISTRATOR, WALL, is_party
from notifier.domain.batch import decide
from notifier.domain.plan import numbered
from notifier.domain.pseudonym import Naming
from notifier.domain.reading import Received
from tenon.contracts import dockings, values
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking, DockingStatus, Side
from tests.support.told import docking, side

STATUSES: list[DockingStatus] = [
    "proposed", "confirmed", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed",
]  # fmt: skip
NAMING = Naming(b"k" * 32, {"SUPPLY-party": "SUPPLY-name", "DEMAND-party": "DEMAND-name"})


def secret_side(of: str, accepted: bool) -> Side:
    """A side each of whose texts can be recognised."""
    return side(
        f"{of}-party",
        id=f"{of}-id",
        window=f"{of}-window",
        site=f"{of}-site",
        region=f"{of}-region",
        position=values.Position(latitude=48.123456, longitude=11.654321),
        accepted=accepted,
        external_references=[values.ExternalReference(type="purchase-order", id=f"{of}-reference")],
    )


def secret_docking(status: DockingStatus, left: bool, right: bool) -> Docking:
    """A docking each of whose texts can be recognised."""
    return msgspec.structs.replace(
        docking(status=status),
        supply=secret_side("SUPPLY", left),
        demand=secret_side("DEMAND", right),
        distance_m=123_457,
        market="own:secret-market",
        cause=dockings.Cause(code="matched", note="secret-note"),
        price=values.Money(amount="77.77", currency="EUR"),
    )


def told(of: Docking) -> dict[str, bytes]:
    """What each audience is sent of a step."""
    received = Received("event-1", "/tenon/matcher", "tenon.docking.proposed.v1", "", "k", "", of, encode(of))
    entries = decide([received], {}, NAMING).entries
    return {entry.audience: numbered(entry.body, 1) for entry in entries}


steps = st.builds(secret_docking, st.sampled_from(STATUSES), st.booleans(), st.booleans())


@given(steps)
def test_the_wall_is_sent_no_name_no_id_no_price_and_no_exact_place(step: Docking) -> None:
    sent = told(step)[WALL]
    for secret in (b"SUPPLY", b"DEMAND", b"secret", b"77.77", b"EUR", b"48.123", b"11.654", b"123457", b"~"):
        assert secret not in sent, secret


@given(steps)
def test_the_other_side_stays_unknown_until_both_have_said_yes(step: Docking) -> None:
    known = step.status in ("confirmed", "shipped", "delivered", "failed") or (
        step.supply.accepted and step.demand.accepted
    )
    for viewer, other in (("SUPPLY", "DEMAND"), ("DEMAND", "SUPPLY")):
        sent = told(step)[f"{viewer}-party"].decode()
        assert f"{viewer}-id" in sent
        assert f"{other}-id" not in sent
        assert f"{other}-window" not in sent
        assert f"{other}-region" in sent
        for hidden in ("party", "name", "site", "reference"):
            assert (f"{other}-{hidden}" in sent) is known, hidden
        assert sent.count("48.123456") == 1 + known
        assert ("123457" in sent) is known
        assert ("secret-note" in sent) is known
        assert ('"party":"~' in sent) is not known


@given(steps)
def test_each_side_is_told_its_own_dates_and_the_supplier_never_the_tier(step: Docking) -> None:
    sent = told(step)
    assert b'"tier"' not in sent["SUPPLY-party"]
    assert b'"required_since"' not in sent["SUPPLY-party"]
    assert b'"offered_since"' not in sent["DEMAND-party"]
    assert b'"tier"' in sent["DEMAND-party"]
    assert b'"offered_since"' in sent["SUPPLY-party"]


@given(steps)
def test_a_step_goes_to_its_two_sides_the_wall_and_the_administrator_only(step: Docking) -> None:
    sent = told(step)
    assert sent.keys() == {"SUPPLY-party", "DEMAND-party", WALL, ADMINISTRATOR}
    assert {audience for audience in sent if is_party(audience)} == {"SUPPLY-party", "DEMAND-party"}
    assert all(text in sent[ADMINISTRATOR] for text in (b"SUPPLY-id", b"DEMAND-id", b"secret-note", b"77.77"))
