"""Turn features instead of signals: what a scene's features need for every viewpoint, kept in mel bands.

The power of a turned channel is quadratic in X, Y, Z, and the intensity is linear in them over an energy that does
not turn. Ten mel-aggregated products and three averaged intensities therefore hold the features of every viewpoint
exactly, and one small matrix product turns them: no Fourier transform per viewpoint.
"""

from math import prod
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, constant_like, is_torch, namespace, narrow, widen
from ambikit._checks import check_choice, check_floating, check_signal
from ambikit.analysis.features import WEIGHTINGS, mel_intensity
from ambikit.analysis.levels import check_levels, levels
from ambikit.analysis.mel import MelGrid, by_clips, clip_spectra, mel_grid
from ambikit.analysis.mel_bands import mel_products, room_for
from ambikit.errors import ShapeError
from ambikit.geometry.directions import broadcast_shape
from ambikit.operators.channel_axis import angles_for
from ambikit.operators.rotation import rotation_matrix

__all__ = ["CHANNELS", "align_mel_covariance", "mel_covariance", "mel_covariance_features"]

#: What the 13 channels hold: mel-summed products (``"wx"`` is Re(W* X)), then mel-averaged intensity.
CHANNELS = ("ww", "wx", "wy", "wz", "xx", "yy", "zz", "xy", "xz", "yz", "ix", "iy", "iz")

# Positions of the two factors of channels 0 to 9, in W, Y, Z, X for spectra ...
_ACN = {"w": 0, "y": 1, "z": 2, "x": 3}
_FACTORS = tuple([_ACN[name[k]] for name in CHANNELS[:10]] for k in (0, 1))
# ... and of channels 4 to 9 in x, y, z for turning.
_PAIRS = [tuple("xyz".index(letter) for letter in name) for name in CHANNELS[4:10]]


def mel_covariance(
    signal: Float[Array, "*batch channels time"],
    sample_rate: float,
    *,
    bands: int = 128,
    window: float = 0.021,
    hop: float = 0.010,
    weighting: str = "mean",
    filterbank: Any = None,
) -> Float[Array, "*batch 13 mel frames"]:
    r"""A scene as its features see it, before a viewpoint is chosen.

    .. math:: C_{ij}(m, t) = \sum_f b(m, f)\, \Re\{X_i^*(f, t)\, X_j(f, t)\}

    for the ten pairs of W, X, Y, Z, and the mel-averaged normalised intensity.

    Parameters
    ----------
    signal
        AmbiX signal ``(..., channels, time)``; of higher orders the first four channels are used.
    sample_rate
        In Hz.
    bands, window, hop, weighting, filterbank
        As in :func:`ambikit.foa_features`. There is no ``power``: only the power spectrum turns exactly, the
        magnitude does not.

    Returns
    -------
    ``(..., 13, mel, frames)``: :math:`|W|^2`; :math:`\Re\{W^*X\}, \Re\{W^*Y\}, \Re\{W^*Z\}`;
    :math:`|X|^2, |Y|^2, |Z|^2`; :math:`\Re\{X^*Y\}, \Re\{X^*Z\}, \Re\{Y^*Z\}`, each summed over the band; intensity
    x, y, z, averaged over the band. The order is listed in ``ambikit.analysis.mel_covariance.CHANNELS``.

    Raises
    ------
    ShapeError
        If the channels are not those of an Ambisonic order of at least 1, or the signal is too short.
    AmbikitError
        If a parameter is out of its range.

    See Also
    --------
    align_mel_covariance : turn it to a viewpoint.
    mel_covariance_features : read the features.

    Notes
    -----
    A turned power is a difference of products. What is more than about 60 dB below the energy of its band drowns
    in the rounding of single precision (150 dB in double): the level of a channel that should be all but silent.

    References
    ----------
    Our own; the features are those of S. Wang et al., IEEE JSTSP 16(6), 2022, eq. (7) and (8).

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> left = mel_covariance(np.stack([noise, noise, 0 * noise, 0 * noise]), 24000)
    >>> left.shape
    (13, 128, 100)

    A plane wave from the left, seen by someone who looks to the left, comes from the front:

    >>> features = mel_covariance_features(align_mel_covariance(left, 90, 0, degrees=True))
    >>> features[4:, 64, 50].round(6) + 0.0
    array([1., 0., 0.])
    """
    check_signal(signal, minimum_order=1)
    check_floating(signal)
    check_choice(weighting, WEIGHTINGS, "weighting")
    signal, dtype = widen(signal[..., :4, :])
    grid = mel_grid(signal, sample_rate, bands, window, hop, filterbank)

    return narrow(by_clips(_covariance_of_clips, signal, grid, weighting), dtype)


def _covariance_of_clips(signal: Array, grid: MelGrid, out: np.ndarray | None, weighting: str) -> Array:
    spectrum, peak = clip_spectra(signal, grid)
    room = room_for(len(CHANNELS), spectrum, grid.bank, out)
    products = mel_products(spectrum, grid.bank, *_FACTORS, room)
    intensity = mel_intensity(spectrum, grid.bank, weighting, room)
    if room is None:
        return namespace(products).concat([products * peak[..., None] ** 2, intensity], -3)
    products *= peak[..., None] ** 2
    return room.out


