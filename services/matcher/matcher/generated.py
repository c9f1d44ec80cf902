"""What the matcher adds to the generated documents: its settings and its OpenAPI document."""

from matcher.openapi import document
from matcher.settings import MatcherSettings
from tenon.generate.contribution import Contribution


def contribution() -> Contribution:
    """Return the matcher's part of the generated documents."""
    return Contribution("matcher", "matcher", MatcherSettings, document)
