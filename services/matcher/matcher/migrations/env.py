"""Alembic's environment: everything is done by the library."""

from matcher.tables import metadata
from tenon.migrations import run_env

run_env(metadata)
