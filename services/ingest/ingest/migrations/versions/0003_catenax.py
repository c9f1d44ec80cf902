"""What partners of Catena-X have told each other, who they are, and what of it is on the open market."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE catenax_partners (
        party text PRIMARY KEY,
        bpnl text NOT NULL CONSTRAINT catenax_partners_bpnl UNIQUE,
        changed_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT catenax_partners_party FOREIGN KEY (party) REFERENCES parties (party)
    )
    """,
    """
    CREATE TABLE catenax_sites (
        bpns text CONSTRAINT catenax_sites_bpns PRIMARY KEY,
        party text NOT NULL,
        site text NOT NULL,
        CONSTRAINT catenax_sites_partner FOREIGN KEY (party) REFERENCES catenax_partners (party)
    )
    """,
    "CREATE INDEX catenax_sites_of_party ON catenax_sites (party)",
    # An object is named within the relationship of a supplier and a customer; `data` is null where it was
    # deleted for good. `subject` is what it is about, where that may stand there once only.
    """
    CREATE TABLE catenax_objects (
        aspect text NOT NULL,
        supplier text NOT NULL,
        customer text NOT NULL,
        id text NOT NULL,
        subject text,
        sender text NOT NULL,
        changed_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        data jsonb,
        PRIMARY KEY (aspect, supplier, customer, id)
    )
    """,
    """
    CREATE UNIQUE INDEX catenax_objects_subject ON catenax_objects (aspect, supplier, customer, subject)
        WHERE subject IS NOT NULL
    """,
    "CREATE INDEX catenax_objects_of_customer ON catenax_objects (customer, supplier)",
    """
    CREATE INDEX catenax_objects_asset
        ON catenax_objects (lower(replace(data->>'materialGlobalAssetId', 'urn:uuid:', '')))
        WHERE data->>'materialGlobalAssetId' IS NOT NULL
    """,
    # Demands as they were, for deviations; those of long ago are deleted as newer ones come.
    """
    CREATE TABLE catenax_versions (
        supplier text NOT NULL,
        customer text NOT NULL,
        id text NOT NULL,
        received_at timestamptz NOT NULL,
        superseded_at timestamptz NOT NULL,
        data jsonb NOT NULL
    )
    """,
    "CREATE INDEX catenax_versions_of_relation ON catenax_versions (supplier, customer, id, superseded_at)",
    """
    CREATE TABLE catenax_releases (
        party text NOT NULL,
        release text NOT NULL,
        aspect text NOT NULL,
        subject text NOT NULL,
        data jsonb NOT NULL,
        PRIMARY KEY (party, release),
        CONSTRAINT catenax_releases_subject UNIQUE (party, aspect, subject),
        CONSTRAINT catenax_releases_partner FOREIGN KEY (party) REFERENCES catenax_partners (party)
    )
    """,
    """
    CREATE TABLE catenax_listed (
        party text NOT NULL,
        listing text NOT NULL,
        kind text NOT NULL,
        supplier text NOT NULL,
        customer text NOT NULL,
        subject text NOT NULL,
        class_scheme text NOT NULL,
        class_code text NOT NULL,
        revision bigint NOT NULL,
        digest text NOT NULL,
        open boolean NOT NULL,
        problem text,
        PRIMARY KEY (party, listing)
    )
    """,
    "CREATE INDEX catenax_listed_of_relation ON catenax_listed (supplier, customer)",
)


def upgrade() -> None:
    """Create everything."""
    for statement in _STATEMENTS:
        op.execute(statement)
