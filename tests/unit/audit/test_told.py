"""Steps are told once, in order and as decided; each reaches every feed and every endpoint, or is parked."""

from hypothesis import given
from hypothesis import strategies as st

from tenon_audit.checks import delivered, told
from tenon_audit.checks.delivered import Feeds, audiences
from tenon_audit.checks.told import Others, Steps
from tenon_audit.facts import DockingRow, Endpoint, FeedRow, Step, Undelivered
from tests.unit.audit.samples import DEMAND, OFFER, kinds, rounds, step

DOCKINGS = "tenon.dockings.v1"
THREE = [step(1), step(2, "confirmed"), step(3, "shipped", shipped=10)]


def seen(*there: Step, head: int = 100) -> Steps:
    steps = Steps({0: head})
    for each in there:
        assert not list(steps.see(each))
    return steps


def row(last: Step, **said: object) -> DockingRow:
    made = DockingRow(0, last.docking, OFFER, DEMAND, last.status, last.quantity, 10, last.body)
    return made._replace(**said)  # type: ignore[arg-type]


def test_a_step_that_was_told_twice_is_one_step() -> None:
    steps = seen(*THREE, THREE[0], THREE[2])
    assert list(steps.by_id) == [each.id for each in THREE]


@given(st.integers(0, 1))
def test_a_step_that_is_missing_before_another_is_found(gone: int) -> None:
    steps = Steps({0: 100})
    there = [each for index, each in enumerate(THREE) if index != gone]
    found = [finding for each in there for finding in steps.see(each)]
    assert kinds(found)[0] == "step.missing"


def test_two_ids_for_one_step_are_found() -> None:
    steps = seen(*THREE)
    assert kinds(steps.see(THREE[2]._replace(id="another"))) == ["step.twice"]


def test_one_id_with_two_contents_is_found() -> None:
    steps = seen(*THREE)
    assert kinds(steps.see(THREE[1]._replace(body=b"changed"))) == ["step.differs"]


def test_a_step_that_counts_as_told_and_is_not_there_is_found_and_one_to_be_told_is_not() -> None:
    steps = seen(THREE[0])
    assert kinds(steps.decided((0, 2), [THREE[1]], told=True)) == ["step.untold"]
    assert kinds(steps.decided((0, 3), [THREE[2]], told=False)) == []
    assert steps.last("0-1-1") == THREE[2]


def test_a_step_that_its_round_did_not_decide_or_decided_otherwise_is_found() -> None:
    steps = seen(*THREE)
    assert kinds(steps.decided((0, 2), [THREE[1]], told=True)) == []
    assert kinds(steps.decided((0, 2), [], told=True)) == ["step.orphan"]
    assert kinds(steps.decided((0, 2), [THREE[1]._replace(body=b"x")], told=True)) == ["step.differs"]


def test_what_was_decided_since_the_tables_were_read_is_no_orphan_and_what_nobody_decided_is() -> None:
    steps = seen(*THREE, head=2)
    assert list(steps.later) == [THREE[2].id]
    assert kinds(steps.undecided({0: 3})) == []
    assert kinds(steps.undecided({0: 2})) == ["step.orphan"]


def test_a_docking_that_its_round_made_and_nobody_was_told_of_is_found() -> None:
    owns = [own for _, own in rounds(3)]
    counts = [owns[0]._replace(docked=1), owns[1], owns[2]._replace(docked=1)]
    steps = seen(*THREE)
    (found,) = steps.counted(counts, {})
    assert (found.check, found.where) == ("round.docked", "matcher.rounds 0/3")
    assert kinds(steps.counted(counts, {0: 2})) == []


def test_rows_are_the_latest_steps() -> None:
    steps = seen(*THREE)
    assert kinds(told.rows_as_told([row(THREE[2])], steps, {})) == []
    assert kinds(told.rows_as_told([row(THREE[1])], steps, {})) == ["docking.differs"]
    assert kinds(told.rows_as_told([row(THREE[2], quantity=11)], steps, {})) == ["docking.differs"]
    other = row(step(docking="0-9-9"))
    assert kinds(told.rows_as_told([row(THREE[2]), other], steps, {})) == ["docking.orphan"]


