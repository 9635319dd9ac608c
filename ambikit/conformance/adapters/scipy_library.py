"""SciPy: its complex harmonics made real, and its rotations. Also as one might take them without a second thought."""

# ruff: noqa: D102 - what the functions do stands in ambikit.conformance.Adapter
from typing import Any

import numpy as np

from ambikit.conformance.adapter import NotOffered

__all__ = ["SciPy", "SciPyAsIfOurs"]

_AXES = [1, 2, 0]  # Y, Z, X among x, y, z


class SciPy:
    """``sph_harm_y`` without its Condon-Shortley phase, real, SN3D; ``Rotation.from_euler("ZYX")``, first order."""

    name = "SciPy, translated"
    condon_shortley = 1  # (−1)^m takes the phase out again

    def harmonics(self, azimuth: Any, elevation: Any, order: int) -> np.ndarray:
        from scipy.special import sph_harm_y

        channels = []
        for n in range(order + 1):
            for m in range(-n, n + 1):
                value = self._scale(n) * sph_harm_y(n, abs(m), self._polar(elevation), azimuth)
                value = value * (-1.0) ** (m * self.condon_shortley) * (np.sqrt(2) if m else 1.0)
                channels.append(value.imag if m < 0 else value.real)
        return np.stack(channels, -1)

    def encode(self, signal: Any, azimuth: float, elevation: float, order: int) -> np.ndarray:
        return np.outer(self.harmonics(np.array(azimuth), np.array(elevation), order), signal)

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> np.ndarray:
        from scipy.spatial.transform import Rotation

        if order > 1:
            raise NotOffered("first order only")
        matrix = np.eye(4)
        matrix[1:, 1:] = Rotation.from_euler("ZYX", [yaw, pitch, roll]).as_matrix()[_AXES][:, _AXES]
        return matrix[: (order + 1) ** 2, : (order + 1) ** 2]

    def rotate(self, signal: Any, yaw: float, pitch: float, roll: float) -> np.ndarray:
        return self.rotation_matrix(yaw, pitch, roll, round(len(signal) ** 0.5) - 1) @ signal

    def _polar(self, elevation: Any) -> Any:
        return np.pi / 2 - elevation

    def _scale(self, n: int) -> float:
        return np.sqrt(4 * np.pi / (2 * n + 1))


class SciPyAsIfOurs(SciPy):
    """With the phase left in, orthonormal, elevation for the polar angle, and ``from_euler("zyx")`` in lower case."""

    name = "SciPy, as if its convention were ours"
    condon_shortley = 0

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> np.ndarray:
        from scipy.spatial.transform import Rotation

        if order > 1:
            raise NotOffered("first order only")
        matrix = np.eye(4)
        matrix[1:, 1:] = Rotation.from_euler("zyx", [yaw, pitch, roll]).as_matrix()[_AXES][:, _AXES]
        return matrix[: (order + 1) ** 2, : (order + 1) ** 2]

    def _polar(self, elevation: Any) -> Any:
        return elevation

    def _scale(self, n: int) -> float:
        return 1.0
