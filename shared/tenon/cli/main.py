"""The group of all commands: built in, and found by entry point, each imported when it is used."""

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

GROUP: Final = "tenon.commands"
_BUILT_IN: Final = {
    "publish": "tenon.cli.publish:publish",
    "import": "tenon.cli.imports:import_file",
    "watch": "tenon.cli.watch:watch",
    "why": "tenon.cli.why:why",
    "deadletters": "tenon.cli.deadletters:deadletters",
    "restore": "tenon.cli.restore:restore",
    "topics": "tenon.cli.topics:topics",
    "users": "tenon.cli.users:users",
    "generate": "tenon.generate.command:generate",
}


class Commands(click.Group):
    """Finds commands by name without importing the others: `tenon status` must not load a solver."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands there are."""
        return sorted({*_BUILT_IN, *_plugins()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of this name."""
        if cmd_name in _BUILT_IN:
            return _load(_BUILT_IN[cmd_name])
        plugin = _plugins().get(cmd_name)
        return None if plugin is None else _load(plugin.value)


def _plugins() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _load(reference: str) -> click.Command:
    module, _, name = reference.partition(":")
    try:
        command = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        return _broken(name, str(error))
    return command if isinstance(command, click.Command) else _broken(name, f"{reference} is no command")


def _broken(name: str, why: str) -> click.Command:
    """Return a command that says why it is none: one bad plugin must not take the others along."""

    def fail() -> None:
        raise click.ClickException(f"{name} can't be loaded: {why}")

    return click.Command(name, callback=fail, help=f"Can't be loaded: {why}.")


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tenon")
def main() -> None:
    """Tenon docks supply with demand."""
