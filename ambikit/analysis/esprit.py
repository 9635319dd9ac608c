"""The directions of sources in closed form: without a map, without a grid, without a search."""

import numpy as np
from jaxtyping import Inexact

from ambikit._arrays import Array, cached_design, constant_like, is_torch, namespace, narrow
from ambikit.analysis.peaks import FoundDirections, values_at
from ambikit.analysis.subspaces import Eigenbeams, check_sources, eigenbeams, source_mask, with_gradient
from ambikit.errors import ShapeError
from ambikit.geometry.directions import angles_to_vectors, vectors_to_angles
from ambikit.geometry.grids import fibonacci_grid, gauss_legendre_grid
from ambikit.geometry.harmonics import harmonics_of_vectors, spherical_harmonics

__all__ = ["coordinate_products", "esprit"]

#: axes on which the sources are told apart; among so many, one is good for any set of directions
_AXES = 24


def esprit(
    covariance: Inexact[Array, "*batch channels channels"], sources: int = 1, *, degrees: bool = False
) -> FoundDirections:
    r"""The directions of several sources at once, straight from the covariance.

    A coordinate of a direction times a harmonic of degree below N is a sum of harmonics up to degree N:
    x(d) y_{N−1}(d) = M_x y_N(d), and so for y and z. The signal subspace U holds mixtures of the sources, U = Y T, so
    that with its channels U' below the highest degree

    .. math::
        \Psi_x = U'^{+} M_x U = T^{-1} \mathrm{diag}(x_1 \dots x_K)\, T, \quad \Psi_y, \Psi_z \text{ likewise}:

    one basis brings all three to their diagonals, where the coordinates of each source stand. It is taken from that
    combination of the three whose eigenvalues lie farthest apart; so no two sources are confused that share a
    coordinate, and none is at a pole of anything.

    Parameters
    ----------
    covariance
        Covariance ``(..., channels, channels)`` of an AmbiX signal, real or complex, see :func:`spatial_covariance`;
        with ``per_frequency=True`` there, directions per frequency. Sources must not be copies of each other: average
        over frequencies.
    sources
        How many there are, see :func:`number_of_sources`: at most N² in order N. First order has one: its direction is
        that of the intensity vector of the strongest eigenbeam. For two take a higher order, or :func:`music`.
    degrees
        Whether to return degrees.

    Returns
    -------
    azimuth, elevation, strength
        Together a :class:`FoundDirections`, each ``(..., sources)``, the strongest first; the strength is the power of
        the source in W. Silence, and sources beyond those that the covariance holds, have the angles NaN and the
        strength 0; a covariance of NaN gives NaN. Angles and strengths have gradients to the covariance.

    Raises
    ------
    AmbikitError
        If the number of sources is not from 1 to N².
    ShapeError
        If the covariance is not square over a complete order of at least 1.
    ArrayTypeError
        If the covariance holds integers.

    References
    ----------
    Jo and Choi, Direction of arrival estimation using nonsingular spherical ESPRIT, J. Acoust. Soc. Am. 143 (2018);
    Herzog and Habets, Eigenbeam-ESPRIT for DOA-vector estimation, IEEE Signal Process. Lett. 26 (2019).

    Examples
    --------
    Two sources of different power in diffuse sound as strong as both together:

    >>> from ambikit import diffuse_covariance
    >>> harmonics = spherical_harmonics([-90, 20], [10, -40], 3, degrees=True)
    >>> covariance = harmonics.T @ np.diag([1.0, 4.0]) @ harmonics + 5 * diffuse_covariance(3)
    >>> found = esprit(covariance, 2, degrees=True)
    >>> found.azimuth.round(9).tolist(), found.elevation.round(9).tolist()
    ([20.0, -90.0], [-40.0, 10.0])
    """
    beams = eigenbeams(covariance)
    xp, order = namespace(beams.matrix), beams.order
    if order == 0:
        raise ShapeError("got a covariance of one channel; expected at least four; a mono signal carries no direction")
    count = check_sources(sources, order**2, order)
    rounding = _rounding(beams.values)
    mask = source_mask(beams, count, order**2) & (beams.values > rounding * beams.values[..., :1])
    signal = with_gradient(beams, mask)[..., :count] * mask[..., None, :count]
    products = constant_like(coordinate_products(order), signal) @ signal[..., None, :, :]
    inverse = xp.linalg.pinv(signal[..., : order**2, :], rtol=rounding)
    vectors, exists = _joint_diagonal(inverse[..., None, :, :] @ products, mask[..., :count])
    exists = exists & ((vectors**2).sum(-1) > 0)
    vectors = xp.where(exists[..., None], vectors, constant_like([0.0, 0.0, 1.0], vectors))
    power = xp.where(exists, _powers(vectors, exists, beams), 0.0)
    ranks = xp.argsort(xp.where(exists, -power, np.inf), -1)
    angles = (constant_like(angle, vectors) for angle in vectors_to_angles(vectors, degrees=degrees))
    angles = (xp.where(exists, angle, np.nan) for angle in angles)
    power = power * beams.power[..., None]
    return FoundDirections(*(narrow(values_at(result, ranks), beams.half) for result in (*angles, power)))


