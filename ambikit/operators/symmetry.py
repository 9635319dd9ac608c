"""Mirror images and quarter turns of a sound field: exact, and together with the labels and pictures beside it."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Inexact

from ambikit._arrays import Array, cached_design, constant_like, is_torch, namespace, to_library_of
from ambikit._checks import check_signal
from ambikit.errors import AmbikitError, ArrayTypeError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.directions import broadcast_shape
from ambikit.geometry.panorama_turns import move_picture
from ambikit.geometry.symmetries import CHANNEL_SWAPS, Symmetry, channel_map
from ambikit.operators.rotation import turn_by_matrix

__all__ = ["MovedScene", "acs", "apply_symmetry", "mirror"]


def mirror(signal: Inexact[Array, "..."], plane: str, *, axis: int = -2) -> Inexact[Array, "..."]:
    """Exchange left and right, front and back, or up and down.

    A mirror image changes the signs of some channels and nothing else, at every order. It is no rotation: a picture
    that belongs to the sound has to be mirrored too (:func:`apply_symmetry` does both).

    ====================  ==============================  ==========================
    plane                 a source goes to                channels (n, m) that flip
    ====================  ==============================  ==========================
    ``"left_right"``      −azimuth (y → −y)               m < 0
    ``"front_back"``      180° − azimuth (x → −x)         m > 0 odd, m < 0 even
    ``"up_down"``         −elevation (z → −z)             n + m odd
    ====================  ==============================  ==========================

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    plane
        ``"left_right"``, ``"front_back"`` or ``"up_down"``: which two sides change places.
    axis
        The channel axis, negative.

    Returns
    -------
    array
        The mirrored signal, of the shape, library, dtype and device of ``signal``.

    Raises
    ------
    AmbikitError
        If the plane is unknown.
    ShapeError
        If the channels are not those of a full order, or time is empty.
    ArrayTypeError
        If the signal holds integers.

    References
    ----------
    Kronlachner and Zotter, Spatial transformations for the enhancement of Ambisonic recordings, ICSA 2014.

    Examples
    --------
    Only Y, the left-right dipole, changes its sign:

    >>> mirror(np.ones((4, 1)), "left_right")[:, 0].tolist()
    [1.0, -1.0, 1.0, 1.0]
    """
    symmetry = Symmetry.mirror(plane)
    return _moved(signal, symmetry, check_signal(signal, axis=axis), axis)


def acs(signal: Inexact[Array, "..."], index: Any, *, axis: int = -2) -> Inexact[Array, "..."]:
    """Audio channel swapping: one of 16 exact turns and mirror images, to make 16 scenes of each.

    ==========  ==========================  ===============  ==============
    index       azimuth goes to             elevation to     what it is
    ==========  ==========================  ===============  ==============
    0 to 3      azimuth + index · 90°       elevation        turns
    4 to 7      −azimuth + index · 90°      −elevation       turns
    8 to 11     −azimuth + index · 90°      elevation        mirror images
    12 to 15    azimuth + index · 90°       −elevation       mirror images
    ==========  ==========================  ===============  ==============

    Channels change places and signs and are not mixed, at every order. Eight of the 16 are mirror images, although
    all are often called rotations: a picture that belongs to the sound is flipped too. ``CHANNEL_SWAPS[index]`` is the
    same as a :class:`Symmetry`, with which :func:`apply_symmetry` moves sound, labels and picture together.

    Parameters
    ----------
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    index
        0 to 15: a whole number, or a list, array or tensor of them, one for each clip: it broadcasts with the axes of
        ``signal`` before the channels. The values of a tensor are not checked.
    axis
        The channel axis, negative.

    Returns
    -------
    array
        The moved signal, in the library, dtype and device of ``signal``.

    Raises
    ------
    AmbikitError
        If the index is not in 0 to 15.
    ShapeError
        If the channels are not those of a full order, time is empty, or index and signal do not broadcast.
    ArrayTypeError
        If the signal holds integers, or the index anything else.

    References
    ----------
    Mazzon, Koizumi, Yasuda, Harada, First order Ambisonics domain spatial augmentation for DNN-based direction of
    arrival estimation, DCASE 2019.

    Examples
    --------
    A source on the left, turned by a quarter, is behind; then mirrored from left to right (index 8):

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> acs(left, 1)[:, 0].tolist(), acs(left, 8)[:, 0].tolist()
    ([1.0, 0.0, 0.0, -1.0], [1.0, -1.0, 0.0, 0.0])
    """
    order = check_signal(signal, axis=axis)
    if isinstance(index, int | np.integer) and not isinstance(index, bool):
        if not 0 <= index < 16:
            raise AmbikitError(f"got index={index}; expected 0 to 15, of which 8 to 15 are mirror images")
        return _moved(signal, CHANNEL_SWAPS[int(index)], order, axis)
    index = _checked_indices(index, signal)
    sources, signs = _swap_tables(order)
    xp = namespace(signal)
    behind = (1,) * (-axis - 1)
    if is_torch(signal):
        sources = xp.as_tensor(sources, device=signal.device)
    source, sign = sources[index], constant_like(signs, signal)[index]
    batch = broadcast_shape(
        tuple(signal.shape)[:axis], tuple(index.shape), names="a signal with batch axes and indices"
    )
    signal = xp.broadcast_to(signal, (*batch, *tuple(signal.shape)[axis:]))
    shape = (*(1,) * (len(batch) - len(index.shape)), *source.shape, *behind)
    take = xp.take_along_dim if is_torch(signal) else np.take_along_axis
    return take(signal, source.reshape(shape), axis) * sign.reshape(shape)


class MovedScene(NamedTuple):
    """What :func:`apply_symmetry` returns; what was not given is None."""

    signal: Any
    azimuth: Any
    elevation: Any
    picture: Any


def apply_symmetry(
    symmetry: Symmetry,
    *,
    signal: Any = None,
    azimuth: Any = None,
    elevation: Any = None,
    picture: Any = None,
    degrees: bool = False,
    axis: int = -2,
    picture_axis: int = -2,
) -> MovedScene:
    """Move sound, labels and picture of a scene together, by one of the 48 symmetries of the axes.

    Where the symmetry keeps the horizon (:data:`CHANNEL_SWAPS`), channels change places and signs, and pixels change
    places: nothing is rounded (a picture whose width is not a multiple of 4 is interpolated for odd quarter turns).
    The other 32 are exact in first order; from order 2 on they mix the channels of a degree as :func:`rotate` does,
    and pictures are resampled as :func:`turn_equirectangular` does.

    Parameters
    ----------
    symmetry
        An element of ``OCTAHEDRAL_GROUP`` or ``CHANNEL_SWAPS``, ``Symmetry.mirror("left_right")``, …
    signal
        ``(..., channels, time)`` of any order in AmbiX, or a spectrum with ``axis=-3``.
    azimuth, elevation
        Labels: directions of sources, in radians; both or neither.
    picture
        A 360° picture ``(..., height, width, colours)``.
    degrees
        Whether the labels are in degrees.
    axis
        The channel axis of ``signal``, negative.
    picture_axis
        The width axis of ``picture``; the height is on the axis before it.

    Returns
    -------
    MovedScene
        A named tuple (signal, azimuth, elevation, picture), None for what was not given.

    Raises
    ------
    AmbikitError
        If ``symmetry`` is none, or one of azimuth and elevation is missing.
    ShapeError, ArrayTypeError
        As :func:`rotate` for the signal, as :func:`turn_equirectangular` for the picture.

    Examples
    --------
    A car on the left, heard, labelled and seen, in a mirror:

    >>> left = np.array([[1.0], [1.0], [0.0], [0.0]])
    >>> scene = apply_symmetry(Symmetry.mirror("left_right"), signal=left, azimuth=90, elevation=0,
    ...                        picture=np.array([[[0], [7], [0], [0]]]), degrees=True)
    >>> scene.signal[:, 0].tolist(), float(scene.azimuth), scene.picture[0, :, 0].tolist()
    ([1.0, -1.0, 0.0, 0.0], -90.0, [0, 0, 7, 0])
    """
    if not isinstance(symmetry, Symmetry):
        raise AmbikitError(
            f"got symmetry of type {type(symmetry).__name__}; expected a Symmetry; choose from OCTAHEDRAL_GROUP, "
            "CHANNEL_SWAPS[index], or make one with Symmetry.from_matrix"
        )
    if (azimuth is None) != (elevation is None):
        raise AmbikitError("got one of azimuth and elevation; expected both or neither; a direction has two angles")
    if signal is not None:
        signal = _moved(signal, symmetry, check_signal(signal, axis=axis), axis)
    if azimuth is not None:
        azimuth, elevation = symmetry.move_angles(azimuth, elevation, degrees=degrees)
    if picture is not None:
        picture = move_picture(symmetry, picture, picture_axis)
    return MovedScene(signal, azimuth, elevation, picture)


def _moved(signal: Array, symmetry: Symmetry, order: int, axis: int) -> Array:
    """Move the channels of a checked signal."""
    xp = namespace(signal)
    behind = [1] * (-axis - 1)
    if order < 2 or symmetry.keeps_horizon:
        source, sign = channel_map(symmetry.axes, symmetry.signs, order)
        if symmetry.axes != (0, 1, 2):
            if is_torch(signal):
                source = xp.as_tensor(source, device=signal.device)
            signal = signal[(..., source, *(slice(None) for _ in behind))]
        return signal * constant_like(sign, signal).reshape(-1, *behind)
    if not symmetry.is_rotation:  # a mirror image is the point reflection, (−1)^n, and a turn
        parity = [(-1.0) ** n for n, _ in degree_pairs(order)]
        signal = signal * constant_like(parity, signal).reshape(-1, *behind)
    rows = [
        [float(symmetry.determinant * sign * (column == taken)) for column in range(3)]
        for taken, sign in zip(symmetry.axes, symmetry.signs, strict=True)
    ]
    return turn_by_matrix(signal, to_library_of(rows, signal), order, axis)


@cached_design
def _swap_tables(order: int) -> tuple[np.ndarray, np.ndarray]:
    """For each of the 16 swaps the sources and the signs of the channels, ``(16, channels)``."""
    sources, signs = zip(*(channel_map(swap.axes, swap.signs, order) for swap in CHANNEL_SWAPS), strict=True)
    return np.array(sources), np.array(signs)


def _checked_indices(index: Any, signal: Array) -> Array:
    """Indices as an integer array in the library of the signal."""
    if is_torch(index):
        namespace(index, signal)
        if index.is_floating_point() or index.is_complex() or str(index.dtype) == "torch.bool":
            raise ArrayTypeError(f"got index of dtype {index.dtype}; expected whole numbers; make them with .long()")
        return index.long()
    if isinstance(index, np.ndarray):
        namespace(index, signal)
    given = np.asarray(index)
    if not np.issubdtype(given.dtype, np.integer):
        raise ArrayTypeError(f"got index of dtype {given.dtype}; expected whole numbers from 0 to 15")
    if np.any((given < 0) | (given > 15)):
        raise AmbikitError(
            f"got index from {given.min()} to {given.max()}; expected 0 to 15, of which 8 to 15 are mirror images"
        )
    return namespace(signal).as_tensor(given, device=signal.device) if is_torch(signal) else given
