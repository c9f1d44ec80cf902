"""Kafka, as the project uses it: the only package that imports aiokafka, in `_driver` and `_wire` alone.

Names of topics and groups are given the prefix of the settings here and lose it here: nobody else sees it.
"""

from tenon.kafka.admin import Layout, end_offsets, ensure_layout, ensure_topics, read_layout
from tenon.kafka.connection import KafkaSecurity, KafkaSettings
from tenon.kafka.consumer import Consumer
from tenon.kafka.producer import Producer, Receipt
from tenon.kafka.security import brokers_in_service, drop_rights, ensure_rights, ensure_users
from tenon.kafka.tail import Ends, Start, extent, read, read_compacted
from tenon.records import OutRecord, Record, TopicPartition

__all__ = [
    "Consumer",
    "Ends",
    "KafkaSecurity",
    "KafkaSettings",
    "Layout",
    "OutRecord",
    "Producer",
    "Receipt",
    "Record",
    "Start",
    "TopicPartition",
    "brokers_in_service",
    "drop_rights",
    "end_offsets",
    "ensure_layout",
    "ensure_rights",
    "ensure_topics",
    "ensure_users",
    "extent",
    "read",
    "read_compacted",
    "read_layout",
]
