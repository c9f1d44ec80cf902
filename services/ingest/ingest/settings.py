"""What ingest is told by its environment, beside what every service is."""

from pydantic import Field, SecretStr

from tenon.settings import CommonSettings


class IngestSettings(CommonSettings):
    """Settings of ingest."""

    http_port: int = Field(
        8100, ge=0, le=65535, description="Port the HTTP server listens on; 0: any free one."
    )
    admin_key: SecretStr = Field(
        min_length=16,
        description="The administrator's key: may send for every party, register them and make keys.",
    )
    send_deadline_ms: int = Field(
        3_000,
        ge=10,
        le=60_000,
        description="Time that Kafka or the database has to take an event, in ms; then the answer is 503.",
    )
    max_in_flight_bytes: int = Field(
        64 * 1024 * 1024,
        ge=8 * 1024 * 1024,
        description="Bytes of requests (each counts as 16 KiB more) and of records that wait for Kafka, each;"
        " above it 503 at once. In memory they are up to ten times as many.",
    )
    body_deadline_ms: int = Field(
        10_000,
        ge=100,
        description="A request whose body has not arrived after this time, in ms, is answered with 408.",
    )
    look_up_ttl_ms: int = Field(
        2_000,
        ge=0,
        description="Keys, sites and terms are remembered for this time, in ms; a revoked key works as long.",
    )
    import_max_bytes: int = Field(
        16 * 1024 * 1024,
        ge=1_024,
        le=256 * 1024 * 1024,
        description="Most bytes of a file that is uploaded to be imported; never more than half of"
        " TENON_MAX_IN_FLIGHT_BYTES.",
    )
    imports_per_party: int = Field(
        10, ge=1, description="Imports of one party, or of the administrator, that may wait or run at a time."
    )
    import_retention_h: float = Field(
        168,
        gt=0,
        description="How long an import, the report of its rows, and a capture job of EPCIS can be read, in"
        " hours. The file itself is dropped as soon as the import ends.",
    )
    mtconnect_timeout_ms: int = Field(
        5_000, ge=100, le=60_000, description="How long an agent of MTConnect may take to answer, in ms."
    )
    mtconnect_allow_private: bool = Field(
        False,
        description="Whether agents of MTConnect may be asked by plain http, at private addresses;"
        " then every party can make this process ask whatever it reaches.",
    )
    rate_events_per_second: int = Field(
        100_000, ge=0, description="Events that one key may send per second on average; 0: any number."
    )
    rate_burst_events: int = Field(
        200_000, ge=1_000, description="Events that one key may send at once after a pause."
    )
