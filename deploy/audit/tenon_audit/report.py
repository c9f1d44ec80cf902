"""What an audit found, counted and kept within bounds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from tenon_audit.finding import Finding

MOST_OF_A_KIND = 100
"""So many findings of one kind are kept; the rest is counted."""


@dataclass
class Report:
    """What was looked at and what was found. Grows while the audit goes on.

    `accepted`: events of the journal with a 202; `lost`: those of them that are nowhere; `unanswered`: events
    that are written without a 202; `doubled`: records that say something else under an id that stood before.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    looked_at: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    accepted: int = 0
    lost: int = 0
    unanswered: int = 0
    doubled: int = 0

    def add(self, findings: Iterable[Finding]) -> None:
        """Take findings."""
        for finding in findings:
            self.counts[finding.check] += 1
            if self.counts[finding.check] <= MOST_OF_A_KIND:
                self.findings.append(finding)

    @property
    def clean(self) -> bool:
        """True when nothing was found."""
        return not self.counts

    def json(self) -> bytes:
        """Return the report as JSON."""
        document = {
            "clean": self.clean,
            "accepted": self.accepted,
            "lost": self.lost,
            "unanswered": self.unanswered,
            "doubled": self.doubled,
            "looked_at": self.looked_at,
            "notes": self.notes,
            "counts": dict(sorted(self.counts.items())),
            "findings": [finding._asdict() for finding in self.findings],
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=2)
