"""Where the anonymous sites could lie: positions on a sphere rebuilt from the known distances.

The cosine of a distance over the Earth's radius is the product of two unit vectors, so the matrix of cosines
has rank 3 but for noise: alternating least squares finds the factors, and one 6-parameter least squares the
transformation that gives them unit length. The whole is turned at random with a fixed seed: the data are
anonymous. Must not know Tenon; nothing is decided by these positions where a distance is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenarios.ppe.data import METRES_PER_MILE, Dataset, number

EARTH_RADIUS_MILES = 6_371_008.8 / METRES_PER_MILE
ITERATIONS = 30
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
    donors, recipients = _factors(cosines, known.astype(np.float64))
    donors, recipients = _unit(donors, recipients)
    turn = np.linalg.qr(np.random.default_rng(SEED).normal(size=(3, 3)))[0]
    donors, recipients = donors @ turn, recipients @ turn
    error = np.abs(np.arccos(np.clip(donors @ recipients.T, -1, 1)) * EARTH_RADIUS_MILES - miles)
    places = {donation.don_id: _place(donors[number(donation.don_id)]) for donation in data.donations}
    places |= {request.rec_id: _place(recipients[number(request.rec_id)]) for request in data.requests}
    return Layout(places, float(np.median(error[known])))


def _factors(cosines: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Return X and Y (three columns each) such that X Yᵀ is close to the cosines where they are known."""
    recipients = np.linalg.svd(cosines, full_matrices=False)[2][:3].T * np.sqrt(cosines.shape[1])
    donors = np.zeros((cosines.shape[0], 3))
    for _ in range(ITERATIONS):
        donors = _solve(cosines, known, recipients)
        recipients = _solve(cosines.T, known.T, donors)
    return donors, recipients


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
