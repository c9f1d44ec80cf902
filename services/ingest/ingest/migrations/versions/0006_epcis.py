"""Events of EPCIS by party, what they come to, what they ship and receive, which order is which docking."""

from alembic import op

from tenon import periods

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_CAPTURES = periods.Periods("epcis_captures", "created_at", "false")
_STATEMENTS = (
    """
    CREATE TABLE epcis_captures (
        capture uuid NOT NULL,
        party text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        data jsonb NOT NULL,
        PRIMARY KEY (capture, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    *_CAPTURES.ddl(),
    """
    CREATE TABLE epcis_events (
        party text NOT NULL,
        event text NOT NULL,
        received_at timestamptz NOT NULL,
        data jsonb NOT NULL,
        PRIMARY KEY (party, event),
        CONSTRAINT epcis_events_party FOREIGN KEY (party) REFERENCES parties (party)
    )
    """,
    # The sum of what the events do: kept beside them, changed in the same transaction.
    """
    CREATE TABLE epcis_stock (
        party text NOT NULL,
        item text NOT NULL,
        place text NOT NULL,
        unit text NOT NULL,
        quantity numeric NOT NULL,
        produced numeric NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (party, item, place, unit)
    )
    """,
    """
    CREATE TABLE epcis_shipments (
        party text NOT NULL,
        event text NOT NULL,
        unit text NOT NULL,
        orders text[] NOT NULL,
        shipped numeric NOT NULL,
        received numeric NOT NULL,
        PRIMARY KEY (party, event, unit)
    )
    """,
    "CREATE INDEX epcis_shipments_orders ON epcis_shipments USING gin (orders)",
    """
    CREATE TABLE epcis_dockings (
        party text NOT NULL,
        docking text NOT NULL,
        class_scheme text NOT NULL,
        class_code text NOT NULL,
        unit text NOT NULL,
        revision bigint NOT NULL DEFAULT 0,
        shipped numeric NOT NULL DEFAULT 0,
        received numeric NOT NULL DEFAULT 0,
        problem text,
        PRIMARY KEY (party, docking),
        CONSTRAINT epcis_dockings_party FOREIGN KEY (party) REFERENCES parties (party)
    )
    """,
    """
    CREATE TABLE epcis_orders (
        party text NOT NULL,
        reference text NOT NULL,
        docking text NOT NULL,
        PRIMARY KEY (party, reference),
        CONSTRAINT epcis_orders_docking
            FOREIGN KEY (party, docking) REFERENCES epcis_dockings (party, docking)
    )
    """,
    "CREATE INDEX epcis_orders_of_docking ON epcis_orders (party, docking)",
)


def upgrade() -> None:
    """Create everything."""
    for statement in _STATEMENTS:
        op.execute(statement)
