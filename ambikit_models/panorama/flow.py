"""How a panorama moves from one picture to the next: optical flow on the sphere, and the turn of the camera in it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

import ambikit
from ambikit.errors import MissingExtraError, ShapeError

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

__all__ = ["camera_rotation", "flow_of_the_scene", "spherical_flow"]

#: a flow is right to about this part of a pixel, and a turn that is smaller is none
_RESOLVED = 0.1
#: rows below which the patches of the flow no longer fit
_FEWEST_ROWS = 16
#: turning the camera back is repeated at most so often; and rounds of reweighting in the fit of a turn
_PASSES, _ROUNDS = 3, 10
#: levels of brightness per pixel, below which there is no texture to follow, and the radius around a pixel, in pixels
_TEXTURE, _AROUND = 2.0, 4


def spherical_flow(
    first: Shaped[np.ndarray, "height width"], second: Shaped[np.ndarray, "height width"]
) -> Float[np.ndarray, "height width 3"]:
    r"""Where each pixel of a panorama has gone in the next one, as a vector that touches the sphere.

    What was seen in direction u is seen in :math:`\cos\theta\, u + \sin\theta\, f / \theta` after the flow f of length
    :math:`\theta`, the angle on a great circle. Dense inverse search [1]_ looks for it up to 45° from the horizon, on
    the frame continued behind its left and right rim; closer to the poles it does so on the frame turned by 90°, in
    which they lie on the horizon.

    Parameters
    ----------
    first, second
        Brightness of two equirectangular pictures, 0 to 255, ``(height, width)``, at least 16 rows.

    Returns
    -------
    ``(height, width, 3)``: x, y and z in radians. Where there is no texture the flow is guessed from what is near.

    Raises
    ------
    MissingExtraError
        If OpenCV is not installed.

    References
    ----------
    .. [1] T. Kroeger, R. Timofte, D. Dai, L. Van Gool, "Fast optical flow using dense inverse search", ECCV 2016.

    Examples
    --------
    A scene that turns to the left by 4° moves by that on the horizon, and to +y where it is ahead:

    >>> picture = np.random.default_rng(0).uniform(0, 255, (12, 24)).repeat(8, 0).repeat(8, 1)
    >>> flow = spherical_flow(picture, ambikit.roll_equirectangular(picture, 4, degrees=True, axis=-1))
    >>> bool(np.abs(np.degrees(np.median(flow[44:52, 92:100], (0, 1))) - [0, 4, 0]).max() < 0.2)
    True
    """
    if first.ndim != 2 or first.shape != second.shape or len(first) < _FEWEST_ROWS:
        raise ShapeError(
            f"got pictures of shape {first.shape} and {second.shape}; expected the same (height, width), at least "
            f"{_FEWEST_ROWS} rows; average the colours of a frame, and take larger ones"
        )
    height, width = first.shape
    gone = _gone_near_the_horizon(first, second)
    upright = _rotation("y", np.pi / 2)
    tilted = (ambikit.turn_equirectangular(picture[..., None], rotation=upright)[..., 0] for picture in (first, second))
    beside = upright.inv().apply(_gone_near_the_horizon(*tilted).reshape(-1, 3)).reshape(height, width, 3)
    beside = ambikit.turn_equirectangular(beside, rotation=upright.inv())
    here = _directions(height, width)
    polar = np.abs(here[..., 2:]) > np.sqrt(0.5)
    return _great_circles(here, np.where(polar, beside, gone))


def camera_rotation(
    flow: Float[np.ndarray, "height width 3"], weights: Float[np.ndarray, "height width"]
) -> "Rotation":
    r"""The one rotation of the whole scene that most of a flow follows: a turning camera turns all of it.

    The rotation R with the smallest :math:`\sum_p w_p \lVert v_p - R u_p \rVert^2` for pixels that went from
    :math:`u_p` to :math:`v_p` (the SVD of Kabsch), with weights that fall as :math:`(1 + r_p^2 / s^2)^{-2}` with the
    residual r over its median s (Geman and McClure): what moves by itself has no say unless it is most of the picture.

    Parameters
    ----------
    flow
        As :func:`spherical_flow` gives it.
    weights
        How much each pixel counts, 0 or more.

    Returns
    -------
    A SciPy ``Rotation``; none at all where no pixel counts.
    """
    from scipy.spatial.transform import Rotation

    before = _directions(*flow.shape[:2]).reshape(-1, 3)
    counted = weights.reshape(-1) > 0
    before, given = before[counted], weights.reshape(-1)[counted]
    after = _exponential(before, flow.reshape(-1, 3)[counted])
    found, current = Rotation.identity(), given
    finest = _RESOLVED * np.pi / len(flow)
    for _ in range(_ROUNDS if len(given) else 0):
        left, _, right = np.linalg.svd(np.einsum("p,pi,pj->ij", current, after, before))
        sign = np.linalg.det(left) * np.linalg.det(right)
        found = Rotation.from_matrix(left @ np.diag([1.0, 1.0, sign]) @ right)
        residual = np.linalg.norm(after - found.apply(before), axis=-1)
        current = given / (1.0 + (residual / max(float(np.median(residual)), finest)) ** 2) ** 2
    return found


def flow_of_the_scene(
    first: Shaped[np.ndarray, "height width"], second: Shaped[np.ndarray, "height width"]
) -> tuple[Float[np.ndarray, "height width 3"], "Rotation"]:
    """The flow that is left when the camera's own turning is taken away, and the turn it gave the whole scene.

    The second picture is turned back and the flow is sought again, until nothing is left to turn back. Pixels count for
    the turn by their solid angle and by how steep the brightness is there. Where there is no texture to follow the
    flow is 0. A camera that is carried forward is no turn: what is near moves. And where brightness itself changes, as
    on a ball that pulses, there is flow without motion.
    """
    height = len(first)
    weights = np.cos(_elevations(height))[:, None] * _gradient(first)
    turn, back = _rotation("z", 0.0), second
    flow = spherical_flow(first, back)
    for _ in range(_PASSES):
        correction = camera_rotation(flow, weights)
        if correction.magnitude() < _RESOLVED * np.pi / height:
            break
        turn = turn * correction
        back = ambikit.turn_equirectangular(second[..., None], rotation=turn.inv())[..., 0]
        flow = spherical_flow(first, back)
    return np.where(_has_texture(first)[..., None], flow, 0.0), turn


def _gone_near_the_horizon(first: np.ndarray, second: np.ndarray) -> Float[np.ndarray, "height width 3"]:
    """The directions to which the pixels have gone, from the flow in pixels."""
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError(
            "optical flow needs OpenCV, which is not installed or does not load; install it with: "
            "pip install 'ambikit[motion]', or opencv-python-headless where there is no display"
        ) from error
    height, width = first.shape
    margin = width // 4
    grey = (np.clip(np.rint(picture), 0, 255).astype(np.uint8) for picture in (first, second))
    pictures = [np.pad(picture, ((0, 0), (margin, margin)), "wrap") for picture in grey]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)  # the pictures are small already
    nowhere: Any = None
    moved = search.calc(*pictures, nowhere)[:, margin:-margin]
    row, column = np.indices((height, width))
    angles = ambikit.pixels_to_angles(column + moved[..., 0], row + moved[..., 1], width, height)
    return ambikit.angles_to_vectors(*angles)


def _great_circles(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The vectors that touch the sphere at one direction and lead to another, as long as the angle between them."""
    along = (before * after).sum(-1, keepdims=True)
    across = after - along * before
    length = np.linalg.norm(across, axis=-1, keepdims=True)
    return across * np.where(length > 0, np.arctan2(length, along) / np.where(length > 0, length, 1.0), 0.0)


