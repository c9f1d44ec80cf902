"""Imports of files: the files until they are worked off, and reports of their rows, in periods."""

from alembic import op

from tenon import periods

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OPEN = "state IN ('waiting', 'running')"
_IMPORTS = periods.Periods("imports", "created_at", f"r.{_OPEN}")
_ROWS = periods.Periods(
    "import_rows", "created_at", f"EXISTS (SELECT FROM imports AS i WHERE i.import = r.import AND i.{_OPEN})"
)
_STATEMENTS = (
    """
    CREATE TABLE imports (
        import uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        party text,
        key text NOT NULL,
        digest text NOT NULL,
        asked jsonb NOT NULL,
        state text NOT NULL DEFAULT 'waiting'
            CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
        reason jsonb,
        found jsonb,
        position integer NOT NULL DEFAULT 0 CHECK (position >= 0),
        accepted integer NOT NULL DEFAULT 0 CHECK (accepted >= 0),
        rejected integer NOT NULL DEFAULT 0 CHECK (rejected >= 0),
        openings integer NOT NULL DEFAULT 0,
        turned_at timestamptz NOT NULL DEFAULT now(),
        moved_at timestamptz NOT NULL DEFAULT now(),
        ended_at timestamptz,
        PRIMARY KEY (import, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    f"CREATE INDEX imports_open ON imports (turned_at) WHERE {_OPEN}",
    "CREATE INDEX imports_party ON imports (party, created_at)",
    *_IMPORTS.ddl(),
    "CREATE TABLE import_files (import uuid PRIMARY KEY, body bytea NOT NULL)",
    # What is read once needs no packing.
    "ALTER TABLE import_files ALTER COLUMN body SET STORAGE EXTERNAL",
    """
    CREATE TABLE import_rows (
        import uuid NOT NULL,
        row integer NOT NULL,
        created_at timestamptz NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
        event uuid NOT NULL,
        faults jsonb NOT NULL,
        PRIMARY KEY (import, row, created_at)
    ) PARTITION BY RANGE (created_at)
    """,
    *_ROWS.ddl(),
)


def upgrade() -> None:
    """Create everything."""
    for statement in _STATEMENTS:
        op.execute(statement)
