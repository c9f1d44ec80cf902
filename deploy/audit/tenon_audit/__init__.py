"""Recomputes Tenon's guarantees from topics and tables; see docs/audit.md.

Independent of the services' code, so that a fault of theirs can't hide itself; only replaying rounds uses
the matcher's engine.
"""

from tenon_audit.auditing import Sources, audit
from tenon_audit.finding import Finding
from tenon_audit.report import Report
from tenon_audit.settling import settled

__all__ = ["Finding", "Report", "Sources", "audit", "settled"]