def test_a_reservation_that_was_taken_out_is_named_by_its_row_and_round() -> None:
    (found,) = told.rows_as_told([], seen(*THREE), {})
    assert (found.guarantee, found.check) == (3, "docking.missing")
    assert found.where == "matcher.dockings 0/0-1-1, matcher.rounds 0/3"


def test_what_closed_long_ago_may_be_forgotten_and_what_is_open_may_not() -> None:
    declined = seen(step(1), step(2, "declined"))
    assert kinds(told.rows_as_told([], declined, {0: 2_000})) == []
    assert kinds(told.rows_as_told([], declined, {0: 1_999})) == ["docking.missing"]
    assert kinds(told.rows_as_told([], seen(*THREE), {0: 9_000})) == ["docking.missing"]


def test_a_docking_of_what_does_not_exist_is_found() -> None:
    offers, demands = {(0, OFFER[0])}, {(0, DEMAND[0])}
    assert kinds(told.sides_exist([row(THREE[0])], offers, demands)) == []
    assert [found.guarantee for found in told.sides_exist([row(THREE[0])], set(), set())] == [3, 4]


def test_a_row_that_consumes_something_else_than_its_steps_is_found() -> None:
    assert kinds(told.consumed_as_told([row(THREE[0])], {"0-1-1": 10})) == []
    assert kinds(told.consumed_as_told([row(THREE[0])], {"0-1-1": 9})) == ["docking.consumed"]


def test_other_events_that_count_as_told_are_looked_for_on_their_topics() -> None:
    others = Others({"r1": ("tenon.rejected.v1", 0, 3)}, {"acme/offer/o1": {0: "p2"}})
    assert kinds(others.missing({"tenon.rejected.v1": {"r1"}})) == []
    assert kinds(others.missing({"tenon.rejected.v1": set()})) == ["event.untold"]
    assert kinds(others.outdated("t", {"acme/offer/o1": "p2"}, set())) == []
    assert kinds(others.outdated("t", {"acme/offer/o1": "p9"}, {"p9"})) == []
    assert kinds(others.outdated("t", {"acme/offer/o1": "p1"}, set())) == ["position.untold"]


def entries(*steps: Step) -> list[FeedRow]:
    """Return the feeds in which these steps stand, as they are read: by audience and number."""
    numbered = [
        FeedRow(audience, number, each.id, "tenon.docking.proposed.v1", 1_000 * number)
        for number, each in enumerate(steps, 1)
        for audience in audiences(each)
    ]
    return sorted(numbered)


def followed(feed: list[FeedRow], *, since_ms: int = 0, counters: dict[str, int] | None = None) -> list[str]:
    steps = seen(*THREE)
    feeds = Feeds(steps, kept_since_ms=since_ms)
    found = [finding for entry in feed for finding in feeds.follow(entry)]
    found += feeds.end(dict.fromkeys(audiences(THREE[0]), 3) if counters is None else counters)
    late = [each._replace(place=(0, 1, since_ms + 9_000_000)) for each in THREE]
    return kinds([*found, *feeds.complete(late)])


def test_feeds_that_hold_every_step_are_clean() -> None:
    assert followed(entries(*THREE)) == []


@given(st.integers(0, 11))
def test_any_entry_that_is_taken_out_is_found_as_missing(gone: int) -> None:
    feed = entries(*THREE)
    taken = feed.pop(gone)
    found = followed(feed)
    assert found.count("feed.missing") == 1
    assert ("feed.gap" in found) == (taken.number > 1)


def test_what_is_older_than_feeds_are_kept_may_be_gone() -> None:
    steps = seen(*THREE)
    feeds = Feeds(steps, kept_since_ms=2_500)
    newer = [entry for entry in entries(*THREE) if entry.number == 3]
    assert kinds(finding for entry in newer for finding in feeds.follow(entry)) == []
    assert kinds(feeds.complete(THREE)) == []


