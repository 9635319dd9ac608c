"""Makes the files of ``ambikit/conformance/data`` without any of our own code.

Run it as ``python -m tests.make_conformance_cases``.

Answers come from closed forms, from published figures (typed in below), and from SciPy by way of ``tests/oracles.py``.
A test makes the files anew and compares them with those that lie there.
"""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from tests.oracles import furse_malham, real_spherical_harmonics, rotation_by_least_squares

DATA = Path(__file__).resolve().parents[1] / "ambikit" / "conformance" / "data"

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


# --- conventions ------------------------------------------------------------------------------------------------


def conventions():
    azimuth, elevation = radians(PLACES)
    given = {"azimuth": azimuth, "elevation": elevation}
    yield case(
        "harmonics/first-order", "harmonics", "W Y Z X of ten directions: 1, sin a cos e, sin e, cos a cos e", AMBIX,
        {**given, "order": 1}, first_order(PLACES).T,
    )  # fmt: skip
    for order in (0, 2, 3, 5):
        yield case(
            f"harmonics/order-{order}", "harmonics", f"all channels of ten directions at order {order}", SCIPY,
            {**given, "order": order}, real_spherical_harmonics(azimuth, elevation, order),
        )  # fmt: skip
    pair = [(20, 30), (-65, -10)]
    cosine = float(np.prod(unit_vectors(pair), axis=0).sum())
    pair_azimuth, pair_elevation = radians(pair)
    for order in (4, 10, 20):
        yield case(
            f"harmonics/addition-theorem/order-{order}", "harmonics",
            "the products of two directions' harmonics, summed within a degree, are P_n(cos of their angle)",
            f"addition theorem of the spherical harmonics, {CLOSED}",
            {"azimuth": pair_azimuth, "elevation": pair_elevation, "order": order},
            [eval_legendre(n, cosine) for n in range(order + 1)], figure="products_per_degree",
        )  # fmt: skip
        yield case(
            f"harmonics/sum-of-squares/order-{order}", "harmonics",
            "in SN3D the squares within every degree add up to 1", f"addition theorem, {CLOSED}",
            {"azimuth": pair_azimuth[[0, 0]], "elevation": pair_elevation[[0, 0]], "order": order},
            np.ones(order + 1), figure="products_per_degree",
        )  # fmt: skip
    for (name, where), place in zip(NAMES.items(), PLACES):
        gains = np.round(first_order([place])[:, 0], 12)
        yield case(
            f"encode/{name}", "encode", f"a source {where}: which channels sound, and with which sign", AMBIX,
            {"signal": [1, 0.5], **direction(*place), "order": 1},
            np.outer(gains, [1, 0.5]),
        )  # fmt: skip
    yield case(
        "encode/order-3", "encode", "a source at azimuth −120°, elevation −30°, in sixteen channels", SCIPY,
        {"signal": [1, -0.25, 0.5], **direction(-120, -30), "order": 3},
        np.outer(waves([(-120, -30)], 3)[:, 0], [1, -0.25, 0.5]),
    )  # fmt: skip
    yield from conversions()
    yield from mirrors()


def conversions():
    sn3d, n3d = waves(PLACES, 3), real_spherical_harmonics(*radians(PLACES), 3, normalization="n3d").T
    fuma = furse_malham(*radians(PLACES)).T
    for order in (1, 3):
        count = (order + 1) ** 2
        signals = {"ambix": sn3d[:count], "n3d": n3d[:count], "fuma": fuma[:count]}
        for source, target in (
            ("ambix", "n3d"),
            ("n3d", "ambix"),
            ("ambix", "fuma"),
            ("fuma", "ambix"),
            ("fuma", "n3d"),
        ):
            yield case(
                f"convert/{source}-to-{target}/order-{order}", "convert",
                f"ten plane waves from {source} to {target}", FURSE if "fuma" in (source, target) else SCIPY,
                {"signal": signals[source], "source": source, "target": target}, signals[target],
            )  # fmt: skip
    root, letters = np.sqrt, "WXYZRSTUVKLMNOPQ"
    factors = [
        root(2), root(3), root(3), root(3), root(5), *[root(15) / 2] * 4, root(7), *[root(224 / 45)] * 2,
        *[root(35) / 3] * 2, *[root(35 / 8)] * 2,
    ]  # fmt: skip
    acn = [0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9]
    expected = np.zeros((16, 16))
    expected[acn, np.arange(16)] = factors
    yield case(
        "convert/fuma-factors", "convert",
        f"each of the letters {letters} alone: to which channel and with which factor it goes", POLITIS,
        {"signal": np.eye(16), "source": "fuma", "target": "n3d"}, expected,
    )  # fmt: skip


