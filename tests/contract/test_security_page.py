"""The page on security says of rights and roles what the code does."""

import re

from tenon.contracts.rights import PRINCIPALS, Right, rights
from tenon.contracts.topics import TOPICS
from tenon_local.postgres.roles import Roles
from tests.support.examples import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
EVERY = {"every topic": {topic.name for topic in TOPICS}}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a head line."""
    _, _, rest = PAGE.partition(heading)
    lines = rest.split("\n\n")[0].strip().splitlines()[1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def names(cell: str) -> set[str]:
    return EVERY.get(cell) or set(re.findall(r"`([^`]+)`", cell))


def test_the_table_of_principals_is_the_one_in_force() -> None:
    told = set()
    for principal, writes, reads, joins in rows("| principal | writes | reads | joins |\n"):
        name = principal.strip("`")
        told |= {Right(name, "topic", topic, "write") for topic in names(writes)}
        told |= {Right(name, "topic", topic, "read") for topic in names(reads)}
        told |= {Right(name, "group", group, "read") for group in names(joins)}
    assert {right.principal for right in told} == set(PRINCIPALS)
    assert told == set(rights())


def test_the_table_of_roles_names_them_all() -> None:
    told = {name for cells in rows("| role | may |\n") for name in names(cells[0])}
    assert told == set(Roles.names())
