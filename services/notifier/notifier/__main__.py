"""`python -m notifier` serves, `python -m notifier migrate` upgrades the schema."""

from notifier.service import bind
from notifier.settings import NotifierSettings
from tenon.app import main

main(bind, NotifierSettings, "notifier")