@cached_design
def coordinate_products(order: int) -> np.ndarray:
    """x, y and z times the N3D harmonics below degree ``order`` as sums of those up to it: (3, order², (order + 1)²).

    Examples
    --------
    x times W is X, which in N3D is √3 times as large:

    >>> coordinate_products(1)[0].round(6).tolist()
    [[0.0, 0.0, 0.0, 0.57735]]
    """
    azimuth, elevation, weights = gauss_legendre_grid(order)
    harmonics = spherical_harmonics(azimuth, elevation, order, normalization="n3d")
    vectors = angles_to_vectors(azimuth, elevation)
    products = np.einsum("p,pc,pi,pj->cij", weights, vectors, harmonics[:, : order**2], harmonics)
    return np.where(abs(products) > 1e-12, products, 0.0)


def _joint_diagonal(matrices: Array, present: Array) -> tuple[Array, Array]:
    """The diagonals ``(..., sources, 3)`` of three matrices ``(..., 3, sources, sources)`` in the basis they share.

    Rows and columns that are not ``present`` are 0; besides, whether each entry belongs to one that is.
    """
    xp, count = namespace(matrices), matrices.shape[-1]
    fixed = matrices.detach() if is_torch(matrices) else matrices
    axes = constant_like(angles_to_vectors(*(angle[:_AXES] for angle in fibonacci_grid(2 * _AXES))), matrices)
    # Eigenvalues of sources lie between −1 and 1; those of empty rows are put outside, each apart.
    outside = xp.where(present, 0.0, constant_like(2.0 + np.arange(count), matrices))
    apart = outside[..., None] * constant_like(np.eye(count), matrices)
    combined = xp.einsum("ac,...cij->...aij", axes, fixed) + apart[..., None, :, :]
    values = xp.linalg.eigvals(combined + 0j)
    gaps = abs(values[..., :, None] - values[..., None, :]) + constant_like(4.0 * np.eye(count), matrices)
    gaps = gaps.reshape(*gaps.shape[:-2], count * count)
    best = _smallest(gaps).argmax(-1)[..., None]  # an axis: none is no index in a trace
    axis = axes[best][..., 0, :]
    values, basis = xp.linalg.eig(xp.einsum("...c,...cij->...ij", axis, fixed) + apart + 0j)
    back = xp.linalg.pinv(basis)
    inner = back[..., None, :, :] @ (matrices + 0j) @ basis[..., None, :, :]
    diagonals = xp.einsum("...cii->...ic", inner)
    if is_torch(matrices):
        diagonals = diagonals + _turn_of_basis(inner, axis, values)
    share = (abs(basis) ** 2 * present[..., :, None]).sum(-2)
    return diagonals.real, share > 0.5


def _smallest(gaps: Array) -> Array:
    return gaps.amin(-1) if is_torch(gaps) else gaps.min(-1)


def _turn_of_basis(inner: Array, axis: Array, values: Array) -> Array:
    """Zero, with the gradient that the diagonals have because the basis turns as the matrices change.

    Where no basis brings all three to their diagonals (with noise) that is not 0; torch's own gradient of
    eigenvectors would fail for eigenvalues that are equal.
    """
    xp = namespace(inner)
    combined = xp.einsum("...c,...cij->...ij", axis + 0j, inner)
    differences = values[..., None, :] - values[..., :, None]
    apart = abs(differences) > _rounding(inner.real)
    turn = xp.where(apart, combined / xp.where(apart, differences, 1.0), 0.0)
    turn = (turn - turn.detach())[..., None, :, :]
    fixed = inner.detach()
    return xp.einsum("...cii->...ic", fixed @ turn - turn @ fixed)


def _powers(vectors: Array, exists: Array, beams: Eigenbeams) -> Array:
    """The power of a wave from each direction, by least squares, in units of the mean power of the channels."""
    xp, count = namespace(vectors), vectors.shape[-2]
    unit = vectors / xp.sqrt((vectors**2).sum(-1))[..., None]
    harmonics = harmonics_of_vectors(unit, beams.order, normalization="n3d") * exists[..., None]
    beam = xp.linalg.pinv(harmonics, rtol=_rounding(harmonics))  # hears one source each, and none of the others
    strongest = beams.vectors[..., :count]  # their values once more, with a gradient
    quiet = xp.einsum("...ii->...", beams.matrix) - ((beams.matrix @ strongest) * strongest).sum(-1).sum(-1)
    noise = quiet / (beams.values.shape[-1] - count)
    heard = ((beams.matrix @ beam) * beam).sum(-2) - noise[..., None] * (beam**2).sum(-2)
    return xp.clip(heard, 0.0, None)


def _rounding(values: Array) -> float:
    """How large, against the largest, a number is that may be the rounding of 0, in products of so many terms."""
    return values.shape[-1] * float(namespace(values).finfo(values.dtype).eps)
