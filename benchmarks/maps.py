"""Maps over directions: what they cost beside the covariance that they are read from.

``python -m benchmarks.maps``
"""

import numpy as np
import torch

import ambikit
from benchmarks.common import Candidate, Table, measure, optional, report

spaudiopy = optional("spaudiopy")
DIRECTIONS, SOURCES = 642, 2


def scene(order: int, seconds: float) -> np.ndarray:
    """The spectrum of two voices in diffuse noise, ``(channels, 513, frames)`` at 24 kHz."""
    generator = np.random.default_rng(order)
    voices = generator.normal(size=(2, int(24000 * seconds)))
    signal = ambikit.encode(voices, np.array([0.5, -1.2]), np.array([0.1, 0.4]), order).sum(0)
    degrees = np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)
    signal += 0.1 * generator.normal(size=signal.shape) / np.sqrt(2 * degrees + 1)[:, None]
    return ambikit.stft(signal.astype(np.float32), frame_length=1024, hop_length=480)


def plain_power(covariance: np.ndarray, harmonics: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """A beam for each direction, as anybody would write it."""
    weights = harmonics * gains
    return np.einsum("di,ij,dj->d", weights, covariance.real, weights, optimize=True)


def plain_music(covariance: np.ndarray, harmonics: np.ndarray) -> np.ndarray:
    """Schmidt's equation (6) in N3D, by NumPy, for any covariance of N3D channels."""
    noise = np.linalg.eigh(covariance.real)[1][:, :-SOURCES]
    return (harmonics**2).sum(-1) / ((harmonics @ noise) ** 2).sum(-1)


def maps(order: int, seconds: float) -> list[Table]:
    spectrum = scene(order, seconds)
    azimuth, elevation = ambikit.fibonacci_grid(DIRECTIONS)
    tensor = torch.from_numpy(spectrum)
    turns = torch.from_numpy(azimuth), torch.from_numpy(elevation)
    covariance = ambikit.spatial_covariance(spectrum)
    tensor_covariance = torch.from_numpy(covariance)
    exact = covariance.astype(np.complex128)
    sn3d = ambikit.spherical_harmonics(azimuth, elevation, order)
    n3d = ambikit.spherical_harmonics(azimuth, elevation, order, normalization="n3d")
    degrees = np.repeat(np.arange(order + 1), 2 * np.arange(order + 1) + 1)
    gains = ambikit.beam_weights("max_re", order)[degrees]
    to_n3d = np.sqrt(2 * degrees + 1)
    in_n3d = exact * to_n3d[:, None] * to_n3d
    powers, peaks = plain_power(exact, sn3d, gains), plain_music(in_n3d, n3d)

    def relative(oracle):
        def error(result):
            return float(np.max(np.abs(np.asarray(result).real - oracle) / oracle.max()))

        return error

    def covariance_error(result):
        wide = spectrum.reshape(len(spectrum), -1).astype(np.complex128)
        oracle = wide @ wide.conj().T / wide.shape[1]
        return float(np.max(np.abs(np.asarray(result) - oracle)) / np.max(np.abs(oracle)))

    copy, small = np.empty_like(spectrum), in_n3d.astype(np.complex64)
    small_sn3d, small_n3d, small_gains = (array.astype(np.float32) for array in (sn3d, n3d, gains))
    work = f"{DIRECTIONS} directions, order {order}, from {seconds:g} s of sound at 24 kHz"
    shared = [
        Candidate("limit: copy the spectrum", lambda: np.copyto(copy, spectrum)),
        Candidate("ambikit spatial_covariance, NumPy", lambda: ambikit.spatial_covariance(spectrum), covariance_error),
        Candidate("ambikit spatial_covariance, torch", lambda: ambikit.spatial_covariance(tensor), covariance_error),
    ]
    power = measure(
        f"Power of beams in {work}",
        [
            *shared,
            Candidate(
                "ambikit power_map, NumPy", lambda: ambikit.power_map(covariance, azimuth, elevation), relative(powers)
            ),
            Candidate(
                "ambikit power_map, torch", lambda: ambikit.power_map(tensor_covariance, *turns), relative(powers)
            ),
            Candidate(
                "plain NumPy, harmonics ready",
                lambda: plain_power(covariance, small_sn3d, small_gains),
                relative(powers),
            ),
        ],
        error="largest error / largest power",
    )

    def by_spaudiopy():
        found = spaudiopy.parsa.sh_music(small.real, SOURCES, azimuth, np.pi / 2 - elevation)
        return found * (order + 1) ** 2 / (4 * np.pi)  # theirs are harmonics of power 1 / 4π, and 1 for numerator

    pseudo = measure(
        f"MUSIC in {work}",
        [
            *shared,
            Candidate(
                "ambikit music, NumPy", lambda: ambikit.music(covariance, azimuth, elevation, SOURCES), relative(peaks)
            ),
            Candidate(
                "ambikit music, torch", lambda: ambikit.music(tensor_covariance, *turns, SOURCES), relative(peaks)
            ),
            Candidate("plain NumPy, harmonics ready", lambda: plain_music(small, small_n3d), relative(peaks)),
            spaudiopy and Candidate("spaudiopy sh_music", by_spaudiopy, relative(peaks)),
        ],
        error="largest error / largest peak",
    )
    return [power, pseudo]


def main() -> None:
    report("maps", [*maps(1, 1.0), *maps(3, 1.0), *maps(7, 1.0)])


if __name__ == "__main__":
    main()
