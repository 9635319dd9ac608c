"""How near an encoder comes to the sound field: per degree and frequency, in figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from ambikit._arrays import is_torch
from ambikit.operators.microphones.arrays import SPEED_OF_SOUND, MicrophoneArray, as_microphone_array, check_positive
from ambikit.operators.microphones.diffuse_field import capsule_harmonics, diffuse_covariance_of, wave_number_radius
from ambikit.operators.microphones.encoder import MicrophoneEncoder
from ambikit.operators.microphones.simulation import check_frequencies

__all__ = ["EncodingReport", "encoding_report"]


@dataclass(frozen=True, eq=False)
class EncodingReport:
    """Figures of an encoder, one per degree and frequency, over plane waves from everywhere.

    ``print(report)`` gives a summary.

    Attributes
    ----------
    encoder
        What was examined.
    array
        The array that it was examined with.
    frequency
        In Hz.
    spatial_correlation
        ``(degrees, freq)``: how alike the patterns of the channels of a degree are to the harmonics they stand for.
        1 where they are the same but for their level; a phase or a sign counts as an error. 0 where there is nothing
        but rounding.
    level_difference_db
        ``(degrees, freq)``: energy of a degree in a diffuse field, in dB, 0 where it is right.
    noise_gain_db
        ``(degrees, freq)``: level of the capsules' own noise in a channel of a degree, relative to one capsule.
    """

    encoder: MicrophoneEncoder
    array: MicrophoneArray
    frequency: Float[np.ndarray, "freq"]
    spatial_correlation: Float[np.ndarray, "degrees freq"]
    level_difference_db: Float[np.ndarray, "degrees freq"]
    noise_gain_db: Float[np.ndarray, "degrees freq"]

    def usable_band(
        self, degree: int, *, minimum_correlation: float = 0.9, maximum_difference_db: float = 3.0
    ) -> tuple[float, float]:
        """The longest run of examined frequencies in which a degree is right, in Hz: its ends; (nan, nan) if none."""
        right = self.spatial_correlation[degree] >= minimum_correlation
        right &= abs(self.level_difference_db[degree]) <= maximum_difference_db
        edges = np.flatnonzero(np.diff(np.concatenate([[0], right.astype(int), [0]])))
        if not len(edges):
            return float("nan"), float("nan")
        start, stop = max(edges.reshape(-1, 2).tolist(), key=lambda run: run[1] - run[0])
        return float(self.frequency[start]), float(self.frequency[stop - 1])

    def __str__(self) -> str:
        lines = [
            f"{self.encoder!r}",
            f"aliasing above {self.array.aliasing_frequency(self.encoder.order):.0f} Hz",
        ]
        for degree, noise in enumerate(self.noise_gain_db.max(axis=-1)):
            low, high = self.usable_band(degree)
            band = "nowhere right" if np.isnan(low) else f"right from {low:.0f} to {high:.0f} Hz"
            lines.append(f"degree {degree}: {band}, noise {noise:+.1f} dB at most")
        return "\n".join(lines).replace("-inf", "−∞")


def encoding_report(
    encoder: MicrophoneEncoder,
    array: MicrophoneArray | str | None = None,
    frequency: Any = None,
    *,
    speed_of_sound: float = SPEED_OF_SOUND,
) -> EncodingReport:
    r"""Examine an encoder: where each degree is right, and how loud the noise of the capsules becomes.

    With what the filters E make of a plane wave from d, :math:`\hat y(d) = E\,p(d)`, and the harmonics y(d) it should
    be, for the channels of degree n and the mean over all directions,

    .. math:: c_n = \frac{\mathrm{Re}\sum_m \langle \hat y_n^m, y_n^m \rangle}
              {\sqrt{\sum_m \langle |\hat y_n^m|^2 \rangle \sum_m \langle |y_n^m|^2 \rangle}}, \qquad
              L_n = 10 \lg \frac{\sum_m \langle |\hat y_n^m|^2 \rangle}{\sum_m \langle |y_n^m|^2 \rangle}

    Parameters
    ----------
    encoder
        From :func:`microphone_encoder`.
    array
        The array that is really there, if it is another than the encoder was made for: turned, of another radius.
    frequency
        ``(freq,)`` in Hz; by default 120 from 20 Hz to 20 kHz (or just below half the sample rate), in equal ratios.
    speed_of_sound
        In metres per second.

    Returns
    -------
    EncodingReport
        With ``.spatial_correlation``, ``.level_difference_db`` and ``.noise_gain_db``, all ``(degrees, freq)``.

    Raises
    ------
    ShapeError
        If the frequencies do not lie on one axis.
    AmbikitError
        If a frequency is negative or infinite, the speed not positive, or the array unknown.

    References
    ----------
    Moreau, Daniel, Bertet, 3D sound field recording with higher order Ambisonics, 120th AES Convention (2006),
    section 4.

    Examples
    --------
    At 1 kHz the Eigenmike hears the first degrees as they are, the fourth hardly at all:

    >>> import ambikit
    >>> report = encoding_report(ambikit.microphone_encoder("em32", 4), frequency=[1000.0])
    >>> report.level_difference_db[:, 0].round().tolist()
    [-0.0, -0.0, -1.0, -15.0, -55.0]
    """
    array = encoder.array if array is None else as_microphone_array(array)
    top = min(20000.0, 0.49 * encoder.sample_rate)
    frequency = np.geomspace(20, top, 120) if frequency is None else check_frequencies(frequency)
    spectra = _spectra(encoder, frequency)
    kr = wave_number_radius(array, frequency, check_positive(speed_of_sound, "speed_of_sound", "metres per second"))
    covariance, functions = diffuse_covariance_of(array, kr)
    harmonics, order = capsule_harmonics(array, encoder.order), encoder.order
    energy = ((spectra @ covariance) * spectra.conj()).real.sum(-1)
    noise = (abs(spectra) ** 2).sum(-1)
    rounding = 1e-14 * noise * np.trace(covariance, axis1=1, axis2=2)[:, None]
    energy = np.where(energy > rounding, energy, 0.0)
    likeness = (spectra * harmonics.T).sum(-1)
    parts = [slice(n**2, (n + 1) ** 2) for n in range(order + 1)]
    energy, noise = (np.stack([each[:, part].sum(-1) for part in parts]) for each in (energy, noise))
    likeness = np.stack([(likeness[:, part].sum(-1) * functions[n]).real for n, part in enumerate(parts)])
    root = np.sqrt(energy)  # the harmonics of a degree have the energy 1 together
    with np.errstate(divide="ignore"):
        levels = 10 * np.log10(energy), 10 * np.log10(noise / (2 * np.arange(order + 1)[:, None] + 1))
    correlation = np.divide(likeness, root, out=np.zeros_like(root), where=root > 0)
    return EncodingReport(encoder, array, frequency, correlation, *levels)


def _spectra(encoder: MicrophoneEncoder, frequency: np.ndarray) -> Complex[np.ndarray, "freq channels capsules"]:
    """The frequency responses of the filters, their design delay taken back."""
    filters = encoder.filters.detach().cpu().double().numpy() if is_torch(encoder.filters) else encoder.filters
    time = (np.arange(filters.shape[-1]) - encoder.delay) / encoder.sample_rate
    return np.moveaxis(filters @ np.exp(-2j * np.pi * time[:, None] * frequency), -1, 0)