def mirrors():
    planes = {
        "left_right": lambda a, e: (-a, e),
        "front_back": lambda a, e: (180 - a, e),
        "up_down": lambda a, e: (a, -e),
    }
    for plane, image in planes.items():
        yield case(
            f"mirror/{plane}", "mirror", "ten plane waves become those of the mirrored directions", SCIPY,
            {"signal": waves(PLACES, 4), "plane": plane}, waves([image(*place) for place in PLACES], 4),
        )  # fmt: skip


# --- rotation ---------------------------------------------------------------------------------------------------

QUARTERS = {
    ("yaw", 90): (LEFT, BACK, UP),
    ("yaw", -90): (RIGHT, FRONT, UP),
    ("pitch", 90): (DOWN, LEFT, FRONT),
    ("pitch", -90): (UP, LEFT, BACK),
    ("roll", 90): (FRONT, UP, RIGHT),
    ("roll", -90): (FRONT, DOWN, LEFT),
}
POSE = (0.7, -1.1, 2.3)


def angles(yaw=0.0, pitch=0.0, roll=0.0):
    return {"yaw": float(yaw), "pitch": float(pitch), "roll": float(roll)}


def rotations():
    turned = "sources in front, on the left and above, turned by"
    for (angle, size), goals in QUARTERS.items():
        pose = angles(**{angle: np.radians(size)})
        for order in (1, 2, 3, 7) if size > 0 else (1,):
            yield case(
                f"rotate/{angle}{size:+}/order-{order}", "rotate", f"{turned} {size:+}° of {angle}",
                f"definition (right-handed about x front, y left, z up); {SCIPY}",
                {"signal": np.round(waves([FRONT, LEFT, UP], order), 12), **pose}, np.round(waves(goals, order), 12),
            )  # fmt: skip
        x, y, z = unit_vectors(goals).round(12)
        matrix = np.zeros((4, 4))
        matrix[0, 0], matrix[1:, 1:] = 1, np.stack([y, z, x], -1)[[1, 2, 0]]
        yield case(
            f"rotation_matrix/{angle}{size:+}", "rotation_matrix", f"the matrix of {size:+}° of {angle}",
            "definition", {**pose, "order": 1}, matrix,
        )  # fmt: skip
    yield case(
        "rotate/sequence", "rotate", "yaw, pitch and roll of +90° at once: roll is applied first, yaw last",
        "definition: R = Rz(yaw) Ry(pitch) Rx(roll)",
        {"signal": first_order([FRONT, LEFT, UP]).round(12), **angles(*[np.pi / 2] * 3)},
        first_order([DOWN, LEFT, FRONT]).round(12),
    )  # fmt: skip
    rotation = Rotation.from_euler("ZYX", POSE)
    goals = places_of(rotation.apply(unit_vectors(PLACES)))
    for order in (1, 2, 5):
        yield case(
            f"rotate/any-pose/order-{order}", "rotate", "ten sources turned by yaw 0.7, pitch −1.1, roll 2.3", EULER,
            {"signal": waves(PLACES, order), **angles(*POSE)}, waves(goals, order),
        )  # fmt: skip
    for order in (1, 2, 3):
        yield case(
            f"rotation_matrix/any-pose/order-{order}", "rotation_matrix", "the matrix of yaw 0.7, pitch −1.1, roll 2.3",
            "least squares over many directions: D with y(R v) = D y(v)",
            {**angles(*POSE), "order": order}, rotation_by_least_squares(rotation.as_matrix(), order),
        )  # fmt: skip
    yield from published_rotations()
    for order in (3, 5):
        yaw = 0.61
        matrix = np.zeros(((order + 1) ** 2,) * 2)
        for n in range(order + 1):
            m = np.arange(-n, n + 1)
            middle = n * (n + 1)
            matrix[middle + m, middle + m] += np.cos(m * yaw)
            matrix[middle + m, middle - m] -= np.sin(m * yaw)
        yield case(
            f"rotation_matrix/yaw-closed-form/order-{order}", "rotation_matrix",
            "yaw 0.61 turns the pair ±m of every degree like a clock hand, m times as far", CLOSED,
            {**angles(yaw), "order": order}, matrix,
        )  # fmt: skip
    for order in (4, 12):
        yield case(
            f"rotation_matrix/zonal/order-{order}", "rotation_matrix",
            "for a pitch of 0.83 the entry m = 0, m = 0 of degree n is P_n(cos 0.83)",
            "Wigner's d-matrix, closed form", {**angles(0, 0.83), "order": order},
            [eval_legendre(n, np.cos(0.83)) for n in range(order + 1)], figure="zonal_entries",
        )  # fmt: skip
    for figure, about in (
        ("departure_from_orthogonal", "the matrix times its transpose is the identity"),
        ("outside_the_blocks", "degrees do not mix"),
    ):
        yield case(
            f"rotation_matrix/{figure.replace('_', '-')}/order-10", "rotation_matrix", about, "property of rotations",
            {**angles(*POSE), "order": 10}, 0.0, figure=figure,
        )  # fmt: skip
    for goal in ((120, 45), (60, 30), (-150, -20), (0, 90), (90, 0)):
        side = (goal[0] + 90, 0)  # on the horizon, to the left of the one who looks there
        yield case(
            f"align/azimuth{goal[0]:+}/elevation{goal[1]:+}", "align",
            "the direction comes to the front, and what lies on the horizon to the left of it to the left",
            "definition: first Rz(−azimuth), then Ry(+elevation)",
            {"signal": waves([goal, side], 2), **direction(*goal)}, waves([FRONT, LEFT], 2),
        )  # fmt: skip


