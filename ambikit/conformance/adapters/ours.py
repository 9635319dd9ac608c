"""ambikit itself, on each of its backends."""

# ruff: noqa: D102 - what the functions do stands in ambikit.conformance.Adapter
from collections.abc import Callable
from typing import Any

import numpy as np

import ambikit
from ambikit.errors import MissingExtraError

__all__ = ["AmbikitCuda", "AmbikitNumPy", "AmbikitTorch"]


class AmbikitNumPy:
    """ambikit on NumPy arrays."""

    name = "ambikit, NumPy"

    def array(self, x: Any) -> Any:
        """Bring an array to this backend."""
        return np.asarray(x)

    def back(self, x: Any) -> np.ndarray:
        """Bring a result back."""
        return np.asarray(x)

    def _on_arrays(self, function: Callable, *arguments: Any, **keywords: Any) -> np.ndarray:
        moved = (self.array(a) if isinstance(a, np.ndarray | float) else a for a in arguments)
        return self.back(function(*moved, **keywords))

    def harmonics(self, azimuth: Any, elevation: Any, order: int) -> np.ndarray:
        return self._on_arrays(ambikit.spherical_harmonics, azimuth, elevation, order)

    def encode(self, signal: Any, azimuth: float, elevation: float, order: int) -> np.ndarray:
        return self._on_arrays(ambikit.encode, signal, azimuth, elevation, order)

    def convert(self, signal: Any, source: str, target: str) -> np.ndarray:
        return self._on_arrays(ambikit.convert, signal, source, target)

    def mirror(self, signal: Any, plane: str) -> np.ndarray:
        return self._on_arrays(ambikit.mirror, signal, plane)

    def rotation_matrix(self, yaw: float, pitch: float, roll: float, order: int) -> np.ndarray:
        return self._on_arrays(ambikit.rotation_matrix, yaw, pitch, roll, order=order)

    def rotate(self, signal: Any, yaw: float, pitch: float, roll: float) -> np.ndarray:
        return self._on_arrays(ambikit.rotate, signal, yaw, pitch, roll)

    def align(self, signal: Any, azimuth: float, elevation: float) -> np.ndarray:
        return self._on_arrays(ambikit.align, signal, azimuth, elevation)

    def beam_weights(self, pattern: str, order: int) -> np.ndarray:
        return self.back(ambikit.beam_weights(pattern, order))

    def beamform(self, signal: Any, azimuth: float, elevation: float, pattern: str) -> np.ndarray:
        return self._on_arrays(ambikit.beamform, signal, azimuth, elevation, pattern)

    def intensity(self, spectrum: Any) -> np.ndarray:
        return self._on_arrays(ambikit.active_intensity, spectrum)

    def diffuseness(self, spectrum: Any) -> np.ndarray:
        frames = spectrum.shape[-1]
        return self._on_arrays(ambikit.diffuseness, spectrum, frames=2 * frames)[..., frames // 2]

    def energy_ratio(self, signal: Any, sample_rate: float) -> np.ndarray:
        return np.asarray(ambikit.check_foa(self.array(signal), sample_rate).energy_ratio)

    def level_difference(self, spectrum: Any) -> np.ndarray:
        return self._on_arrays(ambikit.ild, spectrum)

    def phase_difference(self, spectrum: Any) -> np.ndarray:
        return self._on_arrays(ambikit.ipd, spectrum)

    def loudspeaker_decoder(self, azimuth: Any, elevation: Any, order: int, method: str) -> np.ndarray:
        layout = ambikit.Layout(azimuth, elevation)
        method = {"energy_preserving": "epad"}.get(method, method)
        return ambikit.loudspeaker_decoder(layout, order, method, weighting="basic").matrix

    def max_re_decoder(self, azimuth: Any, elevation: Any, order: int, method: str) -> np.ndarray:
        layout = ambikit.Layout(azimuth, elevation)
        method = {"energy_preserving": "epad", "all_round": "allrad"}.get(method, method)
        return ambikit.loudspeaker_decoder(layout, order, method, weighting="max_re").matrix

    def head_response(
        self, azimuth: float, elevation: float, frequency: Any, radius: float, speed_of_sound: float
    ) -> np.ndarray:
        return ambikit.spherical_head_response(
            azimuth, elevation, frequency, radius=radius, speed_of_sound=speed_of_sound
        )

    def panning_gains(self, azimuth: Any, elevation: Any, source_azimuth: float, source_elevation: float) -> np.ndarray:
        layout = ambikit.Layout(azimuth, elevation)
        return self._on_arrays(lambda *source: ambikit.vbap(layout, *source), source_azimuth, source_elevation)


class AmbikitTorch(AmbikitNumPy):
    """ambikit on tensors of the CPU. The angles are tensors too, so that the design runs in torch."""

    name = "ambikit, torch CPU"
    device = "cpu"

    def __init__(self) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError(
                "torch is not installed; expected it for this adapter; install ambikit[torch]"
            ) from error
        self._torch = torch

    def array(self, x: Any) -> Any:
        return self._torch.as_tensor(np.array(x), device=self.device)

    def back(self, x: Any) -> np.ndarray:
        return x.cpu().numpy() if isinstance(x, self._torch.Tensor) else np.asarray(x)


class AmbikitCuda(AmbikitTorch):
    """ambikit on tensors of a CUDA device."""

    name = "ambikit, torch CUDA"
    device = "cuda"

    def __init__(self) -> None:
        super().__init__()
        if not self._torch.cuda.is_available():
            raise MissingExtraError("torch finds no CUDA device; expected one for this adapter; take AmbikitTorch")
