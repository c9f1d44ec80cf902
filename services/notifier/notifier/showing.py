"""The page on visibility, from the tables that decide it: who sees which field of which event."""

from collections.abc import Iterable, Mapping
from typing import Final

from notifier.domain import visibility
from notifier.domain.visibility import Show
from tenon.contracts.families import FAMILIES
from tenon.generate.markdown import NOTICE, code, table

PATH: Final = "docs/visibility.md"
_INTRO: Final = f"""# Who sees what

Whatever leaves the notifier, by streams, webhooks, Kafka, MQTT or the read interface, went through these
tables (`services/notifier/notifier/domain/visibility.py`); this page is made of them. What is not named is
not shown, and an event that somebody may not see does not exist for him.

- **Owner**: the party whose offer, demand or side of a docking it is.
- **Other side**: the other party of a docking, before and after confirmation: once both have
  said yes the two know each other, however it ends.
- **Wall**: what everybody may see, where it is public (`TENON_PUBLIC_WALL`).
- **Operator**: the administrator. Sees every field.
- **Stranger**: any other party, the owner of a chain among them: nothing, of any event. There are no chains
  yet; when there are, what their owners see becomes a column here.

How a field is shown: {"; ".join(f"*{show.name.lower()}*, {show.value}" for show in Show)}.

Tried field by field for each viewer: `test_each_viewer_sees_of_each_field_what_the_table_says`,
`test_nobody_else_sees_anything`.
"""
_DOCKING: Final = (
    "field",
    "its parties, before",
    "after confirmation",
    "wall",
    "operator",
    "stranger",
)
_SIDE: Final = ("field", "owner", "other side, before", "after confirmation", "wall", "operator", "stranger")
_OTHERS: Final = ("event", "owner", "wall", "operator", "stranger")


def page() -> str:
    """Return the page."""
    return "\n".join(
        [
            NOTICE,
            _INTRO,
            "## A docking\n",
            "Each step: proposed, confirmed, shipped, delivered, declined, lapsed, cancelled, failed.\n",
            table(_DOCKING, _rows(visibility.DOCKING)),
            _secrets(),
            "## Each side of a docking\n",
            "`supply` and `demand`, each as its own party and as the other one sees it.\n",
            table(_SIDE, _rows(visibility.SIDE)),
            "## All other events\n",
            table(_OTHERS, _events()),
        ]
    )


def _rows(shown: Mapping[str, tuple[Show, ...]]) -> Iterable[tuple[str, ...]]:
    for name, shows in shown.items():
        yield code(name), *(show.name.lower() for show in shows), "full", "no"


def _secrets() -> str:
    sides = "; ".join(f"`{name}` is {side}'s" for name, side in visibility.OWNER.items())
    return f"What is *own* is shown to one side alone: {sides}.\n"


def _events() -> Iterable[tuple[str, ...]]:
    for name in sorted(visibility.TOLD):
        family = FAMILIES[name]
        if not name.startswith("tenon.docking."):
            yield code(name), *visibility.others(family.data), "full", "no"