def published_rotations():
    published = [
        [0.912317819, -0.334007493, -0.236886452],
        [0.408043823, 0.790002011, 0.457599237],
        [0.034299199, -0.514135992, 0.857022606],
    ]
    matrix = np.eye(4)
    matrix[1:, 1:] = published
    pose = Rotation.from_euler("ZYX", [0.04, 0.54, -0.4]).inv().as_euler("ZYX")
    yield case(
        "rotation_matrix/saf", "rotation_matrix",
        "its yaw .04, pitch .54, roll −.4 is Rx(−r) Ry(−p) Rz(−y) here, written as our own angles",
        "figures of a unit test of the Spatial Audio Framework (ISC licence)",
        {**angles(*pose), "order": 1}, matrix, tolerance=1e-8,
    )  # fmt: skip
    for axis, pose, goal in (  # a quarter about −y, +z and −x of ours
        ("right", (0, -np.pi / 2, 0), (150.0217786, 51.0415207)),
        ("up", (np.pi / 2, 0, 0), (112.0, 33.0)),
        ("back", (0, 0, -np.pi / 2), (35.0077313, -18.3108067)),
    ):
        yield case(
            f"rotate/resonance/{axis}", "rotate", f"a source at azimuth 22°, elevation 33°, a quarter about {axis}",
            "figures of a unit test of Resonance Audio (Apache-2.0)",
            {"signal": first_order([(22, 33)]), **angles(*pose)}, first_order([goal]), tolerance=1e-8,
        )  # fmt: skip


# --- beams ------------------------------------------------------------------------------------------------------

