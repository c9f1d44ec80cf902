"""A repetition has no second effect and a late statement none: by the log's own rule of revisions."""

from hypothesis import given
from hypothesis import strategies as st

from tenon_audit.checks.repeated import (
    Contents,
    Statements,
    kept_in_force,
    newest_in_force,
    step_says_something,
)
from tenon_audit.facts import Entity, Statement
from tenon_audit.reading import content
from tests.unit.audit.samples import kinds, step

EVENT = ("/loader", "e1")


def listed(revision: int, quantity: int = 10, offset: int = 0, market: str = "m") -> Statement:
    return Statement(0, offset, "offer", market, "acme/o1", revision, {"w": quantity})


def ended(revision: int, offset: int = 0) -> Statement:
    return Statement(0, offset, "offer", "m", "acme/o1", revision, None)


def in_force(*said: Statement) -> Statements:
    statements = Statements()
    for each in said:
        statements.take(each)
    return statements


def entity(revision: int, status: str = "open") -> Entity:
    return Entity(0, "offer", "m", "acme/o1", revision, status, explained=False)


def test_an_event_that_stands_in_the_log_twice_is_counted_and_no_fault() -> None:
    contents = Contents()
    for offset in range(3):
        assert kinds(contents.see(b"n", b"c", EVENT, (0, offset), fans_out=False)) == []
    assert (contents.repeated, contents.doubled) == (2, 0)


def test_one_id_with_two_contents_is_found() -> None:
    contents = Contents()
    assert not list(contents.see(b"n", b"one", EVENT, (0, 1), fans_out=False))
    (found,) = contents.see(b"n", b"two", EVENT, (0, 2), fans_out=False)
    assert (found.guarantee, found.check, found.where) == (2, "event.doubled", "tenon.market.v1/0@2")
    assert contents.doubled == 1


def test_a_repeated_listing_with_a_newer_site_says_the_same() -> None:
    headers = {"type": "tenon.offer.listed.v1", "market": "m"}
    first = b'{"offer":{"party":"acme"},"site":{"revision":1}}'
    assert content(headers, first) == content(headers, first.replace(b":1", b":2"))
    assert content(headers, first) != content(headers, first.replace(b"acme", b"bolt"))
    assert content(headers, first) != content({**headers, "market": "other"}, first)


def test_what_goes_to_every_market_says_the_same_in_each() -> None:
    kind = "tenon.site.changed.v1"
    assert content({"type": kind, "market": "a"}, b"{}") == content({"type": kind, "market": "b"}, b"{}")


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_the_highest_revision_is_in_force_in_whatever_order_they_came(revisions: list[int]) -> None:
    made = in_force(*(listed(revision, revision * 10) for revision in revisions))
    (entry,) = made.in_force.values()
    assert entry.revision == max(revisions)
    assert entry.quantities == {"w": max(revisions) * 10}
    assert entry.most["w"] == max(revisions) * 10


def test_an_end_counts_as_a_revision_and_only_a_newer_one_raises_the_dead() -> None:
    made = in_force(listed(1, 10), ended(2), listed(2, 20))
    (entry,) = made.in_force.values()
    assert (entry.revision, entry.ended, entry.quantities) == (1, 2, {"w": 0})
    made.take(listed(3, 30))
    assert (entry.revision, entry.ended, entry.quantities) == (3, 0, {"w": 30})


def test_an_end_that_came_before_its_listing_keeps_it_out() -> None:
    made = in_force(ended(5), listed(4))
    assert made.in_force == {}
    made.take(listed(6))
    assert len(made.in_force) == 1


def test_the_revision_in_the_table_is_the_one_of_the_log() -> None:
    made = in_force(listed(1), listed(2, offset=9)).in_force
    assert kinds(newest_in_force(made, [entity(2)])) == []
    (late,) = newest_in_force(made, [entity(1)])
    assert late.check == "entity.revision"
    assert late.where == "matcher.entities 0/offer/m/acme/o1, tenon.market.v1/0@9"
    assert kinds(newest_in_force(made, [entity(3)])) == ["entity.revision"]


def test_an_offer_that_is_in_one_place_only_is_found() -> None:
    made = in_force(listed(1)).in_force
    assert kinds(newest_in_force(made, [])) == ["entity.missing"]
    assert kinds(newest_in_force({}, [entity(1)])) == ["entity.orphan"]


def test_what_was_forgotten_is_not_asked_for_and_what_was_not_closed_is() -> None:
    made = in_force(listed(1), ended(2)).in_force
    name = (0, "offer", "acme/o1")
    assert kept_in_force(made, [], {name: 2}) == {}
    assert kept_in_force(made, [], {name: 1}) == made
    assert kept_in_force(made, [entity(1, "withdrawn")], {name: 2}) == made


def test_an_end_that_did_not_take_effect_is_found() -> None:
    made = in_force(listed(1), ended(2)).in_force
    assert kinds(newest_in_force(made, [entity(1, "withdrawn")])) == []
    assert kinds(newest_in_force(made, [entity(1)])) == ["entity.status"]


def test_a_step_that_says_nothing_new_is_found() -> None:
    first, accepted = step(1), step(2, accepted=(True, False))
    assert kinds(step_says_something(first, None)) == []
    assert kinds(step_says_something(accepted, first)) == []
    assert kinds(step_says_something(step(3, accepted=(True, False)), accepted)) == ["step.repeated"]
