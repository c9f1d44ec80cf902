"""Kafka, as the project uses it: the only package that imports aiokafka, and that only in `_driver`.

Names of topics and groups are given the prefix of the settings here and lose it here: nobody else sees it.
"""

from tenon.kafka.admin import Layout, end_offsets, ensure_layout, ensure_topics, read_layout
from tenon.kafka.connection import KafkaSettings
from tenon.kafka.consumer import Consumer
from tenon.kafka.producer import Producer, Receipt
from tenon.kafka.tail import Start, read, read_compacted
from tenon.records import OutRecord, Record, TopicPartition

__all__ = [
    "Consumer",
    "KafkaSettings",
    "Layout",
    "OutRecord",
    "Producer",
    "Receipt",
    "Record",
    "Start",
    "TopicPartition",
    "end_offsets",
    "ensure_layout",
    "ensure_topics",
    "read",
    "read_compacted",
    "read_layout",
]
