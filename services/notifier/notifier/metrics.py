"""What the notifier counts."""

from tenon.metrics import COUNTS, SECONDS, counter, gauge, histogram

EVENTS = counter("notifier_events_total", "events that said something new", "topic")
ECHOES = counter("notifier_echoes_total", "records that were sent again or came too late", "topic")
UNUSABLE = counter("notifier_unusable_total", "records that could not be used, by reason", "topic", "code")
ENTRIES = counter("notifier_feed_entries_total", "entries written to feeds")
WAIT_SECONDS = histogram(
    "notifier_feed_wait_seconds", "time from a record's writing to its entry in the feed", buckets=SECONDS
)
STREAMS = gauge("notifier_streams", "live streams being served")
STREAMED = counter("notifier_streamed_total", "events handed to live streams")
STREAMS_CLOSED = counter("notifier_streams_closed_total", "streams that this side ended, by reason", "reason")
TAIL_READ = histogram("notifier_tail_entries", "entries a feed's tail read at a time", buckets=COUNTS)
ATTEMPTS = counter("notifier_webhook_attempts_total", "calls of endpoints, by outcome", "outcome")
ATTEMPT_SECONDS = histogram("notifier_webhook_seconds", "time one call of an endpoint took")
PARKED = counter("notifier_webhook_parked_total", "events set aside after their last attempt")
DISABLED = counter("notifier_webhook_disabled_total", "endpoints that were disabled")
ENDPOINTS_DISABLED = gauge(
    "notifier_webhook_endpoints_disabled", "endpoints that are called no more, of all replicas"
)
ENDPOINTS_HELD = gauge("notifier_webhook_endpoints", "endpoints this process is calling now")
REMOVED = counter("notifier_retention_removed_total", "rows removed because of their age", "table")
