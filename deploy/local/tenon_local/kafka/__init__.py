"""The real Apache Kafka in KRaft mode, as child processes of this one.

Decides how brokers of one machine are configured and when they count as ready. Must not know topics.
"""

from tenon_local.kafka.access import Access, environment
from tenon_local.kafka.cluster import EmbeddedKafka
from tenon_local.kafka.java import Java

__all__ = ["Access", "EmbeddedKafka", "Java", "environment"]
