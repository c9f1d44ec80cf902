"""`python -m matcher` serves, `python -m matcher migrate` upgrades the schema."""

from matcher.service import bind
from matcher.settings import MatcherSettings
from tenon.app import main

main(bind, MatcherSettings, "matcher")
