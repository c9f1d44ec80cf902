"""Where the anonymous sites could lie: positions on a sphere rebuilt from the known distances.

The cosine of a distance over the Earth's radius is the product of two unit vectors, so a block of cosines
that are all known has rank 3 but for noise: its singular vectors are the positions but for a linear
transformation, which one 6-parameter least squares finds, because it has to give them unit length. Every
other site follows by least squares from those that are placed. The whole is turned at random with a fixed
seed: the data are anonymous. Must not know Tenon; nothing is decided by these positions where a distance is
known.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.ppe.data import METRES_PER_MILE, Dataset, number

EARTH_RADIUS_MILES = 6_371_008.8 / METRES_PER_MILE
ITERATIONS = 3
SEED = 2020

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """A position in degrees, to five decimals."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class Layout:
    """A place for each site, and the median error of the distances between them, in miles."""

    places: Mapping[str, Place]
    median_error_miles: float


def rebuild(data: Dataset) -> Layout:
    """Return places of all donors and recipients of the data set."""
    miles = data.distances.miles
    known = ~np.isnan(miles)
    cosines = np.where(known, np.cos(np.nan_to_num(miles) / EARTH_RADIUS_MILES), 0.0)
    donors, recipients = _all(cosines, known.astype(np.float64), *_block(data))
    turn = np.linalg.qr(np.random.default_rng(SEED).normal(size=(3, 3)))[0]
    donors, recipients = donors @ turn, recipients @ turn
    error = np.abs(np.arccos(np.clip(donors @ recipients.T, -1, 1)) * EARTH_RADIUS_MILES - miles)
    places = {donation.don_id: _place(donors[number(donation.don_id)]) for donation in data.donations}
    places |= {request.rec_id: _place(recipients[number(request.rec_id)]) for request in data.requests}
    return Layout(places, float(np.median(error[known])))


def _block(data: Dataset) -> tuple[list[int], list[int]]:
    """Return donors and recipients of the kind that most ask for: all distances between them are known."""
    kinds = Counter(request.ppe for request in data.requests)
    kind = max(sorted(kinds), key=lambda ppe: kinds[ppe])
    donors = {number(donation.don_id) for donation in data.donations if donation.ppe == kind}
    recipients = {number(request.rec_id) for request in data.requests if request.ppe == kind}
    return sorted(donors), sorted(recipients)


def _all(cosines: Floats, known: Floats, donors: list[int], recipients: list[int]) -> tuple[Floats, Floats]:
    """Return unit vectors of all donors and recipients, beginning with those of a block."""
    left, sizes, right = np.linalg.svd(cosines[np.ix_(donors, recipients)], full_matrices=False)
    root = np.sqrt(sizes[:3])
    placed, _ = _unit(left[:, :3] * root, right[:3].T * root)
    every = np.zeros((cosines.shape[0], 3))
    every[donors] = placed
    others = np.zeros((cosines.shape[1], 3))
    for _ in range(ITERATIONS):
        others = _normed(_solve(cosines.T, known.T, every))
        every = _normed(_solve(cosines, known, others))
    return every, others


def _solve(cosines: Floats, known: Floats, others: Floats) -> Floats:
    """Return for each row the least-squares vector whose products with `others` are the row's cosines."""
    squares = np.einsum("ij,ik->ijk", others, others).reshape(len(others), 9)
    normal = (known @ squares).reshape(-1, 3, 3) + 1e-9 * np.eye(3)
    found: Floats = np.linalg.solve(normal, (cosines @ others)[:, :, None])[:, :, 0]
    return found


def _unit(donors: Floats, recipients: Floats) -> tuple[Floats, Floats]:
    """Transform both factors, without changing their products, to unit vectors as nearly as can be."""
    rows = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    some = donors[np.linalg.norm(donors, axis=1) > 0]
    terms = np.stack([some[:, i] * some[:, j] * (1 if i == j else 2) for i, j in rows], axis=1)
    solution = np.linalg.lstsq(terms, np.ones(len(some)), rcond=None)[0]
    form = np.zeros((3, 3))
    for value, (i, j) in zip(solution, rows, strict=True):
        form[i, j] = form[j, i] = value
    root = np.linalg.cholesky(form).T
    return _normed(donors @ root.T), _normed(recipients @ np.linalg.inv(root))


def _normed(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def _place(vector: Floats) -> Place:
    latitude = float(np.degrees(np.arcsin(np.clip(vector[2], -1, 1))))
    longitude = float(np.degrees(np.arctan2(vector[1], vector[0])))
    return Place(round(latitude, 5), round(longitude, 5))