def test_a_step_that_stands_twice_in_a_feed_is_found() -> None:
    feed = [*entries(*THREE), FeedRow("clinic", 4, THREE[0].id, "tenon.docking.proposed.v1", 4_000)]
    counters = {**dict.fromkeys(audiences(THREE[0]), 3), "clinic": 4}
    assert followed(sorted(feed), counters=counters) == ["feed.twice"]


def test_a_number_that_was_given_twice_is_found() -> None:
    feed = [*entries(*THREE), FeedRow("acme", 3, "other", "tenon.offer.position.v1", 4_000)]
    assert followed(sorted(feed, key=lambda entry: entry[:2])) == ["feed.number"]


def test_a_step_in_a_feed_that_it_is_not_for_is_found() -> None:
    feed = [*entries(*THREE), FeedRow("rival", 1, THREE[0].id, "tenon.docking.proposed.v1", 4_000)]
    assert followed(sorted(feed)) == ["feed.stranger"]


def test_an_entry_about_a_docking_that_nobody_decided_is_found() -> None:
    feed = [*entries(*THREE), FeedRow("rival", 1, "unknown", "tenon.docking.proposed.v1", 4_000)]
    assert followed(sorted(feed)) == ["feed.orphan"]


def test_a_counter_that_is_behind_its_feed_is_found() -> None:
    counters = {**dict.fromkeys(audiences(THREE[0]), 3), "acme": 2}
    assert followed(entries(*THREE), counters=counters) == ["feed.counter"]


def test_only_what_the_notifier_has_read_is_asked_of_it() -> None:
    steps = seen(*THREE)
    assert list(delivered.handled(steps, {(DOCKINGS, 0): 3})) == THREE[:2]
    assert list(delivered.handled(steps, {})) == []


def shown(
    state: tuple[int, str] | None, *, twice: int = 0, missing: int = 0, kept_since_ms: int = 0
) -> list[str]:
    stored = {(each.docking, each.revision): 1 + (each.revision == twice) for each in THREE}
    stored.pop(("0-1-1", missing), None)
    states = {} if state is None else {"0-1-1": state}
    return kinds(delivered.read_models(THREE, states, stored, kept_since_ms=kept_since_ms))


def test_what_is_shown_is_the_latest_that_was_handled_and_each_step_once() -> None:
    assert shown((3, "shipped")) == []
    assert shown((2, "confirmed")) == ["shown.differs"]
    assert shown(None) == ["shown.differs"]
    assert shown((3, "shipped"), missing=2) == ["shown.step_missing"]
    assert shown((3, "shipped"), twice=2) == ["shown.step_twice"]


def test_old_steps_may_be_gone_and_dockings_only_when_they_have_ended() -> None:
    assert shown((3, "shipped"), missing=2, kept_since_ms=2_000) == []
    assert shown(None, kept_since_ms=9_000) == ["shown.differs"]
    ended = [*THREE, step(4, "delivered", shipped=10, delivered=10)]
    assert kinds(delivered.read_models(ended, {}, {}, kept_since_ms=9_000)) == []


def test_positions_and_cursors_are_within_what_there_is() -> None:
    assert kinds(delivered.within_ends({(DOCKINGS, 0): 3}, {(DOCKINGS, 0): 3})) == []
    assert kinds(delivered.within_ends({(DOCKINGS, 0): 4}, {(DOCKINGS, 0): 3})) == ["notifier.beyond"]
    behind, beyond = Endpoint("e", "acme", "active", 3, 5), Endpoint("e", "acme", "active", 6, 5)
    assert kinds(delivered.endpoints([behind], [])) == []
    assert kinds(delivered.endpoints([beyond], [])) == ["endpoint.beyond"]
    assert kinds(delivered.endpoints([behind], [Undelivered("e", 2, "x")])) == ["endpoint.passed_over"]
