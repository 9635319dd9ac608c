"""Panning one source between the nearest loudspeakers."""

from typing import Any

from jaxtyping import Float

from ambikit._arrays import Array, constant_like, is_torch, loaded_torch, namespace
from ambikit._checks import check_choice
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors
from ambikit.operators.loudspeakers.layouts import Layout, as_layout
from ambikit.operators.loudspeakers.triangulation import triangulate

__all__ = ["vbap"]


def vbap(
    layout: Layout | str,
    azimuth: Any,
    elevation: Any = 0.0,
    *,
    degrees: bool = False,
    imaginary: str = "share",
) -> Float[Array, "*batch loudspeakers"]:
    """Vector base amplitude panning: a source between two or three loudspeakers comes from just these.

    The gains g of the pair or triangle around the direction d solve ``Σ g_l v_l ∝ d`` with ``Σ g_l² = 1``.

    Layouts on the horizon pan between pairs and ignore the elevation. Where four or more loudspeakers lie in one plane
    (a wall of a symmetric layout), all of them play a source in their middle, so that left and right stay alike.
    Where loudspeakers are missing, as below most layouts, an imaginary one closes the gap; there the vector sum no
    longer points to d.

    Parameters
    ----------
    layout
        A :class:`Layout` or the name of a standard one.
    azimuth, elevation
        Directions of the sources in radians, left and up positive: numbers, lists, arrays or tensors that broadcast.
    degrees
        Whether the angles are in degrees.
    imaginary
        What becomes of the sound that an imaginary loudspeaker would play: ``"share"``, its neighbours play it in equal
        parts (full energy everywhere), or ``"discard"``, it fades out.

    Returns
    -------
    array
        ``(..., loudspeakers)`` gains of 0 or more with ``Σ g² = 1`` (``"discard"``: at most 1), 0 for silent channels;
        float64 NumPy, or a tensor with gradients if an angle is a tensor.

    Raises
    ------
    AmbikitError
        If there are too few loudspeakers to pan between, or a word is unknown.
    ShapeError
        If the angles do not broadcast.

    References
    ----------
    Pulkki, Virtual sound source positioning using vector base amplitude panning, J. Audio Eng. Soc. 45 (1997);
    imaginary loudspeakers: Zotter and Frank, All-round Ambisonic panning and decoding, J. Audio Eng. Soc. 60 (2012).

    Examples
    --------
    Straight ahead is between the two of a stereo pair, 30° to the left is one of them:

    >>> vbap("stereo", [0, 30], degrees=True).round(6).tolist()
    [[0.707107, 0.707107], [1.0, 0.0]]
    """
    check_choice(imaginary, ("share", "discard"), "imaginary")
    bases = triangulate(as_layout(layout))
    azimuth, elevation = angles_in_radians(azimuth, elevation, degrees=degrees)
    xp = namespace(azimuth)
    count, d = bases.inverse.shape[:2]
    # on the horizon the elevation only broadcasts
    vectors = angles_to_vectors(azimuth, xp.zeros_like(elevation) if d == 2 else elevation)[..., :d]
    inverse = constant_like(bases.inverse, vectors)
    # In the basis around the direction no gain is negative; in all others one is.
    every = (vectors @ inverse.swapaxes(0, 1).reshape(d, count * d)).reshape(*vectors.shape[:-1], count, d)
    chosen = xp.argmax(xp.amin(every, -1), -1)
    gains = (vectors[..., None, :] @ inverse[chosen])[..., 0, :]
    # Rounding alone gives a corner beside the source a gain; written so that NaN stays NaN.
    finfo = loaded_torch().finfo if is_torch(gains) else xp.finfo
    smallest = 32 * finfo(gains.dtype).eps * xp.amax(gains, -1)[..., None]
    gains = xp.where(gains < smallest, xp.zeros_like(gains), gains)
    gains = (gains[..., None, :] @ constant_like(bases.mixing, vectors)[chosen])[..., 0, :]
    if imaginary == "share":
        gains = gains @ constant_like(bases.sharing, vectors)
    gains = gains / (gains**2).sum(-1)[..., None] ** 0.5
    return gains[..., : bases.sharing.shape[1]]
