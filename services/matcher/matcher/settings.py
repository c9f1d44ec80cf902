"""What the matcher is told by its environment, beside what every service is told."""

from pydantic import Field, SecretStr

from tenon.settings import CommonSettings


class MatcherSettings(CommonSettings):
    """Settings of the matcher."""

    http_port: int = Field(
        default=8200, ge=0, le=65535, description="Port the HTTP server listens on; 0: any free one."
    )
    max_skipped_in_a_row: int = Field(
        default=1_000,
        ge=1,
        description="So many unusable records of a partition in a row stop the matcher: then it is no bad"
        " record, but a bad deploy.",
    )
    rounds_retention_h: float = Field(
        default=24,
        gt=0,
        description="How long rounds and their events stay in the database once they are told, in hours;"
        " tenon.rounds.v1 keeps them.",
    )
    admin_key: SecretStr | None = Field(
        default=None,
        min_length=16,
        description="The administrator's key: may ask for every reason why a demand is open.",
    )
    explain_deadline_ms: int = Field(
        default=30_000,
        ge=1_000,
        description="Time that all reasons of a demand may take, in ms; then the answer is 503.",
    )
