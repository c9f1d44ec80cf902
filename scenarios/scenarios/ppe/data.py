"""What GetUsPPE's donors offered and recipients asked for in 2020, as typed records in historical order.

Decides where the package `ppe-match` keeps its files, how they are read, and which rows count. The package's
code is never imported (it wants an old pandas). Must not know Tenon, metrics or strategies.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DISTRIBUTION = "ppe-match"
METRES_PER_MILE = 1609.344
MAX_DONATION = 1_000
"""Donations of more units are left out, as the package does by default: it holds them for typing errors."""
MAX_QUANTITY = 10**12
"""Tenon's bound on a quantity. Requests are kept as they came (the largest: 1e10); more is an error."""


class DatasetMissing(Exception):
    """The package with the data is not installed, or one of its files is not there."""


@dataclass(frozen=True, slots=True)
class Donation:
    """One offer: `qty` whole units of `ppe` that `don_id` could give from `at` on; `row` as in the file."""

    row: int
    don_id: str
    at: datetime
    ppe: str
    qty: int


@dataclass(frozen=True, slots=True)
class Request:
    """One demand: `qty` whole units of `ppe` that `rec_id` asked for at `at`; `row` as in the file."""

    row: int
    rec_id: str
    at: datetime
    ppe: str
    qty: int


@dataclass(frozen=True, slots=True)
class Docking:
    """`qty` units of `ppe` that go from `don_id` to `rec_id`, decided at `date`."""

    date: datetime
    don_id: str
    rec_id: str
    ppe: str
    qty: int


class Distances:
    """Known distances between donors and recipients; pairs without a kind in common are not known."""

    def __init__(self, miles: NDArray[np.float64]) -> None:
        """`miles[d, r]` for the sites `don{d}` and `rec{r}`; NaN where nothing is known."""
        self.miles = miles

    def between(self, don_id: str, rec_id: str) -> float:
        """Miles from donor to recipient. Raises KeyError where the data have none."""
        value = float(self.miles[number(don_id), number(rec_id)])
        if np.isnan(value):
            raise KeyError(f"no distance is known between {don_id} and {rec_id}")
        return value

    def metres(self, don_id: str, rec_ids: Sequence[str]) -> list[int]:
        """Whole metres from a donor to each recipient. KeyError for a pair that is not known."""
        miles = self.miles[number(don_id), [number(rec_id) for rec_id in rec_ids]]
        if np.isnan(miles).any():
            raise KeyError(
                f"no distance is known between {don_id} and {rec_ids[int(np.isnan(miles).argmax())]}"
            )
        return [int(metres) for metres in np.rint(miles * METRES_PER_MILE)]


@dataclass(frozen=True)
class Dataset:
    """The whole story: donations and requests in historical order, and the distances between their sites."""

    donations: tuple[Donation, ...]
    requests: tuple[Request, ...]
    distances: Distances

    def stream(self) -> Iterator[Donation | Request]:
        """Everything in the order in which it happened; at one instant requests come before donations."""
        both: list[Donation | Request] = [*self.requests, *self.donations]
        return iter(sorted(both, key=lambda event: (event.at, isinstance(event, Donation), event.row)))

    @cached_property
    def requested(self) -> dict[tuple[str, str], int]:
        """Units asked for per recipient and kind, over the whole time."""
        total: dict[tuple[str, str], int] = {}
        for request in self.requests:
            key = (request.rec_id, request.ppe)
            total[key] = total.get(key, 0) + request.qty
        return total


def number(site_id: str) -> int:
    """The number inside the data's ids: `don17` and `rec17` are both 17."""
    return int(site_id[3:])


def data_folder() -> Path:
    """The folder of the CSV files in the installed package. Raises DatasetMissing with what to do."""
    try:
        folder = Path(str(distribution(DISTRIBUTION).locate_file("ppe_match/data")))
    except PackageNotFoundError:
        raise DatasetMissing(
            f"{DISTRIBUTION} is not installed: pip install --no-deps {DISTRIBUTION}==0.1.4"
        ) from None
    if not folder.is_dir():
        raise DatasetMissing(
            f"{folder} is not there: pip install --force-reinstall --no-deps {DISTRIBUTION}==0.1.4"
        )
    return folder


def load(folder: Path | None = None, *, max_donation: int = MAX_DONATION) -> Dataset:
    """The data set of a folder (default: the package's), without donations over `max_donation` units."""
    folder = folder or data_folder()
    donations = tuple(
        Donation(*fields) for fields in _rows(folder / "anon_donors.csv") if fields[4] <= max_donation
    )
    requests = tuple(Request(*fields) for fields in _rows(folder / "anon_recipients.csv"))
    return Dataset(donations, requests, Distances(_miles(folder / "anon_distance_matrix.csv")))


def _rows(path: Path) -> list[tuple[int, str, datetime, str, int]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [_fields(path, cells) for cells in list(csv.reader(file))[1:]]
    return sorted(rows, key=lambda fields: (fields[2], fields[0]))


def _fields(path: Path, cells: list[str]) -> tuple[int, str, datetime, str, int]:
    row, site_id, at, ppe, qty = cells
    return int(row), site_id, datetime.fromisoformat(at), ppe, _whole(path, row, float(qty))


def _whole(path: Path, row: str, qty: float) -> int:
    """`qty` as an int. A donation beyond the bound is beyond `max_donation` too."""
    if qty < 1 or qty != int(qty):
        raise ValueError(f"{path.name}, row {row}: {qty} is no whole number of units")
    if qty > MAX_QUANTITY and path.name == "anon_recipients.csv":
        raise ValueError(f"{path.name}, row {row}: {qty} is over the bound of {MAX_QUANTITY}")
    return int(qty)


def _miles(path: Path) -> NDArray[np.float64]:
    """The matrix of the file's `don17,rec4,502.35` lines; ten times faster than the csv module."""
    text = (
        path.read_bytes().partition(b"\n")[2].translate(None, b"donrec\r").replace(b"\n", b",").rstrip(b",")
    )
    table = np.fromstring(text.decode("ascii"), dtype=np.float64, sep=",").reshape(-1, 3)
    donors, recipients = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    miles = np.full((int(donors.max()) + 1, int(recipients.max()) + 1), np.nan)
    miles[donors, recipients] = table[:, 2]
    return miles
