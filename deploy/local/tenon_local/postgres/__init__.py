"""The real PostgreSQL as a child process of this one, with roles and a schema per service.

Decides where it listens, who may sign in and what each role may do. Must not know any table.
"""

from tenon_local.postgres.binaries import takes_sessions
from tenon_local.postgres.roles import AUDITOR, SERVICES, Roles, owner
from tenon_local.postgres.server import EmbeddedPostgres

__all__ = ["AUDITOR", "SERVICES", "EmbeddedPostgres", "Roles", "owner", "takes_sessions"]
