"""Which market a class belongs to, and which partition a market lives in.

Both are pure functions of one table that is kept beside the log: writers and readers compare theirs
with it at start, because a market that moves would be decided twice.
"""

import tomllib
from collections.abc import Iterable
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from tenon.contracts.values import ItemClass, Scheme, Shape

# Classifications in which codes are hierarchical by leading digits: how many digits make a market.
_MARKET_DIGITS = {"hs": 2, "isic": 2, "unspsc": 2, "cpv": 2, "eclass": 2, "nace": 2, "cpc": 2}


class MarketRule(Shape, frozen=True, kw_only=True):
    """Classes of a scheme whose normalised code starts with `prefix` belong to `market`."""

    scheme: Scheme
    prefix: Annotated[str, Meta(max_length=64)]
    market: Annotated[str, Meta(min_length=1, max_length=128)]
    partition: int | None = None


class MarketTable(Shape, frozen=True, kw_only=True):
    """Number of partitions, and the rules: the longest matching prefix wins."""

    partitions: int = 8
    rules: list[MarketRule] = []


class BadMarketTable(ValueError):
    """The table cannot be used; the message names the row."""


def normalise_code(item_class: ItemClass) -> str:
    """Return the code in the form in which prefixes mean narrower classes.

    Hierarchical digit codes lose separators and the trailing zero pairs that pad them
    (UNSPSC 31160000 = 3116, CPV 33140000-3 without its check digit); other schemes are case-folded.
    """
    return _normalised(item_class.scheme, item_class.code)


def _normalised(scheme: str, code: str) -> str:
    if scheme not in _MARKET_DIGITS:
        return code.lower()
    digits = code.split("-")[0] if scheme == "cpv" else code.replace("-", "")
    digits = digits.replace(".", "").lower()
    while len(digits) > 2 and digits.endswith("00") and scheme in ("unspsc", "cpv", "eclass"):
        digits = digits[:-2]
    return digits


def covers(demanded: str, offered: str, scheme: str) -> bool:
    """True when an offered code is the demanded one or lies within it (both normalised)."""
    if not offered.startswith(demanded):
        return False
    return len(offered) == len(demanded) or scheme in _MARKET_DIGITS or offered[len(demanded)] == "."


def check_table(table: MarketTable) -> MarketTable:
    """Return the table; raise `BadMarketTable` when a row is impossible or two rows clash."""
    if not 1 <= table.partitions <= 4096:
        raise BadMarketTable("partitions must be 1 to 4096")
    seen: dict[tuple[str, str], str] = {}
    homes: dict[str, int | None] = {}
    for rule in table.rules:
        written = _normalised(rule.scheme, rule.prefix)
        if rule.prefix != written:
            raise BadMarketTable(f"{rule.scheme}:{rule.prefix} would match nothing; write {written!r}")
        if rule.partition is not None and not 0 <= rule.partition < table.partitions:
            raise BadMarketTable(f"market {rule.market}: partition {rule.partition} does not exist")
        if (rule.scheme, rule.prefix) in seen:
            raise BadMarketTable(f"{rule.scheme}:{rule.prefix} is given twice")
        if homes.setdefault(rule.market, rule.partition) != rule.partition:
            raise BadMarketTable(f"market {rule.market} is given two partitions")
        seen[rule.scheme, rule.prefix] = rule.market
    return table


def load_table(text: str) -> MarketTable:
    """Read a table from TOML: `partitions = 8`, then `[[rules]]` with scheme, prefix, market, partition."""
    try:
        return check_table(msgspec.convert(tomllib.loads(text), MarketTable))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadMarketTable(str(error)) from error


def market_of(item_class: ItemClass, table: MarketTable) -> str:
    """Return the market of a class: by the longest matching rule, else by the head of its code."""
    code = normalise_code(item_class)
    rule = _longest(code, (rule for rule in table.rules if rule.scheme == item_class.scheme))
    if rule is not None:
        return rule.market
    digits = _MARKET_DIGITS.get(item_class.scheme)
    head = code[:digits] if digits else code.split(".")[0]
    return f"{item_class.scheme}:{head}"


def partition_of(market: str, table: MarketTable) -> int:
    """Return the partition of a market: as its rule says, else CRC-32 of its name modulo the partitions."""
    for rule in table.rules:
        if rule.market == market and rule.partition is not None:
            return rule.partition
    return crc32(market.encode()) % table.partitions


def _longest(code: str, rules: Iterable[MarketRule]) -> MarketRule | None:
    matching = [rule for rule in rules if code.startswith(rule.prefix)]
    return max(matching, key=lambda rule: len(rule.prefix), default=None)
