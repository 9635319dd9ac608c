"""Pictures for both eyes, and pictures on the faces of a cube, as one equirectangular panorama."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from ambikit import angles_to_cube_pixels, pixels_to_angles
from ambikit._arrays import Array, is_torch, namespace, narrow, widen
from ambikit._checks import check_order
from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.upright import set_upright
from ambikit_models.panorama.sampling import is_bytes, sample_frames

__all__ = ["EYES", "as_panorama", "eyes_of", "one_eye", "to_equirectangular"]

#: where the pictures of the eyes lie in a frame: the half of the left eye, by axis and order
EYES = {"mono": None, "top-bottom": (1, 0), "bottom-top": (1, 1), "left-right": (2, 0), "right-left": (2, 1)}


def one_eye(frames: Shaped[Array, "n height width 3"], eyes: str) -> Shaped[Array, "n _ _ 3"]:
    """The picture of the left eye.

    Parameters
    ----------
    frames
        ``(n, height, width, 3)``.
    eyes
        ``"mono"``, ``"top-bottom"``, ``"bottom-top"``, ``"left-right"`` or ``"right-left"``: which eye's picture lies
        where, the left eye's first.

    Examples
    --------
    >>> one_eye(np.arange(2).reshape(1, 2, 1, 1).repeat(3, -1), "bottom-top")[0, :, 0, 0].tolist()
    [1]
    """
    if eyes not in EYES:
        raise AmbikitError(f"got eyes={eyes!r}; expected one of {', '.join(EYES)}; look at a frame")
    if EYES[eyes] is None:
        return frames
    axis, half = EYES[eyes]
    if frames.shape[axis] % 2:
        raise ShapeError(
            f"got frames of shape {tuple(frames.shape)} with eyes={eyes!r}; expected an even number of "
            f"{'rows' if axis == 1 else 'columns'}, half for each eye; crop the frames"
        )
    size = frames.shape[axis] // 2
    cut = slice(half * size, (half + 1) * size)
    return frames[:, cut] if axis == 1 else frames[:, :, cut]


def to_equirectangular(
    frames: Shaped[Array, "n height width 3"],
    layout: str = "equirectangular",
    *,
    eyes: str = "mono",
    height: int | None = None,
    padding: int = 0,
) -> Shaped[Array, "n _ _ 3"]:
    """Make a panorama for one eye of the frames of a 360° video: equirectangular, front in the middle.

    Parameters
    ----------
    frames
        ``(n, height, width, 3)``, uint8 or floating point, of either library.
    layout
        ``"equirectangular"``, or a cube map's: ``"cbmp"``, ``"3x2"`` or ``"eac"``, as in
        :func:`ambikit.angles_to_cube_pixels`.
    eyes
        Where the eyes' pictures lie, as in :func:`one_eye`; the left eye's is taken.
    height
        Rows of the panorama, twice as many columns. By default those of the frames of one eye: of a cube map the
        equator is then as fine as the faces are on average.
    padding
        Pixels at each edge of a cube's face that lie beyond it.

    Returns
    -------
    ``(n, height, 2 * height, 3)`` of the same library, device and dtype, interpolated bilinearly within each face. An
    equirectangular picture of one eye keeps its size, and its pixels as they are.

    Raises
    ------
    AmbikitError
        If ``layout`` or ``eyes`` is not known.
    ShapeError
        If the frames cannot be halved or are not of three by two faces.

    Examples
    --------
    A cube whose left face is white:

    >>> frames = np.zeros((1, 8, 12, 3), np.uint8)
    >>> frames[:, :4, 4:8] = 255
    >>> to_equirectangular(frames, "3x2")[0, 4, :, 0].tolist()
    [0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    """
    frames = one_eye(frames, eyes)
    if layout == "equirectangular":
        if height is not None:
            raise AmbikitError("got a height for equirectangular frames; expected none, as they keep their pixels")
        return frames
    rows = check_order(frames.shape[1] if height is None else height, minimum=1, name="height")
    wide, half_type = (frames, None) if is_bytes(frames) else widen(frames)
    # the sampling takes squares: the left half of the panorama and the right one
    positions = _positions(layout, padding, frames.shape[2], frames.shape[1], rows)
    if is_torch(frames):
        positions = [namespace(frames).tensor(part, device=frames.device) for part in positions]
    count = frames.shape[0]
    which = np.repeat(np.arange(count), 2), np.tile(np.arange(2), count)
    halves = sample_frames(wide, *which, *positions, rows, wide.dtype)
    halves = halves.reshape(count, 2, rows, rows, 3)
    picture = halves.swapaxes(1, 2).reshape(count, rows, 2 * rows, 3)
    return narrow(picture, half_type)


@lru_cache(maxsize=4)
def _positions(
    layout: str, padding: int, width: int, height: int, rows: int
) -> tuple[Float[np.ndarray, "2 rows rows"], Float[np.ndarray, "2 rows rows"]]:
    """Column and row in a cube map of the pixels of a panorama, its left half and its right one."""
    row, column = np.meshgrid(np.arange(rows), np.arange(2 * rows), indexing="ij")
    places = angles_to_cube_pixels(
        *pixels_to_angles(column, row, 2 * rows, rows), width, height, layout=layout, padding=padding
    )
    halves = [np.ascontiguousarray(place.reshape(rows, 2, rows).swapaxes(0, 1)) for place in places]
    for half in halves:
        half.flags.writeable = False
    return halves[0], halves[1]


def eyes_of(said: SpatialMetadata) -> str:
    """Where a file says that the eyes' pictures lie; mono where it does not say or it is not known."""
    return said.stereo if said.stereo in EYES else "mono"


def as_panorama(
    picture: UInt8[np.ndarray, "height width 3"],
    said: SpatialMetadata,
    path: str | Path,
    layout: str | None = None,
    eyes: str | None = None,
) -> UInt8[np.ndarray, "_ _ 3"]:
    """One picture of a video as a panorama for one eye, turned by the pose that its file states.

    ``layout`` and ``eyes`` have the word; without them the file's own statement has it.

    Raises
    ------
    FileError
        If the file says that it is a cube map and no layout is given, or its pose cannot be followed.
    """
    if layout is None and said.projection == "cubemap":
        raise FileError(
            f"got {path}, whose pictures are the faces of a cube; expected to be told how they lie: layout='cbmp' for "
            "what the specification says, '3x2' or 'eac' for others; look at a frame read with upright=False"
        )
    eyes = eyes or eyes_of(said)
    panorama = np.asarray(to_equirectangular(picture[None], layout or "equirectangular", eyes=eyes))[0]
    said = replace(said, stereo="mono" if eyes != "mono" else said.stereo)
    return set_upright(panorama, replace(said, projection="equirectangular") if layout else said, path)
