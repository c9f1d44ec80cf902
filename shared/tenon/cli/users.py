"""`tenon users`: gives those who sign in at Kafka their passwords."""

import os
from typing import Final

import click

from tenon.cli.running import kafka, run
from tenon.kafka import ensure_users

_PASSWORD_OF: Final = "TENON_KAFKA_PASSWORD_"  # noqa: S105 - the name of a variable


@click.command()
@click.option(
    "--controllers", required=True, metavar="HOST:PORT", help="Kafka's controllers; several by commas."
)
def users(controllers: str) -> None:
    """Give each user the password in TENON_KAFKA_PASSWORD_NAME: new ones, and those that are to change.

    Signs in at the controllers with TENON_KAFKA_USERNAME and TENON_KAFKA_PASSWORD, which have to be an
    administrator's. What already runs goes on with the old password until it has to sign in again.
    """
    passwords = {
        name.removeprefix(_PASSWORD_OF).lower(): value
        for name, value in os.environ.items()
        if name.startswith(_PASSWORD_OF)
    }
    if not all(passwords.values()) or not passwords:
        raise click.ClickException(f"set {_PASSWORD_OF}NAME for each user, such as {_PASSWORD_OF}INGEST")
    run(ensure_users(kafka(controllers), passwords))
    for name in sorted(passwords):
        click.echo(f"{name} may sign in")
