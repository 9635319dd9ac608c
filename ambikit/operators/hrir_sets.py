"""A set of head-related impulse responses: what both ears hear of an impulse from each of many directions."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from ambikit._checks import check_sample_rate
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_to_vectors

__all__ = ["HrirSet"]

# Directions closer than this (in units of the sphere's radius) are one direction, measured more than once.
_SAME_DIRECTION = 1e-6
# bound on the ratio's denominator: exact for whole rates up to 50 kHz, and the filter stays short
_FINEST = 50_000


@dataclass(frozen=True, eq=False)
class HrirSet:
    """Head-related impulse responses: what the ears hear of an impulse from each of many directions.

    Read one with :func:`read_hrirs`, compute one with :func:`spherical_head_hrirs`, or make one of your own arrays.

    Parameters
    ----------
    azimuth, elevation
        Directions of the sources ``(directions,)``, in radians, left and up positive.
    responses
        ``(directions, 2, taps)``, left ear first, all with the same time zero.
    sample_rate
        In Hz.
    source
        Where the set comes from, in words.
    weights
        Share of the sphere that each direction stands for, summing to 1, if known; by default
        :meth:`sphere_weights` measures it.

    Raises
    ------
    ShapeError
        If the arrays do not belong together.
    AmbikitError
        If the sample rate is not a positive number, a value is not finite, or weights are negative or sum to 0.

    Examples
    --------
    >>> import numpy as np
    >>> both = HrirSet(np.radians([90, -90]), np.zeros(2), np.ones((2, 2, 1)), 48000)
    >>> both
    HrirSet(2 directions, 1 taps, 48000 Hz)
    """

    azimuth: Float[np.ndarray, "directions"]
    """Azimuth in radians, counter-clockwise from the front."""
    elevation: Float[np.ndarray, "directions"]
    """Elevation in radians, up positive."""
    responses: Float[np.ndarray, "directions 2 taps"]
    """Impulse responses, left ear first."""
    sample_rate: float
    """In Hz."""
    source: str = ""
    """Where the set comes from."""
    weights: Float[np.ndarray, "directions"] | None = None
    """Share of the sphere of each direction, if it was given."""

    def __post_init__(self) -> None:
        check_sample_rate(self.sample_rate)
        shape = self.responses.shape
        if len(shape) != 3 or shape[1] != 2 or 0 in shape:
            raise ShapeError(
                f"got responses of shape {shape}; expected (directions, 2, taps), left ear first; bring the axes into "
                "this order, e.g. with numpy.moveaxis"
            )
        for name, values in (("azimuth", self.azimuth), ("elevation", self.elevation), ("weights", self.weights)):
            if values is not None and values.shape != shape[:1]:
                raise ShapeError(
                    f"got {name} of shape {values.shape} with responses of shape {shape}; expected {shape[:1]}; "
                    "give one per direction"
                )
            if values is not None and not np.isfinite(values).all():
                raise AmbikitError(f"got {name} that is not finite; expected numbers; leave such directions out")
        if not np.isfinite(self.responses).all():
            raise AmbikitError("got responses that are not finite; expected numbers; leave such directions out")
        if self.weights is not None and not (self.weights.min() >= 0 and self.weights.sum() > 0):
            raise AmbikitError("got negative weights or none above 0; expected shares of the sphere; leave them out")

    def __repr__(self) -> str:
        directions, _, taps = self.responses.shape
        source = f", {self.source}" if self.source else ""
        return f"HrirSet({directions} directions, {taps} taps, {self.sample_rate:g} Hz{source})"

    def sphere_weights(self) -> Float[np.ndarray, "directions"]:
        """The share of the sphere that each direction stands for: the weights, or the areas of Voronoi cells.

        Around a hole in the grid (most sets have none below −40°) the cells of its rim reach into it. A direction
        that occurs several times shares its cell.

        Returns
        -------
        array
            ``(directions,)``, float64, summing to 1.

        Raises
        ------
        AmbikitError
            If there are fewer than four directions or all lie on one circle: they span no sphere.

        Examples
        --------
        Six directions along the axes share the sphere equally:

        >>> import numpy as np
        >>> azimuth = np.radians([0, 90, 180, -90, 0, 0])
        >>> elevation = np.radians([0, 0, 0, 0, 90, -90])
        >>> (6 * HrirSet(azimuth, elevation, np.ones((6, 2, 1)), 48000).sphere_weights()).round(9).tolist()
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
        """
        if self.weights is not None:
            return self.weights / self.weights.sum()
        from scipy.spatial import QhullError, SphericalVoronoi, cKDTree

        vectors = angles_to_vectors(self.azimuth, self.elevation)
        # Each direction is represented by the first one that coincides with it.
        first = np.array([min(group) for group in cKDTree(vectors).query_ball_point(vectors, _SAME_DIRECTION)])
        kept, cell, count = np.unique(first, return_inverse=True, return_counts=True)
        try:
            areas = SphericalVoronoi(vectors[kept], threshold=_SAME_DIRECTION).calculate_areas()
        except (ValueError, QhullError) as error:
            raise AmbikitError(
                f"got {len(kept)} different directions that span no sphere ({error}); expected directions all around, "
                "above and below; a horizontal ring alone cannot be decoded to"
            ) from error
        return (areas / count)[cell] / areas.sum()

    def resampled(self, sample_rate: float) -> "HrirSet":
        """The same ears at another sample rate: the same frequency response below both Nyquist frequencies.

        Parameters
        ----------
        sample_rate
            In Hz.

        Returns
        -------
        HrirSet
            The set itself if it has this rate; else a new one (polyphase filter, its delay compensated). The samples
            are scaled by the ratio of the rates, since the gain of a filter is the sum of its taps.

        Raises
        ------
        AmbikitError
            If the rate is not a positive number, or less than 1/50000 of the set's.

        Examples
        --------
        >>> import numpy as np
        >>> slow = HrirSet(np.zeros(1), np.zeros(1), np.hanning(64)[None, None].repeat(2, axis=1), 24000)
        >>> fast = slow.resampled(48000)
        >>> fast.sample_rate, (fast.responses.sum(axis=-1) / slow.responses.sum(axis=-1)).round(3).tolist()
        (48000, [[1.0, 1.0]])
        """
        check_sample_rate(sample_rate)
        if sample_rate == self.sample_rate:
            return self
        ratio = (Fraction(float(sample_rate)) / Fraction(float(self.sample_rate))).limit_denominator(_FINEST)
        if ratio == 0:
            raise AmbikitError(
                f"got sample_rate={sample_rate} for responses at {self.sample_rate} Hz; expected at least "
                f"{self.sample_rate / _FINEST} Hz; give the rate in Hz, e.g. 48000"
            )
        from scipy.signal import resample_poly

        responses = resample_poly(self.responses, ratio.numerator, ratio.denominator, axis=-1) / float(ratio)
        return HrirSet(self.azimuth, self.elevation, responses, sample_rate, self.source, self.weights)