def align_mel_covariance(
    covariance: Float[Array, "*batch 13 mel frames"], azimuth: Any, elevation: Any, *, degrees: bool = False
) -> Float[Array, "*aligned 13 mel frames"]:
    r"""Turn a scene's mel covariance so that a direction comes to the front, as :func:`ambikit.align` turns sound.

    .. math:: C' = R\, C\, R^\top, \quad \mathbf{i}' = R\, \mathbf{i}, \quad R = R_y(\theta)\, R_z(-\varphi)

    Parameters
    ----------
    covariance
        Of :func:`mel_covariance`, ``(..., 13, mel, frames)``.
    azimuth, elevation
        The direction φ, θ that comes to the front, in radians; they broadcast with the batch axes: covariances
        ``(N, 1, 13, mel, frames)`` with angles ``(N, K)`` give ``(N, K, 13, mel, frames)``.
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    The covariance of the aligned signal, ``(..., 13, mel, frames)``.

    Raises
    ------
    ShapeError
        If there are not 13 channels, or the angles do not broadcast.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    References
    ----------
    S. Wang et al., IEEE JSTSP 16(6), 2022, eq. (6), applied to second moments.

    Examples
    --------
    Sound from above, with products ``ww``, ``wz``, ``zz`` and intensity z; looking up it comes from the front:

    >>> import numpy as np
    >>> above = np.zeros((13, 1, 1))
    >>> above[[0, 3, 6, 12]] = 1
    >>> aligned = align_mel_covariance(above, 0, 90, degrees=True)
    >>> [name for name, value in zip(CHANNELS, aligned[:, 0, 0].round(12)) if value]
    ['ww', 'wx', 'xx', 'ix']
    """
    _check_channels(covariance)
    xp = namespace(covariance, azimuth, elevation)
    covariance, dtype = widen(covariance)
    turn = _turn(*angles_for(covariance, azimuth, elevation, degrees=degrees))
    turn = turn.to(covariance.dtype) if is_torch(turn) else constant_like(turn, covariance)
    *batch, _, mel, frames = covariance.shape
    shape = broadcast_shape(tuple(turn.shape[:-2]), tuple(batch), names="the angles and the axes before the channels")
    # All viewpoints of one scene are one product: a matrix product would copy the scene for each of them.
    scenes = (*[1] * (len(shape) - len(batch)), *batch)
    views = (*[1] * (len(shape) - turn.ndim + 2), *turn.shape[:-2])
    shared = len(shape)
    while shared and scenes[shared - 1] == 1:
        shared -= 1
    stacked = turn.reshape(*views[:shared], 13 * prod(views[shared:]), 13)
    turned = xp.matmul(stacked, covariance.reshape(*scenes[:shared], 13, mel * frames))
    return narrow(turned.reshape(*shape, 13, mel, frames), dtype)


def mel_covariance_features(
    covariance: Float[Array, "*batch 13 mel frames"], *, dynamic_range_db: float = 100.0
) -> Float[Array, "*batch 7 mel frames"]:
    """Read the features of :func:`ambikit.foa_features` off a mel covariance.

    ``mel_covariance_features(align_mel_covariance(mel_covariance(signal, rate), a, e))`` equals
    ``foa_features(align(signal, a, e), rate)``.

    Parameters
    ----------
    covariance
        Of :func:`mel_covariance`, turned or not, ``(..., 13, mel, frames)``.
    dynamic_range_db
        Floor of the level below the largest level of the clip, in dB.

    Returns
    -------
    Features ``(..., 7, mel, frames)``: log-mel of W, Y, Z, X in dB, intensity x, y, z.

    Raises
    ------
    ShapeError
        If there are not 13 channels.
    AmbikitError
        If ``dynamic_range_db`` is not positive.

    References
    ----------
    S. Wang et al., IEEE JSTSP 16(6), 2022, eq. (8).

    Examples
    --------
    Powers of W, Y, Z, X of 1, 1, 0 and 0.01:

    >>> import numpy as np
    >>> covariance = np.zeros((13, 1, 1))
    >>> covariance[[0, 5, 4], 0, 0] = 1, 1, 0.01
    >>> mel_covariance_features(covariance)[:4, 0, 0]
    array([   0.,    0., -100.,  -20.])
    """
    _check_channels(covariance)
    check_levels(2.0, dynamic_range_db)
    covariance, dtype = widen(covariance)
    level = levels(covariance[..., [0, 5, 6, 4], :, :], 2.0, dynamic_range_db)
    return narrow(namespace(covariance).concat([level, covariance[..., 10:, :, :]], -3), dtype)


def _check_channels(covariance: Any) -> None:
    check_floating(covariance, "covariance")
    if covariance.ndim < 3 or covariance.shape[-3] != 13:
        raise ShapeError(
            f"got covariance of shape {tuple(covariance.shape)}; expected (..., 13, mel, frames); "
            "make one with ambikit.mel_covariance"
        )


def _turn(azimuth: Array, elevation: Array) -> Array:
    """The matrix ``(..., 13, 13)`` that aligns all channels: W stays, vectors turn by R, products by R twice."""
    # The inverse of rotate(yaw=azimuth, pitch=-elevation), hence the transposed indices.
    matrix = rotation_matrix(azimuth, -elevation)
    axes = [_ACN[letter] for letter in "xyz"]
    turn = [[matrix[..., column, row] for column in axes] for row in axes]
    one, zero = matrix[..., 0, 0], matrix[..., 0, 1]
    rows = [[one, *([zero] * 12)]]
    rows += [[zero, *row, *([zero] * 9)] for row in turn]
    for i, j in _PAIRS:
        row = [turn[i][k] * turn[j][m] + (turn[i][m] * turn[j][k] if k != m else zero) for k, m in _PAIRS]
        rows.append([*([zero] * 4), *row, *([zero] * 3)])
    rows += [[*([zero] * 10), *row] for row in turn]
    xp = namespace(matrix)
    return xp.stack([xp.stack(row, -1) for row in rows], -2)
