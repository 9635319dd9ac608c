"""Where sources are, as maps over directions that peak sharply there: what is left of a direction in the noise."""

from typing import Any

from jaxtyping import Float, Inexact

from ambikit._arrays import Array, namespace, narrow
from ambikit._checks import check_order
from ambikit.analysis.covariance import steering_vectors
from ambikit.analysis.subspaces import eigenbeams, source_mask, where_it_sounds, with_gradient
from ambikit.operators.channel_axis import apply_matrix

__all__ = ["min_norm", "music"]


def music(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    sources: Any = 1,
    *,
    degrees: bool = False,
) -> Float[Array, "..."]:
    r"""How far each direction is from being noise alone: a map with a sharp peak at each source (MUSIC).

    .. math:: P(d) = \frac{y(d)^\top y(d)}{\sum_{k > K} \left(v_k^\top y(d)\right)^2}

    with the N3D harmonics y of the direction and the eigenvectors v of the real part of the covariance, taken to N3D,
    beyond the K largest: they span what no source reaches. Sources must not be copies of each other (echoes, one
    frequency): average over frequencies first, as :func:`spatial_covariance` does. Diffuse sound of any strength moves
    no peak, as it is white in N3D.

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, real or complex, see :func:`spatial_covariance`;
        with ``per_frequency=True`` there, one map per frequency.
    azimuth, elevation
        Directions in radians; they broadcast with the batch axes of the covariance: a covariance ``(N, 1, C, C)``
        with angles ``(D,)`` gives ``(N, D)``. For :func:`map_peaks`
        ``ambikit.fibonacci_grid(1000)`` is fine enough for one source, 4000 points for several.
    sources
        How many sources there are, from 1 to one less than there are channels, see :func:`number_of_sources`; or an
        array of such numbers that broadcasts with the batch axes. In an array 0 is allowed and gives 1 everywhere.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Real, ``(...)``, at least 1: no power but a distance from the noise, and the same if the signal is scaled. Where
        nothing of a direction is left in the noise (a wave without noise) it is limited to 1 / eps², eps being the
        rounding of the dtype. Silence gives 0 everywhere. Gradients reach the covariance and angles that are tensors.

    Raises
    ------
    AmbikitError
        If the number of sources is not one that the order can tell apart.
    ShapeError
        If the covariance is not square over a complete order, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed, or the covariance holds integers.

    See Also
    --------
    map_peaks : the directions where a map is largest.
    esprit : the directions without a map.

    References
    ----------
    Schmidt, Multiple emitter location and signal parameter estimation, IEEE Trans. Antennas Propag. 34 (1986), eq. (6);
    Rafaely, Fundamentals of Spherical Array Processing, Springer (2015), ch. 7.

    Examples
    --------
    A wave from the left in diffuse sound. Of the front, whose four N3D channels (1, 0, 0, √3) have a product of 1 with
    those of the left, 4 − 1/4 is left in the noise:

    >>> import numpy as np
    >>> from ambikit import diffuse_covariance
    >>> left = np.array([1.0, 1.0, 0.0, 0.0])
    >>> covariance = np.outer(left, left) + diffuse_covariance(1)
    >>> float(music(covariance, 0, 0).round(6)) == round(4 / 3.75, 6)
    True
    >>> bool(music(covariance, 90, 0, degrees=True) > 1e20)
    True
    """
    return _spectrum(covariance, azimuth, elevation, sources, None, degrees)


def min_norm(
    covariance: Inexact[Array, "*batch channels channels"],
    azimuth: Any,
    elevation: Any,
    sources: Any = 1,
    *,
    reference_order: int = 1,
    degrees: bool = False,
) -> Float[Array, "..."]:
    r"""How far each direction is from being noise, asked of few vectors of the noise only (minimum norm).

    .. math::
        P(d) = \frac{\sum_i \|q_i\|^2\; y(d)^\top y(d)}{\sum_i \left(q_i^\top y(d)\right)^2},
        \qquad q_i = E E^\top e_i

    with the basis E of the noise as in :func:`music`: q_i is (but for its length) the shortest vector of the noise with
    a given part in channel i. Kumaresan and Tufts take one channel, i = 0. On a sphere that is not enough: one real
    vector is orthogonal to whole curves of directions, ridges of the map, of which the sources are only points. So here
    the channels of degrees 0 and 1 ask together; all channels would be MUSIC again.

    Parameters
    ----------
    covariance, azimuth, elevation, sources, degrees
        As for :func:`music`.
    reference_order
        The channels up to this order are the e_i; 0 is the published single vector, with its ridges, and the order of
        the covariance is MUSIC. The map turns with the sound for each of them.

    Returns
    -------
    array
        Real, ``(...)``, at least 1, limited to 1 / eps²; 1 everywhere where the noise has no part in those channels,
        0 for silence.

    Raises
    ------
    AmbikitError
        If the number of sources is not one that the order can tell apart, or ``reference_order`` is larger than the
        order.
    ShapeError
        If the covariance is not square over a complete order, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed, or the covariance holds integers.

    References
    ----------
    Kumaresan, Tufts, Estimating the angles of arrival of multiple plane waves, IEEE Trans. Aerosp. Electron. Syst. 19
    (1983).

    Examples
    --------
    A wave from the left: of first order this is :func:`music` times the three dimensions of the noise.

    >>> import numpy as np
    >>> left = np.array([1.0, 1.0, 0.0, 0.0])
    >>> float(min_norm(np.outer(left, left), 0, 0).round(6)) == round(3 * 4 / 3.75, 6)
    True
    """
    return _spectrum(covariance, azimuth, elevation, sources, reference_order, degrees)


def _spectrum(
    covariance: Array, azimuth: Any, elevation: Any, sources: Any, reference_order: int | None, degrees: bool
) -> Array:
    beams = eigenbeams(covariance)
    xp = namespace(beams.matrix)
    channels = beams.values.shape[-1]
    steering = steering_vectors(beams.matrix, beams.order, azimuth, elevation, normalization="n3d", degrees=degrees)
    mask = source_mask(beams, sources, channels - 1)
    noise = with_gradient(beams, mask) * ~mask[..., None, :]
    rounding = xp.finfo(noise.dtype).eps
    if reference_order is None:
        left = (apply_matrix(steering[..., None, :], noise)[..., 0, :] ** 2).sum(-1) / channels
    else:
        references = (check_order(reference_order, maximum=beams.order, name="reference_order") + 1) ** 2
        vectors = noise @ noise[..., :references, :].mT
        length = (vectors**2).sum(-1).sum(-1)
        # Where the noise has no part in these channels but rounding, no vector is there to ask.
        exists = length > (channels * rounding) ** 2
        answers = (apply_matrix(steering[..., None, :], vectors)[..., 0, :] ** 2).sum(-1)
        left = xp.where(exists, answers / (xp.where(exists, length, 1.0) * channels), 1.0)
    return narrow(where_it_sounds(beams, 1 / xp.clip(left, rounding**2, None)), beams.half)
