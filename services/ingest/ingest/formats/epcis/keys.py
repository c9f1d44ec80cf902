"""Keys of GS1: which class an instance is of, and which place a location is, each in one form.

A trade item has the form `https://id.gs1.org/01/GTIN`, its batch `…/10/BATCH` behind that, a place
`https://id.gs1.org/414/GLN`, a part of it `…/254/PART` behind that: the web form that CBV 2.0 (§8) prefers.
What comes as URN (EPC Tag Data Standard §6) or with another host is brought into it. Everything else stays.
"""

import re

_HOME = "https://id.gs1.org"
_SGTIN = re.compile(r"urn:epc:(?:id|idpat):sgtin:(\d{6,12})\.(\d{1,7})\..+")
_LGTIN = re.compile(r"urn:epc:class:lgtin:(\d{6,12})\.(\d{1,7})\.(.+)")
_GTIN = re.compile(
    r"https?://[^/]+(?:/[^/?#]+)*?/01/(\d{8}|\d{12,14})(?:/22/[^/?#]+)?(?:/10/([^/?#]+))?(?:[/?#].*)?"
)
_SGLN = re.compile(r"urn:epc:id:sgln:(\d{6,12})\.(\d{0,6})\.(.+)")
_GLN = re.compile(r"https?://[^/]+(?:/[^/?#]+)*?/414/(\d{13})(?:/254/([^/?#]+))?(?:[?#].*)?")
_CARRIER = re.compile(
    r"urn:epc:(?:id|idpat|class):(?:sscc|grai|giai|gsrn|gsrnp|gsin|ginc|gdti|sgln|pgln):.+"
    r"|https?://[^/]+(?:/[^/?#]+)*?/(?:00/\d{18}|8003/\d+.*|8004/.+)"
)


def item_of(uri: str) -> str | None:
    """Return what is counted: the class, or that of an instance; None for what only carries goods."""
    found = _SGTIN.fullmatch(uri)
    if found and len(found[1] + found[2]) == 13:
        return f"{_HOME}/01/{_gtin(found[1], found[2])}"
    found = _LGTIN.fullmatch(uri)
    if found and len(found[1] + found[2]) == 13:
        return f"{_HOME}/01/{_gtin(found[1], found[2])}/10/{found[3]}"
    found = _GTIN.fullmatch(uri)
    if found:
        return f"{_HOME}/01/{found[1]:0>14}" + (f"/10/{found[2]}" if found[2] else "")
    return None if _CARRIER.fullmatch(uri) else uri


def place_of(uri: str) -> str:
    """Return a place in its one form."""
    found = _SGLN.fullmatch(uri)
    if found and len(found[1] + found[2]) == 12:
        part = "" if found[3] == "0" else f"/254/{found[3]}"
        return f"{_HOME}/414/{_checked(found[1] + found[2])}{part}"
    found = _GLN.fullmatch(uri)
    if found:
        return f"{_HOME}/414/{found[1]}" + (f"/254/{found[2]}" if found[2] else "")
    return uri


def _gtin(company: str, reference: str) -> str:
    """Return the GTIN of 14 digits: the first digit of the reference is the level of packing."""
    return _checked(reference[0] + company + reference[1:])


def _checked(digits: str) -> str:
    """Add the check digit (GS1 General Specifications §7.9)."""
    total = sum(int(digit) * (3, 1)[index % 2] for index, digit in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"
