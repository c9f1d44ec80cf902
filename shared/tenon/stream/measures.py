"""The metrics of the consumer loop."""

from tenon.metrics import COUNTS, counter, gauge, histogram

RECORDS = counter("consumer_records_total", "records handled", "topic", "partition")
BATCHES = histogram("consumer_batch_records", "records handled at a time", "topic", buckets=COUNTS)
SECONDS = histogram("consumer_batch_seconds", "time one batch took until it was durable", "topic")
RETRIES = counter("consumer_retries_total", "batches and openings that were tried again", "topic")
FENCED = counter("consumer_fenced_total", "times a partition was found to belong to another process", "topic")
ASSIGNED = gauge("consumer_partitions_assigned", "partitions that Kafka gave to this process")
READY = gauge("consumer_partitions_ready", "partitions this process is handling")
LAG = gauge("consumer_lag_records", "records not handled yet", "topic", "partition")
LAG_SECONDS = gauge(
    "consumer_lag_seconds",
    "how long the oldest record that is not handled has waited; 0 when none is",
    "topic",
    "partition",
)
REACHABLE = gauge("consumer_kafka_reachable", "1 when the brokers answered the last probe, else 0")
