"""What operators see of the matcher. No party, class or market is ever a label."""

from tenon.metrics import COUNTS, counter, gauge, histogram

ROUNDS = counter("matcher_rounds_total", "rounds that were committed")
ROUND_SECONDS = histogram(
    "matcher_round_seconds", "time of one round, by stage: read, decide, commit", "stage"
)
ROUND_RECORDS = histogram("matcher_round_records", "records of the log in one round", buckets=COUNTS)
OUTCOMES = ("used", "superseded", "refused", "skipped")
RECORDS = counter(
    "matcher_records_total", f"records of the log, by what became of them: {', '.join(OUTCOMES)}", "outcome"
)
DOCKED = counter("matcher_dockings_total", "dockings made")
RELEASED = counter("matcher_releases_total", "dockings that ended and gave back what was not shipped")
DROPPED = counter(
    "matcher_states_dropped_total", "times a partition's state was thrown away and loaded again"
)
LOAD_SECONDS = histogram("matcher_load_seconds", "time to load a partition's state")
SOLVE_SECONDS = histogram("matcher_solve_seconds", "time to decide one market in a round")
ENGINE = gauge("matcher_engine", "1 for the engine that decides; its version says when to replay", "engine")
OPEN_DEMANDS = gauge(
    "matcher_demands_open", "demands of which something is open, by their tier", "partition", "tier"
)
OPEN_REASONS = gauge(
    "matcher_demands_open_reasons",
    "demands of which something is open, by the test that most offers of their class fail; unexplained: not"
    " known yet",
    "partition",
    "reason",
)
OVERDRAWN = gauge(
    "matcher_offers_overdrawn", "offers and resources that hold less than what is docked of them", "partition"
)
OPEN_OFFERS = gauge("matcher_offers_open", "offers of which something is free", "partition")
CLOCK = gauge("matcher_clock_seconds", "the partition's clock, in Unix seconds", "partition")
