"""Where sources go when the sound field is turned."""

import numpy as np
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre

from tests.conformance_cases.sources import (
    BACK,
    CLOSED,
    DOWN,
    EULER,
    FRONT,
    LEFT,
    PLACES,
    RIGHT,
    SCIPY,
    UP,
    case,
    direction,
    first_order,
    places_of,
    unit_vectors,
    waves,
)
from tests.oracles import rotation_by_least_squares

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