def _exponential(before: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The directions to which such vectors lead."""
    angle = np.linalg.norm(flow, axis=-1, keepdims=True)
    return np.cos(angle) * before + np.sinc(angle / np.pi) * flow


def _gradient(picture: np.ndarray) -> Float[np.ndarray, "height width"]:
    """How much the brightness changes per radian, around and down."""
    height, width = picture.shape
    across = np.roll(picture, -1, 1) * 1.0 - np.roll(picture, 1, 1)
    across *= width / (4 * np.pi * np.cos(_elevations(height)))[:, None]
    return np.hypot(across, np.gradient(picture * 1.0, np.pi / height, axis=0))


def _has_texture(picture: np.ndarray) -> Bool[np.ndarray, "height width"]:
    """Where there is something to follow around a pixel."""
    from scipy.ndimage import maximum_filter

    steepest = maximum_filter(_gradient(picture), 2 * _AROUND + 1, mode=("nearest", "wrap"))
    return steepest * np.pi / len(picture) >= _TEXTURE


def _rotation(axis: str, angle: float) -> "Rotation":
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler(axis, angle)


def _elevations(height: int) -> Float[np.ndarray, "height"]:
    return ambikit.pixels_to_angles(0, np.arange(height), 2 * height, height)[1]


def _directions(height: int, width: int) -> Float[np.ndarray, "height width 3"]:
    row, column = np.indices((height, width))
    return ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, width, height))
