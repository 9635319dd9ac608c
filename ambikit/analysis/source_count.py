"""How many sources there are, from how the eigenvalues of a covariance fall off."""

from math import log
from typing import Any

import numpy as np
from jaxtyping import Inexact, Int

from ambikit._arrays import Array, namespace
from ambikit._checks import check_choice
from ambikit.analysis.subspaces import eigenbeams
from ambikit.errors import AmbikitError, ShapeError
from ambikit.operators.channel_weights import is_complex

__all__ = ["number_of_sources"]

#: how many times the rounding of the largest eigenvalue still counts as nothing
_FLOOR = 4


def number_of_sources(
    covariance: Inexact[Array, "*batch channels channels"], method: str = "sorte", *, observations: float | None = None
) -> Int[Array, "*batch"] | np.integer:
    r"""How many sources sound that are no copies of each other, judged by the eigenvalues of the covariance in N3D.

    Diffuse sound and noise give equal eigenvalues λ₁ ≥ λ₂ ≥ … of the C channels; each source lifts one of them.
    ``"sorte"`` looks where the gaps ∇_i = λ_i − λ_{i+1} begin to be alike,

    .. math::
        \hat K = \arg\min_K \frac{\sigma^2_{K+1}}{\sigma^2_K}, \quad
        \sigma^2_K = \mathrm{var}(\nabla_K \dots \nabla_{C-1}), \quad K = 1 \dots C - 3.

    ``"mdl"`` and ``"aic"`` ask how well the smallest C − K eigenvalues agree, by the ratio of their geometric and
    arithmetic means g and a, and count the parameters against it:

    .. math::
        \hat K = \arg\min_K \frac{n}{2} (C - K) \ln\frac{a_K}{g_K} + p\, \frac{K (2 C - K + 1)}{2}, \quad
        p_\mathrm{MDL} = \tfrac12 \ln n, \quad p_\mathrm{AIC} = 1,

    with n real observations, K = 0 … C − 1.

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, real or complex, see :func:`spatial_covariance`.
    method
        ``"sorte"`` needs nothing else, but finds at least one source where there is sound and at most C − 3: it takes
        nine channels (order 2) or more to be of use. ``"mdl"`` can say 0; it is consistent, where ``"aic"`` tends to
        say too many. Both take noise to be white in N3D and observations to be independent: with reverberation, noise
        of microphones or frames that overlap they say too many.
    observations
        For ``"mdl"`` and ``"aic"``: how many were averaged in the covariance, the samples of a signal or the bins of a
        spectrum (frames times frequencies; of those that overlap, count fewer). A complex one counts as two real ones.

    Returns
    -------
    integers
        ``(...)``, in the library and on the device of the covariance. Silence has 0 sources, and so has a covariance
        that is not finite.

    Raises
    ------
    AmbikitError
        If the method is unknown, or ``observations`` is missing, not positive, or given to ``"sorte"``.
    ShapeError
        If the covariance is not square over a complete order of at least 1.
    ArrayTypeError
        If the covariance holds integers.

    References
    ----------
    He, Cichocki, Xie and Choi, Detecting the number of clusters in n-way probabilistic clustering, IEEE Trans. Pattern
    Anal. Mach. Intell. 32 (2010), eq. (12); Wax and Kailath, Detection of signals by information theoretic criteria,
    IEEE Trans. Acoust. Speech Signal Process. 33 (1985), with the parameters of real data.

    Examples
    --------
    Two sources in diffuse sound, in second order:

    >>> from ambikit import diffuse_covariance, spherical_harmonics
    >>> harmonics = spherical_harmonics([-90, 20], [10, -40], 2, degrees=True)
    >>> covariance = harmonics.T @ np.diag([1.0, 2.0]) @ harmonics + 0.1 * diffuse_covariance(2)
    >>> int(number_of_sources(covariance)), int(number_of_sources(covariance, "mdl", observations=100))
    (2, 2)
    """
    check_choice(method, ("sorte", "mdl", "aic"), "method")
    observed = _check_observations(observations, method)
    beams = eigenbeams(covariance)
    if beams.order == 0:
        raise ShapeError("got a covariance of one channel; expected at least four; a mono signal cannot tell sources")
    xp = namespace(beams.values)
    # What rounding leaves of a zero counts as equally small, so that a wave without noise stands alone.
    largest = beams.values[..., :1]
    least = _FLOOR * beams.values.shape[-1] * float(xp.finfo(beams.values.dtype).eps) * largest
    values = xp.maximum(beams.values, least)
    if method == "sorte":
        count = _sorte(values)
    else:
        real = observed * (2 if is_complex(covariance) else 1)
        count = _by_information(values, real, 0.5 * log(real) if method == "mdl" else 1.0)
    return xp.where(beams.power > 0, count, 0 * count)


def _sorte(values: Array) -> Array:
    xp = namespace(values)
    gaps = values[..., :-1] - values[..., 1:]
    tails = [gaps[..., first:] for first in range(values.shape[-1] - 2)]
    spread = xp.stack([((tail - tail.mean(-1)[..., None]) ** 2).mean(-1) for tail in tails], -1)
    before, after = spread[..., :-1], spread[..., 1:]
    ratio = xp.where(before > 0, after / xp.where(before > 0, before, 1.0), np.inf)
    return ratio.argmin(-1) + 1


def _by_information(values: Array, observations: float, cost: float) -> Array:
    xp, channels = namespace(values), values.shape[-1]
    values = xp.where(values > 0, values, 1.0)
    lengths = []
    for sources in range(channels):
        tail = values[..., sources:]
        unlike = xp.log(tail.mean(-1)) - xp.log(tail).mean(-1)
        parameters = sources * (2 * channels - sources + 1) / 2
        lengths.append(observations / 2 * (channels - sources) * unlike + cost * parameters)
    return xp.stack(lengths, -1).argmin(-1)


def _check_observations(observations: Any, method: str) -> float:
    if method == "sorte":
        if observations is not None:
            raise AmbikitError(
                f"got observations={observations!r} with method='sorte', which has no use for them; expected None; "
                "leave it out, or take method='mdl'"
            )
        return 0.0
    if not isinstance(observations, int | float | np.integer | np.floating) or not 1 <= observations < np.inf:
        raise AmbikitError(
            f"got observations={observations!r} with method={method!r}; expected a number of at least 1; pass how many "
            "samples or bins were averaged in the covariance, or take method='sorte'"
        )
    return float(observations)