SUPERCARDIOID = {
    1: ([1, 0.57735027], 3.7320508, 11.438951),
    2: ([1, np.sqrt(7) / 4, 0.25], 6.8302517, 24.04827),
    3: ([1, 0.72415747, 0.35825757, 0.09894466], 9.7440845, 37.689967),
    4: ([1, 0.76842262, 0.4408114, 0.17445384, 0.03783809], 12.597809, 51.809724),
    5: ([1, 0.80070968, 0.50498875, 0.24093484, 0.0795129, 0.01418615], 15.437595, 66.189939),
}
MAX_RE = {
    1: ([0.577350], 3.73205, 5.720, 0.577350),
    2: ([0.774597, 0.4], 7.87298, 8.961, 0.774597),
    3: ([0.861136, 0.612334, 0.304747], 13.40261, 11.272, 0.861136),
    4: ([0.906180, 0.731743, 0.501031, 0.245735], 20.31738, 13.079, 0.906180),
    5: ([0.932470, 0.804249, 0.628250, 0.422005, 0.205712], 28.61625, 14.566, 0.932470),
}
IN_PHASE = {1: [1, 1 / 3], 2: [1, 0.5, 0.1], 3: [1, 0.6, 0.2, 1 / 35]}
APPROXIMATE = {1: [0.574431], 2: [0.773976, 0.398557], 3: [0.860951, 0.611854, 0.303994]}
ELKO = "Elko, Differential microphone arrays (2004)"
DANIEL = "Daniel, Représentation de champs acoustiques (2000)"
ZOTTER = "Zotter and Frank, All-round Ambisonic panning and decoding (2012), eq. (10)"
FORTY = "eigenproblem of the half-sphere energies (Elko 2004) in 40-digit arithmetic"


def beams():
    for order in range(1, 6):
        n = np.arange(order + 1)
        supercardioid, directivity, front_to_back = SUPERCARDIOID[order]
        max_re, q, index, length = MAX_RE[order]
        yield weights("hypercardioid", order, np.ones(order + 1), f"{ELKO}: all a_n equal")
        yield figure("hypercardioid", order, "directivity_factor", (order + 1) ** 2, "(N + 1)², closed form")
        yield figure("cardioid", order, "directivity_factor", 2 * order + 1, "2 N + 1, closed form")
        binomials = np.cumprod(np.concatenate([[1], (order - n[:-1]) / (order + 2 + n[:-1])]))
        yield weights("cardioid", order, binomials, f"{DANIEL}: N! (N + 1)! / ((N + n + 1)! (N − n)!)")
        if order in IN_PHASE:
            np.testing.assert_allclose(binomials, IN_PHASE[order])
        yield weights("max_re", order, [1, *max_re], f"{DANIEL}: P_n(largest root of P_(N+1))", 1e-6)
        yield figure("max_re", order, "directivity_factor", q, DANIEL, 1e-5)
        yield figure("max_re", order, "directivity_index_db", index, DANIEL, 1e-3)
        yield figure("max_re", order, "energy_vector", length, f"{DANIEL}: the root itself", 1e-6)
        yield weights("supercardioid", order, supercardioid, FORTY, 1e-7)
        yield figure("supercardioid", order, "directivity_factor", directivity, FORTY, 2e-6)
        yield figure("supercardioid", order, "front_to_back_db", front_to_back, FORTY, 2e-6)
        if order in APPROXIMATE:
            yield weights("max_re_approximate", order, [1, *APPROXIMATE[order]], ZOTTER, 1e-6)
        for pattern in ("hypercardioid", "cardioid", "supercardioid", "max_re"):
            yield figure(pattern, order, "gain_ahead", 1.0, "definition")
    for pattern, omni, factor in (
        ("omni", 1, 1), ("subcardioid", 0.75, 1.7142857), ("cardioid", 0.5, 3), ("hypercardioid", 0.25, 4),
        ("supercardioid", (np.sqrt(3) - 1) / 2, 3.7320508), ("figure_eight", 0, 3),
    ):  # fmt: skip
        given = {"pattern": pattern, "order": 1}
        source = f"first-order family a + (1 − a) cos, {ELKO}"
        about = f"{pattern}: a = {omni:.5f}"
        yield case(f"beam_weights/first-order/{pattern}", "beam_weights", about, source, given, [omni, 1 - omni])
        yield figure(pattern, 1, "directivity_factor", factor, "1 / (a² + (1 − a)² / 3)", 1e-6, "first-order/")
    yield from steered()


def weights(pattern, order, expected, source, tolerance=1e-9):
    about = f"the order weights a_n / a_0 of g = Σ (2 n + 1) a_n P_n at order {order}"
    given = {"pattern": pattern, "order": order}
    name = f"beam_weights/{pattern}/order-{order}"
    return case(name, "beam_weights", about, source, given, expected, figure="weights_per_order", tolerance=tolerance)


