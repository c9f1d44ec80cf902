"""`python -m ingest` serves, `python -m ingest migrate` upgrades the schema."""

from ingest.service import bind
from ingest.settings import IngestSettings
from tenon.app import main

main(bind, IngestSettings, "ingest")
