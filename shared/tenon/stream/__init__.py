"""The consumer loop: everything between Kafka's partitions and a service's handler."""

from tenon.stream.handler import Handler, JointHandler, StreamSettings
from tenon.stream.loop import ConsumerLoop

__all__ = ["ConsumerLoop", "Handler", "JointHandler", "StreamSettings"]