def figure(pattern, order, what, expected, source, tolerance=1e-9, group=""):
    words = what.replace("_", "-")
    about = f"{words.replace('-', ' ')} of the {pattern} of order {order}, integrated numerically"
    given = {"pattern": pattern, "order": order}
    name = f"beam_weights/{group}{pattern}/order-{order}/{words}"
    return case(name, "beam_weights", about, source, given, float(expected), figure=what, tolerance=tolerance)


def steered():
    """Beams towards azimuth 40°, elevation 20° on plane waves all around: their gain is g(cos of the angle)."""
    target = (40, 20)
    cosines = unit_vectors(PLACES) @ unit_vectors([target])[0]
    gains = {
        ("hypercardioid", 1): 0.25 + 0.75 * cosines,
        ("cardioid", 1): 0.5 + 0.5 * cosines,
        ("cardioid", 2): (0.5 + 0.5 * cosines) ** 2,
        ("cardioid", 3): (0.5 + 0.5 * cosines) ** 3,
        ("hypercardioid", 3): sum((2 * n + 1) / 16 * eval_legendre(n, cosines) for n in range(4)),
    }
    for (pattern, order), expected in gains.items():
        yield case(
            f"beamform/{pattern}/order-{order}", "beamform",
            "a beam towards azimuth 40°, elevation 20° hears ten plane waves", CLOSED,
            {
                "signal": waves(PLACES, order),
                **direction(*target),
                "pattern": pattern,
            },
            expected,
        )  # fmt: skip


# --- energetic analysis -----------------------------------------------------------------------------------------

ENERGY = "Merimaa and Pulkki, Spatial impulse response rendering I (2005), for SN3D"
WALSH = np.array([[(-1) ** bin(i & j).count("1") for j in range(8)] for i in range(8)], float)


def energetics():
    wave = first_order(PLACES) * np.exp(1j * np.arange(len(PLACES))) * (1 + np.arange(len(PLACES)))
    vectors = unit_vectors(PLACES).T[..., None].round(12)
    for name, scale in (("", 1.0), ("/faint", 1e-6), ("/loud", 1e6)):
        yield case(
            f"intensity/plane-waves{name}", "intensity",
            "a plane wave in each of ten bins, of any level and phase: a unit vector towards its source", ENERGY,
            {"spectrum": scale * wave[..., None]}, vectors,
        )  # fmt: skip
    standing = first_order([FRONT])[..., None] + first_order([BACK])[..., None] + 0j
    yield case(
        "intensity/standing-wave", "intensity", "two equal waves from front and back: no flow", ENERGY,
        {"spectrum": standing}, np.zeros((3, 1, 1)),
    )  # fmt: skip
    yield case(
        "intensity/quadrature", "intensity", "waves from front and left, 90° apart in phase, do not interfere", ENERGY,
        {"spectrum": (first_order([FRONT]) + 1j * first_order([LEFT]))[..., None]}, [[[0.5]], [[0.5]], [[0]]],
    )  # fmt: skip
    yield case(
        "intensity/silence", "intensity", "where there is no energy there is no direction: 0, not NaN", "convention",
        {"spectrum": np.zeros((4, 2, 3)) + 0j}, np.zeros((3, 2, 3)),
    )  # fmt: skip
    yield case(
        "diffuseness/plane-wave", "diffuseness", "one plane wave: 0", ENERGY,
        {"spectrum": first_order([(30, 45)])[..., None] * np.array([1, 1j, -2, 0.5])}, [0],
    )  # fmt: skip
    for opening in (30, 60, 90, 120, 180):
        pair = first_order([(opening / 2, 0), (-opening / 2, 0)])
        yield case(
            f"diffuseness/two-waves/{opening}", "diffuseness",
            f"two equal uncorrelated waves {opening}° apart: 1 − cos({opening / 2:g}°)", f"{CLOSED} of {ENERGY}",
            {"spectrum": (pair @ np.array([[1, 1], [1, -1]]))[:, None] + 0j}, [1 - np.cos(np.radians(opening / 2))],
        )  # fmt: skip
    diffuse = np.array([[1], *[[np.sqrt(1 / 3)]] * 3]) * WALSH[1:5]
    yield case(
        "diffuseness/diffuse", "diffuseness", "isotropic sound: four uncorrelated channels, W as loud as the rest: 1",
        ENERGY, {"spectrum": diffuse[:, None] + 0j}, [1],
    )  # fmt: skip
    for decibels in (0, 6, 10):
        ratio = 10 ** (decibels / 10)
        mixture = first_order([(30, 45)]) * np.sqrt(ratio) * WALSH[0] + diffuse
        yield case(
            f"diffuseness/direct-to-diffuse/{decibels}-db", "diffuseness",
            f"a plane wave {decibels} dB above isotropic sound: 1 / (1 + ratio)", f"{CLOSED} of {ENERGY}",
            {"spectrum": mixture[:, None] + 0j}, [1 / (1 + ratio)],
        )  # fmt: skip
    yield case(
        "diffuseness/standing-wave", "diffuseness", "two equal coherent waves from front and back: 1", ENERGY,
        {"spectrum": standing * np.array([1, 1j, 2])}, [1],
    )  # fmt: skip


