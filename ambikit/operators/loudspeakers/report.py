"""What a decoder does to sources from every direction: amplitude, energy, and where they seem to come from."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array
from ambikit.errors import AmbikitError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors
from ambikit.geometry.grids import fibonacci_grid
from ambikit.geometry.harmonics import spherical_harmonics
from ambikit.operators.loudspeakers.decoder import LoudspeakerDecoder
from ambikit.operators.symmetry import mirror

__all__ = ["DecoderReport", "decoder_report"]


@dataclass(frozen=True, eq=False)
class DecoderReport:
    """Figures of a decoder, one per direction of a plane wave.

    ``print(report)`` gives a summary.

    Attributes
    ----------
    decoder
        What was examined.
    azimuth, elevation
        The directions, in radians.
    amplitude
        Sum of the gains g: the pressure in the middle at low frequencies, where 1 is that of the source.
    energy
        Sum of the squared gains: the loudness in a room.
    velocity_vector
        ``(..., 3)``, rV = Σ g v / Σ g: where low frequencies seem to come from (below about 700 Hz); length 1 is
        natural. 0 where the amplitude is 0.
    energy_vector
        ``(..., 3)``, rE = Σ g² v / Σ g²: where everything above seems to come from; the longer, the sharper. One
        loudspeaker alone has length 1. 0 where the energy is 0.
    left_right_error
        Largest difference between the gains of the decoder and those of its mirror image, relative to the largest
        gain; None if the layout itself is not symmetric.
    """

    decoder: LoudspeakerDecoder
    azimuth: Float[Array, "*directions"]
    elevation: Float[Array, "*directions"]
    amplitude: Float[Array, "*directions"]
    energy: Float[Array, "*directions"]
    velocity_vector: Float[Array, "*directions 3"]
    energy_vector: Float[Array, "*directions 3"]
    left_right_error: float | None

    @property
    def energy_db(self) -> Float[Array, "*directions"]:
        """Energy in dB relative to its mean over the directions."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return 10 * np.log10(self.energy / self.energy.mean())

    @property
    def velocity_length(self) -> Float[Array, "*directions"]:
        """Length of rV."""
        return np.linalg.norm(self.velocity_vector, axis=-1)

    @property
    def energy_length(self) -> Float[Array, "*directions"]:
        """Length of rE, from 0 (all around) to 1 (one loudspeaker)."""
        return np.linalg.norm(self.energy_vector, axis=-1)

    @property
    def direction_error(self) -> Float[Array, "*directions"]:
        """Angle in radians between rE and the direction of the source; π/2 where rE is 0."""
        source = angles_to_vectors(self.azimuth, self.elevation)
        across = np.linalg.norm(np.cross(self.energy_vector, source), axis=-1)
        along = (self.energy_vector * source).sum(-1)
        return np.where(self.energy_length > 0, np.arctan2(across, along), np.pi / 2)

    @property
    def width(self) -> Float[Array, "*directions"]:
        """Width of the phantom source in radians: 2 arccos of the length of rE."""
        return 2 * np.arccos(np.clip(self.energy_length, 0, 1))

    def __str__(self) -> str:
        decoder, error = self.decoder, np.degrees(self.direction_error)
        on = "circle" if decoder.layout.is_horizontal else "sphere"
        lines = [
            f"{decoder.layout.name}, order {decoder.order}, {decoder.method}, {decoder.weighting}, on the {on}",
            f"energy     {self.energy.mean():.3f} in the mean, {self.energy_db.min():+.1f} to "
            f"{self.energy_db.max():+.1f} dB",
            f"amplitude  {self.amplitude.min():.3f} to {self.amplitude.max():.3f}",
            f"|rV|       {self.velocity_length.min():.3f} to {self.velocity_length.max():.3f}",
            f"|rE|       {self.energy_length.min():.3f} to {self.energy_length.max():.3f}",
            f"error      {error.mean():.1f}° in the mean, {error.max():.1f}° at most, by rE",
        ]
        symmetric = self.left_right_error
        lines.append("left-right " + ("no symmetric layout" if symmetric is None else f"alike within {symmetric:.0e}"))
        return "\n".join(lines).replace("-inf", "−∞")


def decoder_report(
    decoder: LoudspeakerDecoder, azimuth: Any = None, elevation: Any = None, *, degrees: bool = False
) -> DecoderReport:
    """Examine a decoder: how loud, how sharp and how far from its place a source is in each direction.

    Parameters
    ----------
    decoder
        From :func:`loudspeaker_decoder`.
    azimuth, elevation
        Directions of plane waves in radians, any shapes that broadcast; by default 2000 spread evenly over the sphere,
        or 360 on the horizon for layouts there.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    DecoderReport
        Arrays of the common shape of the angles: ``.amplitude``, ``.energy``, ``.velocity_vector``,
        ``.energy_vector``, and what follows from them.

    Raises
    ------
    AmbikitError
        If only one of the angles is given.
    ShapeError
        If the angles do not broadcast.

    References
    ----------
    Gerzon, General metatheory of auditory localisation, 92nd AES Convention (1992); width: Frank, Phantom sources using
    multiple loudspeakers in the horizontal plane (2013).

    Examples
    --------
    At first order the energy vector of a uniform layout has length 1/2, with max-rE weights 1/√3:

    >>> import ambikit
    >>> for weighting in ("basic", "max_re"):
    ...     decoder = ambikit.loudspeaker_decoder("octahedron", 1, "sampling", weighting=weighting)
    ...     print(decoder_report(decoder, 30, 40, degrees=True).energy_length.round(6))
    0.5
    0.57735
    """
    if (azimuth is None) != (elevation is None):
        raise AmbikitError("got one angle; expected azimuth and elevation, or neither for directions all around")
    if azimuth is not None:
        angles = angles_in_radians(azimuth, elevation, degrees=degrees)
        azimuth, elevation = np.broadcast_arrays(*angles)
    elif decoder.layout.is_horizontal:
        azimuth, elevation = np.radians(np.arange(-179.0, 181.0)), np.zeros(360)
    else:
        azimuth, elevation = fibonacci_grid(2000)
    gains = spherical_harmonics(azimuth, elevation, decoder.order) @ decoder.matrix.T
    amplitude, energy = np.asarray(gains.sum(-1)), np.asarray((gains**2).sum(-1))
    vectors = decoder.layout.vectors
    return DecoderReport(
        decoder=decoder,
        azimuth=azimuth,
        elevation=elevation,
        amplitude=amplitude,
        energy=energy,
        velocity_vector=_ratio(gains @ vectors, amplitude),
        energy_vector=_ratio(gains**2 @ vectors, energy),
        left_right_error=_left_right_error(decoder),
    )


def _ratio(vectors: np.ndarray, total: np.ndarray) -> np.ndarray:
    """A quotient that is 0 where there is nothing."""
    silent = (total == 0)[..., None]
    return np.where(silent, 0.0, vectors / np.where(silent, 1.0, total[..., None]))


def _left_right_error(decoder: LoudspeakerDecoder) -> float | None:
    partners = decoder.layout.left_right_partners
    if partners is None:
        return None
    difference = mirror(decoder.matrix, "left_right", axis=-1)[partners] - decoder.matrix
    largest = np.abs(decoder.matrix).max()
    return float(np.abs(difference).max() / largest) if largest > 0 else 0.0
