"""Microphone arrays with a name: where the capsules are, in the order of the recorded channels.

A direction of these tables is (azimuth, elevation) in degrees. Where the numbers come from stands beside each.
"""

from dataclasses import dataclass

import numpy as np

from ambikit.errors import AmbikitError
from ambikit.geometry.directions import vectors_to_angles

__all__ = ["KNOWN", "Known", "tetrahedron_directions"]

_AXES = {"F": (0, 1), "B": (0, -1), "L": (1, 1), "R": (1, -1), "U": (2, 1), "D": (2, -1)}

# mh acoustics, em32 Eigenmike release notes v17 (2013), appendix, and EigenStudio user manual, section 4.5.
_EM32 = (
    (0, 21), (32, 0), (0, -21), (-32, 0), (0, 58), (45, 35), (69, 0), (45, -35),
    (0, -58), (-45, -35), (-69, 0), (-45, 35), (91, 69), (90, 32), (90, -31), (89, -69),
    (180, 21), (-148, 0), (180, -21), (148, 0), (180, 58), (-135, 35), (-111, 0), (-135, -35),
    (180, -58), (135, -35), (111, 0), (135, 35), (-91, 69), (-90, 32), (-90, -32), (-89, -69),
)  # fmt: skip

# mh acoustics, Getting started guide to em64 and ES3 (2024), table 1.
_EM64 = (
    (-162.544, 73.234), (115.734, 68.032), (81.911, 47.606), (-46.641, 76.718), (43.179, 67.327), (46.732, 37.308),
    (-24.004, 52.194), (14.54, 46.606), (-155.545, 46.061), (-153.458, 19.687), (-112.678, 56.777),
    (-126.183, 29.974), (-95.456, 33.524), (99.667, 22.506), (104.684, -3.274), (120.923, 41.577),
    (126.513, 11.921), (148.237, 27.931), (162.638, 51.283), (178.55, 26.2), (21.271, 19.805), (25.783, -6.246),
    (47.861, 8.901), (55.907, -16.094), (71.429, 22.247), (78.492, -1.706), (-66.779, 50.002), (-69.432, 21.227),
    (-41.865, 29.113), (-25.996, 7.717), (-7.977, 26.975), (0.0, 0.206), (174.033, -47.517), (-147.28, -49.76),
    (-108.082, -45.213), (150.647, -70.363), (-119.173, -72.577), (-66.938, -52.069), (-28.99, -71.199),
    (60.827, -72.577), (-133.087, -25.536), (-126.074, 3.741), (-166.362, -26.016), (-150.33, -5.331),
    (-176.831, -0.064), (163.71, -21.455), (156.952, 4.133), (139.432, -40.84), (135.973, -12.578),
    (102.327, -52.637), (112.551, -27.032), (83.146, -27.563), (-52.292, -25.888), (-50.861, 0.31),
    (-81.748, -28.448), (-77.026, -3.934), (-106.853, -16.387), (-99.931, 8.949), (59.739, -45.976),
    (14.224, -52.677), (32.49, -30.656), (-25.925, -43.883), (2.084, -26.359), (-24.932, -17.464),
)  # fmt: skip

# As the sensor presets of the Spatial Audio Framework have it; the maker publishes no table that we have seen.
_ZM1 = (
    (0, 90), (0.18, 48.14), (120.09, 48.14), (-119.94, 48.18), (-82.17, 19.42), (-37.61, 19.43), (37.89, 19.42),
    (82.29, 19.43), (157.88, 19.43), (-157.6, 19.44), (-142.11, -19.42), (-97.71, -19.43), (-22.12, -19.43),
    (22.4, -19.44), (97.83, -19.42), (142.39, -19.43), (-179.82, -48.14), (-59.91, -48.14), (60.06, -48.18),
)  # fmt: skip

_FLU = ("FLU", "FRD", "BLD", "BRU")


@dataclass(frozen=True)
class Known:
    """What is known of a microphone: the directions of its capsules (or their names), and how it is built."""

    capsules: tuple
    radius: float
    baffle: str
    pattern: float
    source: str


#: Orders of channels are confirmed by two independent sources but where it says "one source"; the radii of the
#: tetrahedra are those of the presets of the Spatial Audio Framework, one source, and their capsules nominal.
KNOWN = {
    "tetrahedron": Known(_FLU, 0.0147, "open", 0.5, "cardioids 14.7 mm off the middle (Gerzon 1975)"),
    "ambeo_vr": Known(_FLU, 0.014, "open", 0.5, "Sennheiser AMBEO VR Mic"),
    "tetramic": Known(_FLU, 0.02, "open", 0.5, "Core Sound TetraMic"),
    "sps200": Known(_FLU, 0.02, "open", 0.5, "SoundField SPS200, order of channels from one source"),
    "h3_vr": Known(_FLU, 0.012, "open", 0.5, "Zoom H3-VR upright, order of channels from one source"),
    "zm1": Known(_ZM1, 0.049, "rigid", 1.0, "Zylia ZM-1, geometry from one source"),
    "em32": Known(_EM32, 0.042, "rigid", 1.0, "mh acoustics em32 Eigenmike"),
    "em64": Known(_EM64, 0.042, "rigid", 1.0, "mh acoustics em64 Eigenmike"),
}


def tetrahedron_directions(capsules: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation in radians of four capsules called by where they look: F or B, L or R, U or D.

    Three letters are a corner of a cube, each axis alike. Two are the middle of its edge, drawn so that the four are
    a regular tetrahedron: the first letter stands for 1/√3, the second for √(2/3).
    """
    try:
        vectors = np.array([_vector(label) for label in capsules])
    except (KeyError, IndexError, TypeError):
        vectors = np.zeros((0, 3))
    if vectors.shape != (4, 3) or not np.allclose(vectors @ vectors.T, (4 * np.eye(4) - 1) / 3):
        raise AmbikitError(
            f"got capsules {capsules!r}; expected four names of a regular tetrahedron, such as FLU FRD BLD BRU, "
            "FLD FRU BLU BRD, FL FR BU BD or FU FD BL BR in any order; F or B, L or R, U or D say where each looks; "
            "give the angles of other arrays to ambikit.MicrophoneArray"
        )
    return vectors_to_angles(vectors)


def _vector(label: str) -> np.ndarray:
    lengths = {2: (np.sqrt(1 / 3), np.sqrt(2 / 3)), 3: (np.sqrt(1 / 3),) * 3}[len(label)]
    vector = np.zeros(3)
    for letter, length in zip(label, lengths):
        axis, sign = _AXES[letter]
        vector[axis] = sign * length
    return vector