def energy_ratios():
    source = "Wang, Politis, Mesaros, Virtanen, IEEE J. Sel. Top. Signal Process. 16 (2022), eq. (13)"
    third = np.sqrt(1 / 3)
    diffuse = [[[300, 1, 0]], [[400, third, 0]], [[500, third, 0]], [[600, third, 0]]]
    w, y, z, x = diffuse

    def louder(channel, factor):
        return [[frequency, factor * amplitude, phase] for frequency, amplitude, phase in channel]

    wave = [[[440, float(gain), 0.3]] for gain in first_order([(30, 45)])[:, 0]]
    fields = {
        "plane-wave": ("one plane wave", wave, 1),
        "diffuse": ("isotropic sound", diffuse, 1),
        "n3d": ("isotropic sound in N3D", [w, *(louder(c, np.sqrt(3)) for c in (y, z, x))], 3),
        "fuma": ("isotropic sound with W 3 dB lower, as FuMa has it", [louder(w, np.sqrt(0.5)), y, z, x], 2),
        "x-y-w-z": ("X, Y, W, Z read as W, Y, Z, X", [x, y, w, z], 5),
        "w-y-exchanged": ("W and Y exchanged", [y, w, z, x], 5),
        "dipoles-exchanged": ("W, X, Y, Z read as W, Y, Z, X: the ratio cannot see it", [w, x, y, z], 1),
    }
    for name, (words, sines, expected) in fields.items():
        sound = {"sample_rate": 48000, "length": 24000, "sines": [plain_channels(channel) for channel in sines]}
        yield case(
            f"energy_ratio/{name}", "energy_ratio", f"{words}: the dipoles carry {expected} times the energy of W",
            source, {"signal": sound, "sample_rate": 48000}, float(expected), tolerance=1e-2,
        )  # fmt: skip


def plain_channels(channel):
    return [plain(sine) for sine in channel]


def interaural():
    spectrum = np.array([[[2.0]], [[1.0]]]) * np.exp(0.4j)
    for name, pair, decibels in (
        ("left-louder", spectrum, 20 * np.log10(2)),
        ("right-louder", spectrum[::-1], -20 * np.log10(2)),
        ("alike", np.array([[[1j]], [[1.0]]]), 0.0),
    ):
        yield case(
            f"level_difference/{name}", "level_difference", "20 log10 of left over right", CLOSED,
            {"spectrum": pair}, [[decibels]],
        )  # fmt: skip
    frequencies, delay = np.array([100.0, 500.0, 1000.0, 1500.0]), 300e-6
    left = np.ones(4) * np.exp(0.7j)
    right = left * np.exp(-2j * np.pi * frequencies * delay)
    phase = 2 * np.pi * frequencies * delay
    yield case(
        "phase_difference/right-later", "phase_difference", "right is 0.3 ms later: 2 π f τ, positive", CLOSED,
        {"spectrum": np.stack([left, right])[..., None]}, phase[:, None],
    )  # fmt: skip
    yield case(
        "phase_difference/left-later", "phase_difference", "left is 0.3 ms later: negative", CLOSED,
        {"spectrum": np.stack([right, left])[..., None]}, -phase[:, None],
    )  # fmt: skip
    far = np.array([2000.0, 3000.0])
    turns = 2 * np.pi * far * delay
    pair = np.stack([np.ones(2), np.exp(-1j * turns)])[..., None]
    yield case(
        "phase_difference/wrapped", "phase_difference", "beyond half a turn the phase is wrapped", CLOSED,
        {"spectrum": pair}, np.angle(np.exp(1j * turns))[:, None],
    )  # fmt: skip


