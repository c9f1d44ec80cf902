"""The numbers of ingest."""

from tenon.metrics import counter, gauge

ACCEPTED = counter("ingest_accepted_total", "events that were answered with 202", "type")
REJECTED = counter(
    "ingest_rejected_total", "events that were not taken, by the name of the problem", "type", "reason"
)
IN_FLIGHT_BYTES = gauge("ingest_in_flight_bytes", "bytes of requests that are being handled")
IMPORTS = counter("ingest_imports_total", "imports of files that ended, by how", "outcome")
IMPORT_ROWS = counter("ingest_import_rows_total", "rows of imported files, by what became of them", "outcome")
WAITING_BYTES = gauge("ingest_kafka_waiting_bytes", "bytes of records that wait for Kafka's acknowledgement")
CATENAX_TAKEN = counter(
    "ingest_catenax_objects_total", "objects of Catena-X messages, by what became of them", "type", "outcome"
)
MTCONNECT_ASKED = counter(
    "ingest_mtconnect_asked_total",
    "agents of MTConnect that were asked, by what they were asked for",
    "outcome",
)
MTCONNECT_SEEN = counter("ingest_mtconnect_observations_total", "observations that agents have told")
MTCONNECT_LOST = counter(
    "ingest_mtconnect_lost_total", "times an agent had started anew, or its buffer had gone on without us"
)
MTCONNECT_TOLD = counter("ingest_mtconnect_told_total", "times that capacity of a machine was published")
CATENAX_LISTED = counter(
    "ingest_catenax_listed_total",
    "events by which something of Catena-X went to the open market or left it",
)
EPCIS_EVENTS = counter("ingest_epcis_events_total", "events of EPCIS, by what became of them", "outcome")
EPCIS_TOLD = counter("ingest_epcis_told_total", "reports of progress that events of EPCIS led to")
