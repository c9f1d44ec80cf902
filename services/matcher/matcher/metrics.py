"""What operators see of the matcher. No party, class or market is ever a label."""

from tenon.metrics import COUNTS, counter, gauge, histogram

ROUNDS = counter("matcher_rounds_total", "rounds that were committed")
ROUND_SECONDS = histogram(
    "matcher_round_seconds", "time of one round, by stage: read, decide, commit", "stage"
)
ROUND_RECORDS = histogram("matcher_round_records", "records of the log in one round", buckets=COUNTS)
RECORDS = counter(
    "matcher_records_total",
    "records of the log, by what became of them: used, superseded, refused, skipped",
    "outcome",
)
DOCKED = counter("matcher_dockings_total", "dockings made")
RELEASED = counter("matcher_releases_total", "dockings that ended and gave back what was not shipped")
DROPPED = counter(
    "matcher_states_dropped_total", "times a partition's state was thrown away and loaded again"
)
LOAD_SECONDS = histogram("matcher_load_seconds", "time to load a partition's state")
OPEN_DEMANDS = gauge("matcher_demands_open", "demands of which something is open", "partition")
OPEN_OFFERS = gauge("matcher_offers_open", "offers of which something is free", "partition")
CLOCK = gauge("matcher_clock_seconds", "the partition's clock, in Unix seconds", "partition")