# --- loudspeakers -----------------------------------------------------------------------------------------------


def loudspeakers():
    golden = (1 + np.sqrt(5)) / 2
    octahedron = [FRONT, LEFT, BACK, RIGHT, UP, DOWN]
    cube = places_of([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (1, -1)])
    ring = [(0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    icosahedron = places_of([np.roll(corner, turn) for turn in range(3) for corner in ring])
    source = "Zotter and Frank, Ambisonics (2019), chapter 4: on spherical designs of degree 2 N all three are one"
    for name, layout, order in (("octahedron", octahedron, 1), ("cube", cube, 1), ("icosahedron", icosahedron, 2)):
        azimuth, elevation = radians(layout)
        vectors, even = unit_vectors(PLACES), np.full(len(PLACES), (order + 1) ** 2 / len(layout))
        for method in ("sampling", "mode_matching", "energy_preserving"):
            given = {
                "azimuth": azimuth, "elevation": elevation, "order": order, "method": method,
                "waves": waves(PLACES, order).T, "sources": vectors,
            }  # fmt: skip
            for what, words, expected in (
                ("energy_over_amplitude", "energy over squared amplitude (N + 1)² / L", even),
                ("velocity_vectors", "rV of length 1 towards the source", vectors),
                ("energy_vectors", "rE of length N / (N + 1) towards the source", vectors * order / (order + 1)),
            ):  # fmt: skip
                yield case(
                    f"loudspeaker_decoder/{name}/{method}/{what.replace('_', '-')}", "loudspeaker_decoder",
                    f"ten plane waves through the {name}: {words}", source, given, expected, figure=what,
                )  # fmt: skip
    uneven = [(0, 0), (70, 10), (140, -20), (-80, 30), (-150, 5), (20, 70), (-40, -60)]
    azimuth, elevation = radians(uneven)
    yield case(
        "loudspeaker_decoder/uneven/energy_preserving/spread-of-energy", "loudspeaker_decoder",
        "on any layout of enough loudspeakers the energy is the same for all directions",
        "Zotter, Pomberger, Noisternig, Energy-preserving Ambisonic decoding (2012)",
        {"azimuth": azimuth, "elevation": elevation, "order": 1, "method": "energy_preserving",
         "waves": waves(PLACES, 1).T, "sources": unit_vectors(PLACES)}, 1.0, figure="spread_of_energy",
    )  # fmt: skip
    azimuth, elevation = radians(octahedron)
    half, third = np.sqrt(1 / 2), np.sqrt(1 / 3)
    diagonal = float(np.degrees(np.arcsin(third)))
    for name, place, gains in (
        ("at-a-loudspeaker", LEFT, [0, 1, 0, 0, 0, 0]),
        ("between-two", (45, 0), [half, half, 0, 0, 0, 0]),
        ("between-three", (45, diagonal), [third, third, 0, 0, third, 0]),
        ("off-the-middle", (-30, 0), [np.sqrt(0.75), 0, 0, 0.5, 0, 0]),
    ):
        towards = {f"source_{key}": value for key, value in direction(*place).items()}
        yield case(
            f"panning_gains/{name}", "panning_gains", "gains of the six loudspeakers of an octahedron",
            "Pulkki, Virtual sound source positioning using vector base amplitude panning (1997)",
            {"azimuth": azimuth, "elevation": elevation, **towards}, gains,
        )  # fmt: skip


FILES = {
    "conventions": conventions,
    "rotation": rotations,
    "beams": beams,
    "energetics": energetics,
    "energy_ratio": energy_ratios,
    "interaural": interaural,
    "loudspeakers": loudspeakers,
}


def write(folder=DATA):
    """One case per line: what changed in a case is seen in the line of that case."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in FILES.items():
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in cases())
        (folder / f"{name}.json").write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    write()
