"""What the cases share: where answers come from, places on the sphere, plane waves, and the form of a case."""

import numpy as np

from tests.oracles import real_spherical_harmonics

AMBIX = "Nachbar, Zotter, Deleflie, Sontacchi, AmbiX, a suggested Ambisonics format (2011)"
SCIPY = "complex harmonics of SciPy, made real, without Condon-Shortley phase"
FURSE = "Malham, Higher order Ambisonic systems (2003); closed forms of the letters W to Q"
POLITIS = "table of A. Politis' MATLAB library for Ambisonics (convert_N3D_FuMa)"
EULER = "SciPy, Rotation.from_euler('ZYX'), and harmonics in the turned directions"
CLOSED = "closed form"

FRONT, LEFT, UP, BACK, RIGHT, DOWN = (0, 0), (90, 0), (0, 90), (180, 0), (-90, 0), (0, -90)
PLACES = [FRONT, LEFT, UP, BACK, RIGHT, DOWN, (45, 0), (30, 45), (-120, -30), (150, 60)]
NAMES = {
    "front": "in front", "left": "on the left", "up": "above",
    "back": "behind", "right": "on the right", "down": "below",
}  # fmt: skip


def case(name, function, about, source, given, expected, *, figure="values", tolerance=1e-9):
    return {
        "name": name,
        "function": function,
        "about": about,
        "source": source,
        "input": {key: plain(value) for key, value in given.items()},
        "figure": figure,
        "expected": plain(expected),
        "tolerance": tolerance,
    }


def plain(value):
    """Lists of numbers of fifteen digits, whole numbers without a point; complex arrays in two parts."""
    if isinstance(value, dict | str | int):
        return value
    if np.iscomplexobj(value):
        return {"real": plain(np.real(value)), "imaginary": plain(np.imag(value))}
    if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) > 0:
        return [plain(element) for element in value]
    number = float(f"{float(value):.15g}")
    return int(number) if number == int(number) else number


def radians(places):
    azimuth, elevation = np.radians(np.array(places, float)).T
    return azimuth, elevation


def direction(azimuth, elevation):
    return {"azimuth": float(np.radians(azimuth)), "elevation": float(np.radians(elevation))}


def first_order(places):
    """W, Y, Z, X of plane waves by their closed forms: (channels, places)."""
    a, e = radians(places)
    return np.stack([np.ones_like(a), np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


def waves(places, order):
    """Plane waves, one per column: (channels, places)."""
    return real_spherical_harmonics(*radians(places), order).T


def unit_vectors(places):
    a, e = radians(places)
    return np.stack([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)], -1)


def places_of(vectors):
    x, y, z = np.asarray(vectors, float).T
    return np.degrees(np.stack([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))], -1))
