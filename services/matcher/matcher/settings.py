"""What the matcher is told by its environment, beside what every service is told."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tenon.settings import CommonSettings, address
from tenon.sharding import Sharding, shards_of_json


class DatabaseShards(BaseSettings):
    """Where partitions are that are not in the service's own database; `tenon restore` has to know it too."""

    model_config = SettingsConfigDict(env_prefix="TENON_", extra="ignore", frozen=True)

    database_shards: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        repr=False,
        description='Databases of partitions that are not in TENON_DATABASE_URL, as JSON: {"8-15":'
        ' "postgresql://…"}; of matchers of one log all the same.',
    )

    @field_validator("database_shards", mode="before")
    @classmethod
    def _is_json(cls, said: object) -> object:
        return shards_of_json(said) if isinstance(said, str) else said

    @field_validator("database_shards")
    @classmethod
    def _names_databases(cls, shards: dict[str, str]) -> dict[str, str]:
        for url in shards.values():
            address(url)
        Sharding.of("", shards)
        return shards


class MatcherSettings(DatabaseShards, CommonSettings):
    """Settings of the matcher."""

    http_port: int = Field(
        default=8200, ge=0, le=65535, description="Port the HTTP server listens on; 0: any free one."
    )
    max_poll_records: int = Field(
        default=250,
        ge=1,
        le=100_000,
        description="Most records of one partition in a round: what a record costs rises with their number.",
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

    @property
    def sharding(self) -> Sharding:
        """Which database holds which partition."""
        return Sharding.of(self.database_url, self.database_shards)

    def databases(self) -> tuple[str, ...]:  # noqa: D102 - as in the base
        return self.sharding.urls

    def database_of(self, partition: int) -> str:  # noqa: D102 - as in the base
        return self.sharding.url_of(partition)
