"""spaudiopy: through its declared convention, and read as if that were ours, to show where the two differ.

It has orthonormal N3D harmonics in ACN order, takes zenith angles, and turns by angles of the opposite sense.
"""

# ruff: noqa: D102 - what the functions do stands in ambikit.conformance.Adapter
from typing import Any

import numpy as np

from ambikit.conformance.adapter import NotOffered
from ambikit.errors import MissingExtraError

__all__ = ["Spaudiopy", "SpaudiopyAsIfOurs"]

_FIRST_ORDER = 4


def _degrees(channels: int) -> np.ndarray:
    return np.floor(np.sqrt(np.arange(channels))).astype(int)


def _from_orthonormal(channels: int) -> np.ndarray:
    """The factors that make SN3D of orthonormal harmonics."""
    return np.sqrt(4 * np.pi / (2 * _degrees(channels) + 1))


class Spaudiopy:
    """spaudiopy in its own convention, translated here: a column of scales, 90° − elevation, minus the angles."""

    name = "spaudiopy, translated"

    def __init__(self) -> None:
        try:
            import spaudiopy
        except ImportError as error:
            raise MissingExtraError(
                "spaudiopy is not installed; expected it for this adapter; install spaudiopy"
            ) from error
        self._library = spaudiopy

    def harmonics(self, azimuth: Any, elevation: Any, order: int) -> np.ndarray:
        harmonics = self._library.sph.sh_matrix(order, azimuth, np.pi / 2 - elevation)
        return harmonics * _from_orthonormal((order + 1) ** 2)

    def encode(self, signal: Any, azimuth: float, elevation: float, order: int) -> np.ndarray:
        encoded = self._library.sph.src_to_sh(signal, azimuth, np.pi / 2 - elevation, order)
        return encoded * _from_orthonormal((order + 1) ** 2)[:, None]

    def convert(self, signal: Any, source: str, target: str) -> np.ndarray:
        sph, channels = self._library.sph, len(signal)
        if "fuma" in (source, target) and channels != _FIRST_ORDER:
            raise NotOffered("first order only")
        if source == "fuma":
            signal = sph.b_to_sh(signal, W_weight=np.sqrt(0.5)) * np.sqrt(4 * np.pi)
        elif source == "ambix":
            signal = sph.sn3d_to_n3d(signal)
        if target == "fuma":
            return sph.sh_to_b(signal / np.sqrt(4 * np.pi), W_weight=np.sqrt(0.5))
        return sph.n3d_to_sn3d(signal) if target == "ambix" else signal

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> np.ndarray:
        return self._library.sph.sh_rotation_matrix(order, -yaw, -pitch, -roll)

    def rotate(self, signal: Any, yaw: float, pitch: float, roll: float) -> np.ndarray:
        return self._library.sph.rotate_sh(signal.T, -yaw, -pitch, -roll).T

    def beam_weights(self, pattern: str, order: int) -> np.ndarray:
        sph = self._library.sph
        offered = {
            "hypercardioid": sph.hypercardioid_modal_weights,
            "cardioid": sph.cardioid_modal_weights,
            "max_re_approximate": sph.maxre_modal_weights,
        }
        if pattern not in offered:
            raise NotOffered(f"no {pattern}")
        return offered[pattern](order) * (2 * np.arange(order + 1) + 1) / (4 * np.pi)

    def beamform(self, signal: Any, azimuth: float, elevation: float, pattern: str) -> np.ndarray:
        order = round(len(signal) ** 0.5) - 1
        gains = self.beam_weights(pattern, order)[_degrees(len(signal))] * self.harmonics(azimuth, elevation, order)[0]
        return self._library.parsa.sh_beamform(gains, signal)[0]

    def loudspeaker_decoder(self, azimuth: Any, elevation: Any, order: int, method: str) -> np.ndarray:
        decoder = self._library.decoder
        decode = {"sampling": decoder.sad, "mode_matching": decoder.mad, "energy_preserving": decoder.epad}[method]
        channels = (order + 1) ** 2
        orthonormal = np.diag(1 / _from_orthonormal(channels))
        return decode(orthonormal, self._layout(azimuth, elevation), N_sph=order)

    def panning_gains(self, azimuth: Any, elevation: Any, source_azimuth: float, source_elevation: float) -> np.ndarray:
        source = np.array(self._library.utils.sph2cart(source_azimuth, np.pi / 2 - source_elevation)).reshape(1, 3)
        return self._library.decoder.vbap(source, self._layout(azimuth, elevation))[0]

    def _layout(self, azimuth: Any, elevation: Any) -> Any:
        points = self._library.utils.sph2cart(azimuth, np.pi / 2 - elevation)
        return self._library.decoder.LoudspeakerSetup(*points)


class SpaudiopyAsIfOurs(Spaudiopy):
    """The same functions, called as if its convention were AmbiX: what one gets who has not read the small print."""

    name = "spaudiopy, as if its convention were ours"

    def harmonics(self, azimuth: Any, elevation: Any, order: int) -> np.ndarray:
        return self._library.sph.sh_matrix(order, azimuth, elevation)

    def encode(self, signal: Any, azimuth: float, elevation: float, order: int) -> np.ndarray:
        return self._library.sph.src_to_sh(signal, azimuth, elevation, order)

    def convert(self, signal: Any, source: str, target: str) -> np.ndarray:
        sph = self._library.sph
        ways = {("ambix", "n3d"): sph.sn3d_to_n3d, ("n3d", "ambix"): sph.n3d_to_sn3d}
        if len(signal) == _FIRST_ORDER:
            ways |= {("fuma", "n3d"): sph.b_to_sh, ("n3d", "fuma"): sph.sh_to_b}
            ways |= {("fuma", "ambix"): sph.b_to_sh, ("ambix", "fuma"): sph.sh_to_b}
        if (source, target) not in ways:
            raise NotOffered("first order only")
        return ways[source, target](signal)

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> np.ndarray:
        return self._library.sph.sh_rotation_matrix(order, yaw, pitch, roll)

    def rotate(self, signal: Any, yaw: float, pitch: float, roll: float) -> np.ndarray:
        return self._library.sph.rotate_sh(signal.T, yaw, pitch, roll).T

    def beam_weights(self, pattern: str, order: int) -> np.ndarray:
        return super().beam_weights("max_re_approximate" if pattern == "max_re" else pattern, order)
