"""The types of EPCIS that the interface's description shows."""

from ingest.epcis.job import CaptureJob
from ingest.epcis.orders import Order, OrderShown

EPCIS: tuple[type, ...] = (CaptureJob, Order, OrderShown)
