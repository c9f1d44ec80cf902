"""Disruption notifications: the standard's table in its order, and both versions of the model."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.domain.faults import Refused
from ingest.formats.catenax import reading
from ingest.formats.catenax.aspects import NOTIFICATION
from ingest.formats.catenax.cases import decide
from ingest.formats.catenax.notification_cases import (
    NOTIFICATION_CASES,
    Between,
    NotificationFacts,
    rule_notification,
)
from ingest.formats.catenax.ruling import Held
from tests.support.catenax import CUSTOMER, PLANT, SUPPLIER, WORKS, notice
from tests.unit.ingest.catenax.test_tables import WRONG, everything

pytestmark = pytest.mark.unit
NOW = datetime(2026, 1, 7, tzinfo=UTC)
BETWEEN = Between(SUPPLIER, CUSTOMER, {WORKS}, {PLANT}, {"48878d48-6f1d-47f5-8ded-a441d0d879df"})


def read(value: Any) -> reading.Read:
    return reading.read(NOTIFICATION, value, "/content/demandAndCapacityNotification", NOW)


def test_the_table_has_the_standards_rows_in_the_standards_order() -> None:
    rows = [(case.number, case.action, case.status) for case in NOTIFICATION_CASES]
    refused = [(number, "ignore", 400) for number in range(1, 8)]
    assert rows == [*refused, (8, "overwrite", 200), (9, "create", 200)]


def test_whatever_comes_is_a_case() -> None:
    reached = {decide(NOTIFICATION_CASES, facts).number for facts in everything(NotificationFacts)}
    assert reached == set(range(1, 10))


@pytest.mark.parametrize(
    ("facts", "number"),
    [
        (NotificationFacts(faults=WRONG, sender_sites=False), 1),
        (NotificationFacts(sender_sites=False, recipient_sites=False), 2),
        (NotificationFacts(recipient_sites=False, age="older"), 3),
        (NotificationFacts(age="same", resolved=True, first_sender=False), 4),
        (NotificationFacts(age="newer", resolved=True, first_sender=False, foreign_material=True), 5),
        (NotificationFacts(foreign_material=True, unnamed_material=True), 6),
        (NotificationFacts(unnamed_material=True, age="newer"), 7),
        (NotificationFacts(age="newer", resolved=True), 8),
        (NotificationFacts(resolved=True, first_sender=False), 9),
    ],
)
def test_the_first_case_that_matches_is_it(facts: NotificationFacts, number: int) -> None:
    assert decide(NOTIFICATION_CASES, facts).number == number


def test_two_rows_that_change_places_change_what_is_decided() -> None:
    for index in range(len(NOTIFICATION_CASES) - 2):
        swapped = [*NOTIFICATION_CASES]
        swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
        assert any(
            decide(NOTIFICATION_CASES, facts).number != decide(swapped, facts).number
            for facts in everything(NotificationFacts)
        )


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({}, 9),
        ({"effect": "price-increase"}, 1),
        ({"expectedEndDateOfEffect": "2020-01-01T00:00:00Z"}, 1),
        ({"affectedSitesSender": ["BPNS00000000ELSE"]}, 2),
        ({"affectedSitesRecipient": [WORKS]}, 3),
        (
            {
                "materialsAffected": [
                    {"materialGlobalAssetId": "urn:uuid:48878d48-6f1d-47f5-8ded-a441d0d879df"}
                ]
            },
            6,
        ),
        ({"materialsAffected": [{"materialNumberCustomer": "SEAL 44/A"}, {}]}, 7),
    ],
)
def test_a_notification_is_the_case_that_its_content_says(change: dict[str, Any], number: int) -> None:
    ruled = rule_notification(read(notice(**change)), BETWEEN, None)
    assert ruled.clause == f"CX-0146 §4.1.5 no. {number}"
    assert (ruled.status == 200) == (number > 7)


def test_only_who_told_it_first_resolves_it() -> None:
    before = Held(CUSTOMER, datetime(2026, 1, 1, tzinfo=UTC), read(notice()).value)
    resolved = read(notice(status="resolved"))
    assert rule_notification(resolved, BETWEEN, before).clause.endswith("no. 5")
    own = Held(SUPPLIER, before.changed_at, before.value)
    assert rule_notification(resolved, BETWEEN, own).action == "overwrite"
    late = Held(SUPPLIER, datetime(2027, 1, 1, tzinfo=UTC), before.value)
    assert rule_notification(resolved, BETWEEN, late).clause.endswith("no. 4")


def test_version_2_is_read_as_version_3() -> None:
    old = notice()
    del old["sourceDisruptionId"], old["materialsAffected"]
    old |= {
        "sourceNotificationId": "urn:uuid:c69cb3e4-16ad-43c3-82b9-0deac75ecf9e",
        "relatedNotificationId": "urn:uuid:d05cef4a-b692-45bf-87cc-eda2d84e4c04",
        "materialNumberCustomer": ["A", "B"],
        "materialNumberSupplier": ["C"],
    }
    found = read(old)
    assert found.faults == ()
    assert len(found.value.related_notification_ids) == 1
    numbers = [
        (m.material_number_customer, m.material_number_supplier) for m in found.value.materials_affected
    ]
    assert numbers == [("A", None), ("B", None), (None, "C")]
    assert found.value.source_disruption_id.endswith("ecf9e")


def test_a_time_without_offset_is_in_utc_as_the_model_allows() -> None:
    found = read(notice(contentChangedAt="2026-01-08T08:00:00"))
    assert found.value.changed_at == datetime(2026, 1, 8, 8, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"header": {}, "content": {}}'])
def test_what_cant_be_read_is_400_because_this_standard_knows_nothing_else(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        reading.bare_message(body, "demandAndCapacityNotification")
    assert refused.value.refusal.status == 400
