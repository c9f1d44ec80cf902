"""The numbers of ingest."""

from tenon.metrics import counter, gauge, histogram

ACCEPTED = counter("ingest_accepted_total", "events that were answered with 202", "type")
REJECTED = counter(
    "ingest_rejected_total", "events that were not taken, by the name of the problem", "type", "reason"
)
REQUEST_SECONDS = histogram("ingest_request_seconds", "time from a request's head to its answer", "status")
IN_FLIGHT_BYTES = gauge("ingest_in_flight_bytes", "bytes of requests that are being handled")
WAITING_BYTES = gauge("ingest_kafka_waiting_bytes", "bytes of records that wait for Kafka's acknowledgement")
OUTBOX_WAITING = gauge("ingest_outbox_waiting", "records committed with the registry and not yet in Kafka")
OUTBOX_AGE_SECONDS = gauge(
    "ingest_outbox_oldest_seconds", "age of the oldest record that waits in the outbox"
)
OUTBOX_PARKED = gauge("ingest_outbox_parked", "records that Kafka refuses: an operator has to look")
