"""Run by Alembic."""

from notifier.tables import metadata
from tenon.migrations import run_env

run_env(metadata)
