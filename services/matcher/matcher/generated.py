"""What the matcher adds to the generated documents: settings and metrics; it has no interface of its own."""

from matcher.settings import MatcherSettings
from tenon.generate.contribution import Contribution


def contribution() -> Contribution:
    """Return the matcher's part of the generated documents."""
    return Contribution("matcher", "matcher", MatcherSettings)
