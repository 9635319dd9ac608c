"""Where the sound of many time-frequency bins comes from: a histogram of their intensity vectors on the sphere."""

from math import cos, log, pi, prod, radians
from typing import Any

from jaxtyping import Complex, Float

from ambikit._arrays import Array, constant_like, is_torch, namespace, to_library_of
from ambikit._checks import check_order
from ambikit.analysis.intensity import active_intensity, check_first_order_spectrum
from ambikit.analysis.parts import largest_part
from ambikit.analysis.running_sums import moving_sum
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_to_vectors
from ambikit.operators.channel_axis import angles_for

__all__ = ["intensity_histogram"]

# Bins times directions that are worked on at once, so that memory stays bounded for long sounds and fine grids.
_CHUNK = 2**22


def intensity_histogram(
    spectrum: Complex[Array, "*batch channels freq time"],
    azimuth: Any,
    elevation: Any,
    *,
    frames: int = 1,
    bins: int = 1,
    weights: Any = None,
    half_width: float | None = None,
    degrees: bool = False,
) -> Float[Array, "*batch directions"]:
    r"""How much sound points to each direction: every time-frequency bin votes for where its intensity comes from.

    .. math:: H(d) = \frac{\sum_b w_b\, e^{\kappa (u_b^\top d - 1)}}{\sum_b w_b}, \qquad
        \kappa = \frac{\ln 2}{1 - \cos \gamma}

    with the direction :math:`u_b = I_b / \lVert I_b \rVert` of the intensity of bin b and the half width γ of a vote.
    Where sources seldom share a bin, as voices do, their directions stand apart in H; a mean over the bins would lie
    between them. Its peaks are found by :func:`ambikit.map_peaks`.

    Parameters
    ----------
    spectrum
        Spectrum ``(..., channels, freq, time)`` of an AmbiX signal; the first four channels are used.
    azimuth, elevation
        The directions ``(directions,)`` to vote for, in radians, e.g. :func:`ambikit.fibonacci_grid`.
    frames, bins
        Over how many frames and frequencies around each bin the intensity is averaged before its direction is taken.
    weights
        What each bin counts, ``(..., freq, time)``, 0 or more: e.g. where :func:`ambikit.direct_path_dominance` is
        above a threshold. By default the length of the averaged intensity: loud and directed bins count most.
    half_width
        The angle γ at which a vote counts half, in radians: 8 degrees unless given.
    degrees
        Whether all angles are in degrees.

    Returns
    -------
    Share of the votes, ``(..., directions)``, in [0, 1]: 1 in the direction to which all bins point. 0 where nothing
    has weight (silence).

    Raises
    ------
    ShapeError
        If axis -3 holds no complete order of at least 1, the directions are not one list, or the weights do not fit.
    ArrayTypeError
        If the spectrum is not complex, or NumPy arrays and tensors are mixed.
    AmbikitError
        If the half width is not between 0 and 90 degrees, or ``frames`` or ``bins`` no whole number
        of at least 1.

    References
    ----------
    D. Pavlidi, S. Delikaris-Manias, V. Pulkki and A. Mouchtaris, "3D localization of multiple sound sources with
    intensity vector estimates in single source zones", EUSIPCO 2015; the kernel is that of von Mises and Fisher.

    Examples
    --------
    Three bins from the left and one from the front, all alike loud:

    >>> import numpy as np
    >>> left, front = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1])
    >>> spectrum = np.stack([left, left, left, front], axis=-1).reshape(4, 1, 4) + 0j
    >>> intensity_histogram(spectrum, [90, 0, -90], 0, degrees=True).round(6)
    array([0.75, 0.25, 0.  ])
    """
    check_first_order_spectrum(spectrum)
    frames = check_order(frames, minimum=1, name="frames")
    bins = check_order(bins, minimum=1, name="bins")
    xp = namespace(spectrum, weights)
    concentration = _concentration(half_width, degrees)
    directions, lengths = _directions(spectrum, frames, bins)
    if weights is not None:
        lengths = _checked_weights(weights, lengths)
    grid = angles_to_vectors(*angles_for(spectrum, azimuth, elevation, degrees=degrees))
    if grid.ndim != 2:
        raise ShapeError(
            f"got directions of shape {tuple(grid.shape[:-1])}; expected one list (directions,); "
            "flatten them, e.g. with azimuth.reshape(-1)"
        )
    grid = grid.to(directions.dtype) if is_torch(grid) else constant_like(grid, directions)
    batch = tuple(lengths.shape[:-2])
    count = prod(lengths.shape[-2:])  # by its number, as an empty batch has none to reckon it from
    directions, lengths = directions.reshape(*batch, 3, count).mT, lengths.reshape(*batch, 1, count)
    # A bin without direction has no vote, whatever it counts.
    lengths = xp.where((directions == 0).all(-1)[..., None, :], 0.0, lengths)
    votes, step = 0, max(1, _CHUNK // (max(1, prod(batch)) * grid.shape[0]))
    for start in range(0, directions.shape[-2], step):
        part = slice(start, start + step)
        kernel = xp.exp(concentration * (xp.matmul(directions[..., part, :], grid.mT) - 1))
        votes = votes + xp.matmul(lengths[..., part], kernel)[..., 0, :]
    whole = lengths.sum(-1)
    return votes / xp.where(whole == 0, 1.0, whole)


def _concentration(half_width: float | None, degrees: bool) -> float:
    """The concentration κ of votes of that half width."""
    if half_width is None:
        half_width, degrees = 8.0, True
    width = radians(half_width) if degrees else float(half_width)
    if not 0 < width <= pi / 2:
        raise AmbikitError(
            f"got half_width={half_width!r}; expected an angle above 0 and up to 90 degrees, in radians unless "
            "degrees=True; 8 degrees are a good start"
        )
    return log(2) / (1 - cos(width))


def _directions(spectrum: Array, frames: int, bins: int) -> tuple[Array, Array]:
    """Unit vectors ``(..., 3, freq, time)`` of the mean intensity (0 where there is none), and its length."""
    xp = namespace(spectrum)
    # By the largest part of each clip: the squares of faint sounds would underflow, and the votes do not change.
    size = largest_part(spectrum.real, spectrum.imag, (-3, -2, -1))
    flow = moving_sum(active_intensity(spectrum / size, normalized=False), frames)
    flow = moving_sum(flow.mT, bins).mT
    largest = xp.amax(xp.abs(flow), -3, keepdims=True)
    largest = xp.where(largest == 0, 1.0, largest.detach() if is_torch(largest) else largest)
    flow = flow / largest
    squared = (flow**2).sum(-3, keepdims=True)
    length = xp.sqrt(xp.where(squared == 0, 1.0, squared))
    return flow / length, xp.where(squared == 0, 0.0, length * largest)[..., 0, :, :]


def _checked_weights(weights: Any, like: Array) -> Array:
    """What the user lets each bin count, in the shape and numbers of ``like``."""
    weights = to_library_of(weights, like)
    shape = tuple(weights.shape)
    if len(shape) < 2 or shape[-2:] != tuple(like.shape[-2:]):
        raise ShapeError(
            f"got weights of shape {shape}; expected (..., freq, time), here {tuple(like.shape)}; "
            "give one number per time-frequency bin"
        )
    weights = weights.to(like.dtype) if is_torch(weights) else weights.astype(like.dtype)
    return namespace(like).broadcast_to(weights, like.shape)
