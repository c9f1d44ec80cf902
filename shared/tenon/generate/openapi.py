"""OpenAPI documents of the services' HTTP interfaces, as the services themselves describe them."""

import json
from collections.abc import Iterator, Sequence

from tenon.generate.contribution import Contribution


def files(parts: Sequence[Contribution]) -> Iterator[tuple[str, str]]:
    """Yield path and text of the document of each part that has an HTTP interface."""
    for part in parts:
        if part.openapi is not None:
            document = json.dumps(part.openapi(), indent=2, ensure_ascii=False)
            yield f"contracts/openapi/{part.name}.json", document + "\n"
