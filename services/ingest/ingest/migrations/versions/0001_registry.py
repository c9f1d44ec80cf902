"""The registry, its outbox and its leases."""

from alembic import op

from tenon import lease, outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE parties (
        party text PRIMARY KEY,
        revision bigint NOT NULL,
        digest text NOT NULL,
        data jsonb NOT NULL,
        sequence bigint NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE sites (
        party text NOT NULL,
        site text NOT NULL,
        revision bigint NOT NULL,
        digest text NOT NULL,
        data jsonb NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (party, site),
        CONSTRAINT sites_party FOREIGN KEY (party) REFERENCES parties (party)
    )
    """,
    """
    CREATE TABLE site_markets (
        party text NOT NULL,
        site text NOT NULL,
        market text NOT NULL,
        PRIMARY KEY (party, site, market),
        CONSTRAINT site_markets_site FOREIGN KEY (party, site) REFERENCES sites (party, site)
    )
    """,
    """
    CREATE TABLE policies (
        policy text PRIMARY KEY,
        revision bigint NOT NULL,
        digest text NOT NULL,
        data jsonb NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE api_keys (
        key text PRIMARY KEY,
        party text NOT NULL,
        sha256 text NOT NULL,
        label text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz,
        CONSTRAINT api_keys_party FOREIGN KEY (party) REFERENCES parties (party)
    )
    """,
    "CREATE INDEX ix_api_keys_party ON api_keys (party)",
)


def upgrade() -> None:
    """Create everything."""
    for statement in (*_STATEMENTS, *lease.DDL_V1, *outbox.DDL_V1):
        op.execute(statement)
