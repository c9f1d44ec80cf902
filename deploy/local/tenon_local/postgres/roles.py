"""Who may do what in the database, as SQL that can be run again and again. Pure.

Each service has a schema and two roles of its own: NAME_owner makes and changes tables (migrations), NAME
reads and writes rows and can't change a table. Neither sees another service's schema, and nobody may write
to `public`. One role more, the auditor, reads the tables of all three and may do nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DATABASE = "tenon"
SERVICES = ("ingest", "matcher", "notifier")
AUDITOR = "auditor"
"""Who checks what the services stored: it may read every table, and nothing else."""


@dataclass(frozen=True, slots=True)
class Roles:
    """The passwords of all roles, by name. They may hold no quote and no backslash."""

    passwords: Mapping[str, str]

    @staticmethod
    def names() -> list[str]:
        """All roles there are."""
        return [*(role for service in SERVICES for role in (service, owner(service))), AUDITOR]

    def url(self, role: str, host: str, port: int) -> str:
        """The address that a client of this role connects to."""
        return f"postgresql://{role}:{self.passwords[role]}@{host}:{port}/{DATABASE}"

    def sql(self) -> str:
        """The script, for a superuser, in the database itself."""
        services = (self._of(service) for service in SERVICES)
        return "\n".join([_SHUT_PUBLIC, *services, _auditor(self.passwords[AUDITOR])])

    def _of(self, service: str) -> str:
        roles = "\n".join(_role(role, self.passwords[role]) for role in (owner(service), service))
        return f"{roles}\n{_schema(service)}"


def owner(service: str) -> str:
    """The role that runs the service's migrations."""
    return f"{service}_owner"


_SHUT_PUBLIC = f"""\
SET log_min_error_statement = panic; -- a statement that fails would bring its password into the log
REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;"""


def _role(name: str, password: str) -> str:
    return f"""\
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} LOGIN; END IF;
END $$;
ALTER ROLE {name} WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT PASSWORD '{password}';"""


def _schema(service: str) -> str:
    maker = owner(service)
    defaults = f"ALTER DEFAULT PRIVILEGES FOR ROLE {maker} IN SCHEMA {service}"
    return f"""\
CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {maker};
REVOKE ALL ON SCHEMA {service} FROM PUBLIC;
GRANT CONNECT ON DATABASE {DATABASE} TO {maker}, {service};
GRANT USAGE ON SCHEMA {service} TO {service};
{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service};
{defaults} GRANT USAGE, SELECT ON SEQUENCES TO {service};
ALTER DEFAULT PRIVILEGES FOR ROLE {maker} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
{defaults} GRANT EXECUTE ON FUNCTIONS TO {service};
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA {service} FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {service} TO {service};
ALTER ROLE {maker} IN DATABASE {DATABASE} SET search_path = {service};
ALTER ROLE {service} IN DATABASE {DATABASE} SET search_path = {service};"""  # noqa: S608 - constants


def _auditor(password: str) -> str:
    grants = (
        f"""\
GRANT USAGE ON SCHEMA {service} TO {AUDITOR};
GRANT SELECT ON ALL TABLES IN SCHEMA {service} TO {AUDITOR};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner(service)} IN SCHEMA {service} GRANT SELECT ON TABLES TO {AUDITOR};"""
        for service in SERVICES
    )
    return "\n".join(
        [_role(AUDITOR, password), f"GRANT CONNECT ON DATABASE {DATABASE} TO {AUDITOR};", *grants]
    )
