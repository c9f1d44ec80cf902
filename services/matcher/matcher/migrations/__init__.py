"""The versions of the schema, and the environment Alembic runs them in."""
