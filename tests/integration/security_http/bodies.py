"""How Schemathesis writes bodies that it does not know of itself: as they are, text in UTF-8."""

import schemathesis


def _as_it_is(context: object, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


for name in (
    "text/csv",
    "application/x-ndjson",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
):
    schemathesis.serializer(name)(_as_it_is)
