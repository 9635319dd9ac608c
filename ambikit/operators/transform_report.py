"""What an edit does to sources from every direction: where they go, how loud and wide they become, what is lost."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.channels import degrees_of
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors
from ambikit.geometry.grids import fibonacci_grid, gauss_legendre_grid
from ambikit.geometry.harmonics import harmonics_of_vectors
from ambikit.operators.directional_transform import DirectionalTransform, matrix_on_grid
from ambikit.operators.meridian_transform import in_numpy

__all__ = ["TransformReport", "transform_report"]


@dataclass(frozen=True, eq=False)
class TransformReport:
    """Figures of a :class:`DirectionalTransform`, one per direction of a plane wave.

    ``print(report)`` gives a summary.

    Attributes
    ----------
    transform
        What was examined.
    azimuth, elevation
        The directions of the sources before, in radians.
    target
        ``(..., 3)``, where they should go: unit vectors.
    gain
        The gain they should have.
    energy
        The energy of the result, relative to that of an untouched plane wave of the output order.
    energy_vector
        ``(..., 3)``, rE of the result: the mean direction of its energy over the sphere; 0 where there is none. An
        untouched plane wave of order N has length N / (N + 1).
    error
        Energy of the difference between the result and the plane wave that was wanted, ``g(d) y(move(d))``, relative to
        an untouched one: what is lost or lies in wrong places.
    """

    transform: DirectionalTransform
    azimuth: Float[Array, "*directions"]
    elevation: Float[Array, "*directions"]
    target: Float[Array, "*directions 3"]
    gain: Float[Array, "*directions"]
    energy: Float[Array, "*directions"]
    energy_vector: Float[Array, "*directions 3"]
    error: Float[Array, "*directions"]

    @cached_property
    def leakage(self) -> Float[Array, "orders"]:
        """The share of the energy of the exact result that lies above output order 0, 1, 2, …, for diffuse sound.

        Of what there is up to the last of them, twice the input order plus 16. Worked out when it is first asked for.
        """
        return _leakage(self.transform, 2 * self.transform.order + 16)

    @property
    def level_db(self) -> Float[Array, "*directions"]:
        """Energy in dB: what the edit does to the level of a source."""
        with np.errstate(divide="ignore"):
            return 10 * np.log10(self.energy)

    @property
    def wanted_db(self) -> Float[Array, "*directions"]:
        """The gain that was asked for, in dB."""
        with np.errstate(divide="ignore"):
            return 20 * np.log10(np.abs(self.gain))

    @property
    def direction_error(self) -> Float[Array, "*directions"]:
        """Angle in radians between rE and the place where the source should be; π/2 where rE is 0."""
        across = np.linalg.norm(np.cross(self.energy_vector, self.target), axis=-1)
        along = (self.energy_vector * self.target).sum(-1)
        return np.where((across == 0) & (along == 0), np.pi / 2, np.arctan2(across, along))

    @property
    def width(self) -> Float[Array, "*directions"]:
        """Width of the source in radians, 2 arccos of the length of rE."""
        return 2 * np.arccos(np.clip(np.linalg.norm(self.energy_vector, axis=-1), 0, 1))

    @property
    def leaked(self) -> float:
        """The share of the energy that is cut away above the output order."""
        return float(self.leakage[min(self.transform.output_order, len(self.leakage) - 1)])

    def recommended_order(self, tolerance: float = 0.01) -> int:
        """The lowest output order above which there is no more than this share of the energy."""
        enough = np.flatnonzero(self.leakage <= tolerance)
        return int(enough[0]) if len(enough) else len(self.leakage) - 1

    def __str__(self) -> str:
        heard = abs(self.gain) >= 0.1 * abs(self.gain).max()  # what should be 20 dB softer needs no place
        error, width = np.degrees(self.direction_error)[heard], np.degrees(self.width)[heard]
        order, output_order = self.transform.order, self.transform.output_order
        plain = 2 * np.degrees(np.arccos(output_order / (output_order + 1)))
        lines = [
            f"order {order} to order {output_order}",
            f"level      {self.level_db.min():+.1f} to {self.level_db.max():+.1f} dB, wanted "
            f"{self.wanted_db.min():+.1f} to {self.wanted_db.max():+.1f} dB",
            f"direction  {error.mean():.1f}° off in the mean, {error.max():.1f}° at most, by rE",
            f"width      {width.min():.0f}° to {width.max():.0f}°, untouched {plain:.0f}°",
            f"leakage    {100 * self.leaked:.2g} % of the energy lies above order {output_order}; "
            f"order {self.recommended_order()} keeps 99 %",
        ]
        return "\n".join(lines).replace("-inf", "−∞").replace("+inf", "+∞")


def transform_report(
    transform: DirectionalTransform, azimuth: Any = None, elevation: Any = None, *, degrees: bool = False
) -> TransformReport:
    """Examine an edit: how far, for each direction, what comes out is from the plane wave that was wanted.

    Parameters
    ----------
    transform
        One transform, from :func:`warp_transform` and its like.
    azimuth, elevation
        Directions of sources in radians, any shapes that broadcast; by default 2000 spread evenly over the sphere.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    TransformReport
        In NumPy: ``.energy``, ``.energy_vector``, ``.error`` of the common shape of the angles, ``.leakage``, and what
        follows from them, ``.direction_error``, ``.width``, ``.level_db``, ``.recommended_order()``.

    Raises
    ------
    AmbikitError
        If only one of the angles is given.
    ShapeError
        If the transform is a batch of them, or the angles do not broadcast.

    References
    ----------
    Gerzon, General metatheory of auditory localisation, 92nd AES Convention (1992), the energy vector.

    Examples
    --------
    Dominance makes no errors at all: at the side each of three factors is (λ + 1/λ)/2 with λ = 10^(10/60), 1.87 dB
    together. Warping as far smears the source:

    >>> import ambikit
    >>> exact = transform_report(ambikit.dominance_transform(3, 0, 0, 10.0), 90, 0, degrees=True)
    >>> float(exact.direction_error.round(6)), float(exact.level_db.round(2))
    (0.0, 1.87)
    >>> warped = transform_report(ambikit.warp_transform(3, 0, 0, 0.4), 90, 0, degrees=True)
    >>> float(np.degrees(warped.direction_error).round(1)), warped.recommended_order()
    (9.4, 5)
    """
    matrix = in_numpy(transform.matrix)
    if matrix.ndim != 2:
        raise ShapeError(f"got transforms of shape {matrix.shape}; expected one, two axes; examine one after the other")
    if (azimuth is None) != (elevation is None):
        raise AmbikitError("got one angle; expected azimuth and elevation, or neither for directions all around")
    angles = fibonacci_grid(2000) if azimuth is None else angles_in_radians(azimuth, elevation, degrees=degrees)
    azimuth, elevation = np.broadcast_arrays(*(in_numpy(angle) for angle in angles))
    order, output_order = transform.order, transform.output_order
    sources = angles_to_vectors(azimuth, elevation)
    target, gain = in_numpy(transform.move(sources)), in_numpy(transform.gain(sources))
    result = harmonics_of_vectors(sources, order) @ matrix.T
    scale = 2.0 * degrees_of(output_order)[0] + 1
    untouched = (output_order + 1) ** 2
    wanted = gain[..., None] * harmonics_of_vectors(target, output_order)
    return TransformReport(
        transform=transform,
        azimuth=azimuth,
        elevation=elevation,
        target=target,
        gain=gain,
        energy=np.asarray((scale * result**2).sum(-1) / untouched),
        energy_vector=_energy_vector(result, output_order),
        error=np.asarray((scale * (result - wanted) ** 2).sum(-1) / untouched),
    )


def _energy_vector(signals: np.ndarray, order: int) -> Float[Array, "*directions 3"]:
    """Σ φ² θ / Σ φ² over the sphere, of the amplitude φ that a signal has there."""
    azimuth, elevation, weights = gauss_legendre_grid(order + 1)
    vectors = angles_to_vectors(azimuth, elevation)
    scale = 2.0 * degrees_of(order)[0] + 1
    density = weights * ((signals * scale) @ harmonics_of_vectors(vectors, order).T) ** 2
    total = density.sum(-1, keepdims=True)
    return np.where(total > 0, density @ vectors / np.where(total > 0, total, 1.0), 0.0)


def _leakage(transform: DirectionalTransform, highest: int) -> np.ndarray:
    """The share of the energy above each order, of the edit carried out at a high order."""
    order = transform.order

    def gain(vectors: np.ndarray) -> Any:
        return in_numpy(transform.gain(vectors))

    def move(vectors: np.ndarray) -> Any:
        return in_numpy(transform.move(vectors))

    matrix = matrix_on_grid(gain, move, order, highest, order + highest + 30)
    rows, columns = (2.0 * degrees_of(each)[0] + 1 for each in (highest, order))
    energy = (matrix**2 * rows[:, None] / columns).sum(-1)  # in N3D, where diffuse sound is equally loud in all
    kept = np.array([energy[: (n + 1) ** 2].sum() for n in range(highest + 1)])
    return 1 - kept / kept[-1] if kept[-1] > 0 else np.zeros(highest + 1)
