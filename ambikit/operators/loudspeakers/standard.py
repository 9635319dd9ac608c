"""Loudspeaker layouts with a name: those of ITU-R BS.2051 and the regular bodies."""

from itertools import product

import numpy as np

from ambikit.geometry.directions import vectors_to_angles

__all__ = ["RECOMMENDED", "SOLIDS", "direction_of_label", "solid_directions"]

# A label of BS.2051 says where the loudspeaker stands: its layer, then its azimuth in degrees.
_ELEVATIONS = {"B": -30.0, "M": 0.0, "U": 30.0, "T": 90.0}

#: Labels in the channel order of the recommendation. The system of BS.2051 stands behind each name.
RECOMMENDED = {
    "stereo": "M+030 M-030",  # A, 0+2+0
    "quad": "M+045 M-045 M+135 M-135",  # not in BS.2051
    "5.0": "M+030 M-030 M+000 M+110 M-110",  # B without LFE
    "5.1": "M+030 M-030 M+000 LFE1 M+110 M-110",  # B, 0+5+0
    "7.0": "M+030 M-030 M+000 M+090 M-090 M+135 M-135",  # I without LFE
    "7.1": "M+030 M-030 M+000 LFE1 M+090 M-090 M+135 M-135",  # I, 0+7+0
    "5.1.2": "M+030 M-030 M+000 LFE1 M+110 M-110 U+030 U-030",  # C, 2+5+0
    "5.1.4": "M+030 M-030 M+000 LFE1 M+110 M-110 U+030 U-030 U+110 U-110",  # D, 4+5+0
    "7.1.4": "M+030 M-030 M+000 LFE1 M+090 M-090 M+135 M-135 U+045 U-045 U+135 U-135",  # J, 4+7+0
    "22.2": (  # H, 9+10+3
        "M+060 M-060 M+000 LFE1 M+135 M-135 M+030 M-030 M+180 LFE2 M+090 M-090 "
        "U+045 U-045 U+000 T+000 U+135 U-135 U+090 U-090 U+180 B+000 B+045 B-045"
    ),
}

#: The regular bodies, and the strength of the spherical design that their corners are.
SOLIDS = {"tetrahedron": 2, "octahedron": 3, "cube": 3, "icosahedron": 5, "dodecahedron": 5, "snub_cube": 7}


def direction_of_label(label: str) -> tuple[float, float]:
    """Nominal azimuth and elevation in degrees of a label such as ``"U-110"``; (0, 0) for an LFE, which has none."""
    if label.startswith("LFE"):
        return 0.0, 0.0
    return float(label[1:]), _ELEVATIONS[label[0]]


def solid_directions(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation in radians of the corners, from the top down and from the left to the right."""
    corners = np.round(_corners(name), 15) + 0.0  # equal heights are equal, and there is no −0
    corners = corners[np.lexsort((-corners[:, 0], -corners[:, 1], -np.round(corners[:, 2], 9)))]
    return vectors_to_angles(corners)


def _corners(name: str) -> np.ndarray:
    golden = (1 + np.sqrt(5)) / 2
    signs = np.array(list(product((1.0, -1.0), repeat=3)))
    if name == "tetrahedron":
        return signs[signs.prod(axis=1) > 0] / np.sqrt(3)
    if name == "octahedron":
        return np.concatenate([np.eye(3), -np.eye(3)])
    if name == "cube":
        return signs / np.sqrt(3)
    if name == "snub_cube":
        return _snub_cube()
    pairs = np.array(list(product((1.0, -1.0), repeat=2)))
    # the corners of three golden rectangles, one per pair of axes
    short, long = (1.0, golden) if name == "icosahedron" else (1 / golden, golden)
    rectangle = np.column_stack([np.zeros(4), short * pairs[:, 0], long * pairs[:, 1]])
    corners = np.concatenate([np.roll(rectangle, turn, axis=1) for turn in range(3)])
    if name == "dodecahedron":
        corners = np.concatenate([corners, signs])
    return corners / np.linalg.norm(corners, axis=1, keepdims=True)


def _snub_cube() -> np.ndarray:
    """The orbit of one point under the 24 turns of the cube that averages all polynomials of degree 7 exactly.

    Its squared coordinates have the sum 1, and the means that the sphere has: x⁴ + y⁴ + z⁴ = 3/5 and
    x² y² z² = 1/105; so they are the roots of t³ − t² + t/5 − 1/105.
    """
    point = np.sqrt(np.sort(np.roots([1.0, -1.0, 0.2, -1 / 105]).real))
    turns = [
        np.eye(3)[list(order)] * signs
        for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (2, 1, 0), (1, 0, 2))
        for signs in product((1.0, -1.0), repeat=3)
    ]
    return np.array([turn @ point for turn in turns if np.linalg.det(turn) > 0])
