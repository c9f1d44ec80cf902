#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: a schema and two roles for each service, and the auditor.
set -eu
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -v VERBOSITY=terse --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v ingest_password="$INGEST_PASSWORD" -v ingest_owner_password="$INGEST_OWNER_PASSWORD" \
  -v matcher_password="$MATCHER_PASSWORD" -v matcher_owner_password="$MATCHER_OWNER_PASSWORD" \
  -v notifier_password="$NOTIFIER_PASSWORD" -v notifier_owner_password="$NOTIFIER_OWNER_PASSWORD" \
  -v auditor_password="$AUDITOR_PASSWORD" \
  -f "${ROLES_SQL:-/etc/tenon/roles.sql}"
