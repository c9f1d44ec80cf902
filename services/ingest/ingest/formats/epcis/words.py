"""The words of the Core Business Vocabulary (CBV 2.0) that are looked at, in the forms in which they come.

In JSON-LD a word of the vocabulary is bare (`shipping`); older senders write its URN, others its web address.
"""

from collections.abc import Iterable

from ingest.domain.faults import Fault, nearest

STEPS = frozenset(
    {
        "accepting",
        "arriving",
        "assembling",
        "collecting",
        "commissioning",
        "consigning",
        "creating_class_instance",
        "cycle_counting",
        "decommissioning",
        "departing",
        "destroying",
        "disassembling",
        "dispensing",
        "encoding",
        "entering_exiting",
        "holding",
        "inspecting",
        "installing",
        "killing",
        "loading",
        "other",
        "packing",
        "picking",
        "receiving",
        "removing",
        "repackaging",
        "repairing",
        "replacing",
        "reserving",
        "retail_selling",
        "sampling",
        "sensor_reporting",
        "shipping",
        "staging_outbound",
        "stock_taking",
        "stocking",
        "storing",
        "transporting",
        "unloading",
        "unpacking",
        "void_shipping",
    }
)
"""Business steps (CBV §7.1)."""
TRANSACTIONS = frozenset(
    {
        "bol",
        "cert",
        "desadv",
        "inv",
        "pedigree",
        "po",
        "poc",
        "prodorder",
        "recadv",
        "rma",
        "testprd",
        "testres",
        "upevt",
    }
)
"""Types of business transactions (CBV §7.3)."""
REASONS = frozenset({"did_not_occur", "incorrect_data"})
"""Why an event is declared an error (CBV §7.5)."""
_STEMS = {
    "step": ("urn:epcglobal:cbv:bizstep:", "BizStep-"),
    "transaction": ("urn:epcglobal:cbv:btt:", "BTT-"),
    "reason": ("urn:epcglobal:cbv:er:", "ER-"),
}
_PLACES = ("https://ref.gs1.org/cbv/", "https://ns.gs1.org/cbv/", "http://ns.gs1.org/cbv/", "cbv:")


def bare(kind: str, text: str) -> str:
    """Return a word without what stands before it where it comes as a URN or an address."""
    urn, stem = _STEMS[kind]
    for before in (urn, *(place + stem for place in _PLACES)):
        if text.startswith(before):
            return text.removeprefix(before)
    return text


def word_faults(kind: str, text: str | None, known: Iterable[str], at: str) -> tuple[Fault, ...]:
    """Return a fault where a word is none of the vocabulary, nor somebody's own: these have a colon."""
    if text is None:
        return ()
    word = bare(kind, text)
    if word in known or (":" in word and word == text):
        return ()
    reason = f"{text!r} is no word of the vocabulary" if len(text) <= 60 else "no word of the vocabulary"
    return (Fault(at, reason, nearest(word, known, "a word of CBV 2.0, or a URI of your own")),)
