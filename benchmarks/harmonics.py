"""Real spherical harmonics of 100 000 directions: the loop against the formula, the peers and writing the result.

Every comparison is made twice. *From angles*, as ``spherical_harmonics`` is called: sphericart takes Cartesian
vectors, so it gets them from a plain conversion that is part of its time, by torch and by NumPy. *From
unit vectors*: there it has its own input, and ours is ``harmonics_of_vectors``. Peers keep their normalisation while
they are timed; it is undone for the error, which is against SciPy in double precision, over some of the directions.

``python -m benchmarks.harmonics``
"""

import numpy as np
import scipy.special
import spaudiopy
import sphericart
import torch

import ambikit
from ambikit.geometry import harmonics
from ambikit.geometry.harmonics import harmonics_of_vectors
from benchmarks.common import Candidate, Table, measure, report, scaled, with_another

DIRECTIONS, LOOKED_AT = 100_000, 2_000
FEW = 5_000  # directions that the slowest peer is timed on


def by_formula(function):
    """The same call without the compiled loop."""
    return with_another(harmonics, "_many", lambda batch, order: False, function)


def scipy_recipe(azimuth, elevation, order, complex_harmonics=scipy.special.sph_harm_y):
    """One complex harmonic for each degree and index of at least 0, and its two real ones: ``(channels, ...)``."""
    result = np.empty(((order + 1) ** 2, len(azimuth)))
    for n in range(order + 1):
        scale = np.sqrt(4 * np.pi / (2 * n + 1))
        for m in range(n + 1):
            value = complex_harmonics(n, m, np.pi / 2 - elevation, azimuth) * ((-1) ** m * scale)
            result[n * n + n + m] = value.real * (np.sqrt(2) if m else 1)
            if m:
                result[n * n + n - m] = value.imag * np.sqrt(2)
    return result


def vectors_by_torch(azimuth, elevation):
    """The plainest conversion, on torch's vectorised cosines."""
    level = elevation.cos()
    return torch.stack([azimuth.cos() * level, azimuth.sin() * level, elevation.sin()], -1).numpy()


def error_against(expected, *, orthonormal=False):
    """The largest error over the first directions, in SN3D."""
    count, channels = expected.shape
    degree = np.floor(np.sqrt(np.arange(channels)))
    scale = np.sqrt(4 * np.pi / (2 * degree + 1)) if orthonormal else 1.0
    return lambda result: float(np.max(np.abs(np.asarray(result[:count], np.float64) * scale - expected)))


def directions():
    """Uniform over the sphere, with both poles: angles and vectors, each exact in single precision."""
    generator = np.random.default_rng(0)
    elevation = np.arcsin(generator.uniform(-1, 1, DIRECTIONS)).astype(np.float32)
    azimuth = generator.uniform(-np.pi, np.pi, DIRECTIONS).astype(np.float32)
    elevation[:2] = np.float32(1.570796), np.float32(-1.570796)
    return azimuth, elevation


def rounds(order, peers):
    """Fewer where one takes seconds."""
    return 3 if peers or order > 7 else 11


def from_angles(order, peers) -> Table:
    single, single_elevation = directions()
    azimuth, elevation = single.astype(np.float64), single_elevation.astype(np.float64)
    tensors = torch.from_numpy(single), torch.from_numpy(single_elevation)
    doubles = torch.from_numpy(azimuth), torch.from_numpy(elevation)
    exact = scipy_recipe(azimuth[:LOOKED_AT], elevation[:LOOKED_AT], order).T
    error, of_peer = error_against(exact), error_against(exact, orthonormal=True)
    peer = sphericart.SphericalHarmonics(order)
    out = np.empty(((order + 1) ** 2, DIRECTIONS), np.float32)
    spherical = ambikit.spherical_harmonics
    candidates = [
        Candidate("limit: fill the result, float32", lambda: out.fill(0)),
        Candidate("ambikit, loop, torch, float32", lambda: spherical(*tensors, order), error),
        Candidate("ambikit, loop, NumPy, float64", lambda: spherical(azimuth, elevation, order), error),
        Candidate("formula, torch, float32", by_formula(lambda: spherical(*tensors, order)), error),
        Candidate("formula, NumPy, float64", by_formula(lambda: spherical(azimuth, elevation, order)), error),
        Candidate("torch conversion + sphericart, float32", lambda: peer.compute(vectors_by_torch(*tensors)), of_peer),
        Candidate("torch conversion + sphericart, float64", lambda: peer.compute(vectors_by_torch(*doubles)), of_peer),
        Candidate(
            "NumPy conversion + sphericart, float64",
            lambda: peer.compute(ambikit.angles_to_vectors(azimuth, elevation)),
            of_peer,
        ),
    ]
    if peers:
        candidates += [
            Candidate("scipy.special.sph_harm_y, float64", lambda: scipy_recipe(azimuth, elevation, order).T, error),
            Candidate(
                f"spaudiopy sh_matrix, float64 (timed on {FEW})",
                lambda: spaudiopy.sph.sh_matrix(order, azimuth[:FEW], np.pi / 2 - elevation[:FEW], "real"),
                of_peer,
            ),
        ]
    title = f"order {order}, from 100 000 pairs of angles"
    title = f"Slow peers too, {title}" if peers else title.capitalize()
    return scaled(measure(title, candidates, rounds=rounds(order, peers)), "spaudiopy", DIRECTIONS / FEW)


def from_vectors(order) -> Table:
    azimuth, elevation = (angle.astype(np.float64) for angle in directions())
    vectors = ambikit.angles_to_vectors(azimuth, elevation)
    single = vectors.astype(np.float32)
    tensor = torch.from_numpy(single)
    exact = scipy_recipe(azimuth[:LOOKED_AT], elevation[:LOOKED_AT], order).T
    error, of_peer = error_against(exact), error_against(exact, orthonormal=True)
    peer = sphericart.SphericalHarmonics(order)
    out = np.empty(((order + 1) ** 2, DIRECTIONS), np.float32)
    return measure(
        f"Order {order}, from 100 000 unit vectors",
        [
            Candidate("limit: fill the result, float32", lambda: out.fill(0)),
            Candidate("ambikit, loop, NumPy, float32", lambda: harmonics_of_vectors(single, order), error),
            Candidate("ambikit, loop, torch, float32", lambda: harmonics_of_vectors(tensor, order), error),
            Candidate("ambikit, loop, NumPy, float64", lambda: harmonics_of_vectors(vectors, order), error),
            Candidate("formula, NumPy, float32", by_formula(lambda: harmonics_of_vectors(single, order)), error),
            Candidate("formula, torch, float32", by_formula(lambda: harmonics_of_vectors(tensor, order)), error),
            Candidate("sphericart, float32", lambda: peer.compute(single), of_peer),
            Candidate("sphericart, float64", lambda: peer.compute(vectors), of_peer),
        ],
        rounds=rounds(order, False),
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    report(
        "harmonics",
        [table for order in (3, 7, 20) for table in (from_angles(order, False), from_vectors(order))]
        + [from_angles(order, True) for order in (3, 7)],
    )
