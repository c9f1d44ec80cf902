"""`tenon generate`: write the generated files again, or check that they are fresh."""

from pathlib import Path

import click

from tenon.generate.contribution import contributions
from tenon.generate.files import check as differences
from tenon.generate.files import write
from tenon.generate.plan import plan


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; show what is stale and end with status 1.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The checkout; the present folder if not given.",
)
def generate(check: bool, root: Path) -> None:
    """Write JSON Schemas, OpenAPI documents and the pages on topics, settings and metrics."""
    if not (root / "contracts" / "examples").is_dir():
        raise click.UsageError(f"{root.resolve()} is no checkout of Tenon: run it there, or give --root")
    files = plan(root, contributions())
    if not check:
        for path in write(root, files):
            click.echo(path)
    elif stale := differences(root, files):
        click.echo(stale, nl=False)
        raise click.ClickException("generated files are stale: run `make generate` and commit them")
