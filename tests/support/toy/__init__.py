"""A service's skeleton for tests of the shared mechanism: a schema with every shared table."""
