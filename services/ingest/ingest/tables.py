"""The registry: who the parties are, where their sites are, which policies hold, whose keys are in force.

Schema and queries of the registry are built from these tables; `outbox` and `leases` are the library's.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

parties = Table(
    "parties",
    metadata,
    Column("party", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

sites = Table(
    "sites",
    metadata,
    Column("party", Text, primary_key=True),
    Column("site", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(["party"], ["parties.party"], name="sites_party"),
)

site_markets = Table(
    "site_markets",
    metadata,
    Column("party", Text, primary_key=True),
    Column("site", Text, primary_key=True),
    Column("market", Text, primary_key=True),
    ForeignKeyConstraint(["party", "site"], ["sites.party", "sites.site"], name="site_markets_site"),
)

policies = Table(
    "policies",
    metadata,
    Column("policy", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("data", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("party", Text, nullable=False, index=True),
    Column("sha256", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("revoked_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["party"], ["parties.party"], name="api_keys_party"),
)
