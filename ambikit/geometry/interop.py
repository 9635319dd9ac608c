"""Poses of other tools: what their yaw, pitch and roll do to a source, translated by rule instead of by ear.

Every tool here turns the sound field by the same three turns, about z (yaw), y (pitch) and x (roll), but in its own
order and with its own signs. That is all that has to be known, and it stands in one table.
"""

from math import pi
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import Array, namespace
from ambikit._checks import check_choice
from ambikit.errors import AmbikitError
from ambikit.geometry.directions import angles_in_radians
from ambikit.geometry.poses import rotation_to_quaternion

__all__ = ["TOOLS", "pose", "to_tool"]

# The matrix that moves the sources, as a product of turns; the rightmost factor is applied first. A minus: the tool
# counts the angle against the right-handed sense (front → left about z, front → down about y, left → up about x).
_TURNS = {
    "ambikit": "+yaw +pitch +roll",
    "scipy": "+yaw +pitch +roll",
    "spharpy": "+yaw +pitch +roll",
    "iem_roll_pitch_yaw": "+yaw +pitch +roll",
    "iem_yaw_pitch_roll": "+roll +pitch +yaw",
    "ambix_roll_pitch_yaw": "+yaw +pitch -roll",
    "ambix_yaw_pitch_roll": "-roll +pitch +yaw",
    "politis": "-roll +pitch +yaw",
    "saf": "-roll -pitch -yaw",
    "sparta": "-roll -pitch -yaw",
    "jsambisonics": "-roll -pitch -yaw",
    "libspatialaudio": "-roll -pitch -yaw",
    "spaudiopy": "-yaw -pitch -roll",
    "atk": "-pitch +roll +yaw",
}

_ANGLES = ("yaw", "pitch", "roll")
_AXES = (2, 1, 0)  # z, y, x
_PRODUCTS = {
    tool: tuple((_ANGLES.index(turn[1:]), 1.0 if turn[0] == "+" else -1.0) for turn in turns.split())
    for tool, turns in _TURNS.items()
}

# These take a quaternion in axes x right, y up, z back.
_WORLD = ("omnitone", "resonance")

#: The tools whose poses are known.
TOOLS = (*_TURNS, *_WORLD)


def pose(
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    tool: str,
    rotation: Any = None,
    degrees: bool = False,
) -> Float[Array, "*batch 4"]:
    """A pose as another tool writes it, as a rotation that :func:`ambikit.rotate` understands.

    ``rotate(signal, rotation=pose(yaw, pitch, roll, tool=...))`` moves every source to where that tool would move it.

    ==========================================================  ======  ======  ======  =============================
    tool: where the front (yaw, pitch) and the left (roll) go   yaw     pitch   roll    matrix that moves the sources
    ==========================================================  ======  ======  ======  =============================
    ``"ambikit"``, ``"scipy"`` (``"ZYX"``), ``"spharpy"``       left    down    up      Rz(y) Ry(p) Rx(r)
    ``"iem_roll_pitch_yaw"`` (SceneRotator)                     left    down    up      Rz(y) Ry(p) Rx(r)
    ``"iem_yaw_pitch_roll"`` (SceneRotator)                     left    down    up      Rx(r) Ry(p) Rz(y)
    ``"ambix_roll_pitch_yaw"`` (plug-in)                        left    down    down    Rz(y) Ry(p) Rx(−r)
    ``"ambix_yaw_pitch_roll"`` (plug-in), ``"politis"``         left    down    down    Rx(−r) Ry(p) Rz(y)
    ``"saf"``, ``"sparta"``, ``"jsambisonics"``,                right   up      down    Rx(−r) Ry(−p) Rz(−y)
    ``"libspatialaudio"`` (its default order)
    ``"spaudiopy"``                                             right   up      down    Rz(−y) Ry(−p) Rx(−r)
    ``"atk"``: yaw is its rotate, pitch its tumble, roll its    left    up      up      Ry(−p) Rx(r) Rz(y)
    tilt (``newRTT``)
    ``"resonance"``, ``"omnitone"``: a quaternion, see
    ``rotation``
    ==========================================================  ======  ======  ======  =============================

    Parameters
    ----------
    yaw, pitch, roll
        The three angles as the tool shows them, in radians: numbers, lists, arrays or tensors, which broadcast.
    tool
        One of :data:`TOOLS`.
    rotation
        Instead of angles, for ``"resonance"`` and ``"omnitone"`` only: quaternions ``(..., 4)`` in the order x, y, z,
        w, or a SciPy ``Rotation``, which move the sources in world axes x right, y up, z back. (Resonance's own
        constructor takes w first. A matrix of Omnitone lies column by column:
        ``Rotation.from_matrix(np.reshape(m, (3, 3)).T)``.)
    degrees
        Whether the angles are in degrees.

    Returns
    -------
    array
        Unit quaternions ``(..., 4)`` in our axes, in the order x, y, z, w (as SciPy has them): float64 NumPy, or a
        tensor with gradients if an angle is a tensor. For a torch signal give at least one angle as a tensor.

    Raises
    ------
    AmbikitError
        If the tool is unknown, or angles are given to a tool of quaternions or the reverse.
    ShapeError
        If the angles do not broadcast, or quaternions do not have four numbers.
    ArrayTypeError
        If NumPy arrays and tensors are mixed.

    See Also
    --------
    to_tool : the way back; ``to_tool(rotation, tool="ambikit")`` gives our own yaw, pitch and roll.

    Notes
    -----
    SciPy, spharpy and spaudiopy were run; SAF and Resonance agree with their own published test figures. The other
    rows follow from the published formulas of the tools, which were not run. SAF's other sequence (its
    roll-pitch-yaw flag) is left out, because there yaw drives the roll.

    References
    ----------
    Diebel, Representing attitude: Euler angles, unit quaternions, and rotation vectors (2006).

    Examples
    --------
    In SPARTA a yaw of 90° takes the front to the right, which we call −90°:

    >>> [float(angle) for angle in to_tool(pose(90, 0, 0, tool="sparta", degrees=True), tool="ambikit", degrees=True)]
    [-90.0, 0.0, 0.0]
    """
    check_choice(tool, TOOLS, "tool")
    given = [n for n, a in zip(_ANGLES, (yaw, pitch, roll)) if not isinstance(a, int | float | np.number) or a != 0]
    if tool in _WORLD:
        if rotation is None or given:
            raise AmbikitError(
                f"got {' and '.join(given) or 'no rotation'} for tool={tool!r}; expected a quaternion, as that tool "
                "has no yaw, pitch and roll; pass rotation=(x, y, z, w) in its axes x right, y up, z back"
            )
        x, y, z, w = _components(rotation)
        return _stack(-z, -x, y, w)
    if rotation is not None:
        raise AmbikitError(
            f"got rotation for tool={tool!r}; expected its yaw, pitch and roll; a rotation in our axes needs no "
            "translation: pass it to ambikit.rotate"
        )
    angles = angles_in_radians(yaw, pitch, roll, degrees=degrees)
    xp = namespace(*angles)
    (a, b, c), (i, j, k), handed = _sequence(tool)
    first, middle, last = (sign * angles[which] / 2 for which, sign in (a, b, c))
    # The product of three quaternions that turn about i, j and k, where i j = ± k.
    total, difference = first + handed * last, first - handed * last
    # From the sum and the difference of the outer angles, as to_tool takes it apart.
    wide, narrow = xp.cos(middle) + xp.sin(middle), xp.cos(middle) - xp.sin(middle)
    parts: list[Any] = [None, None, None]
    parts[i] = (wide * xp.sin(total) + narrow * xp.sin(difference)) / 2
    parts[j] = (wide * xp.cos(total) - narrow * xp.cos(difference)) / 2
    parts[k] = handed * (wide * xp.sin(total) - narrow * xp.sin(difference)) / 2
    return _stack(*parts, (wide * xp.cos(total) + narrow * xp.cos(difference)) / 2)


def to_tool(rotation: Any, *, tool: str, degrees: bool = False) -> Any:
    """A rotation of ours, as another tool writes it: what to type there so that it does the same.

    Parameters
    ----------
    rotation
        A SciPy ``Rotation`` (one or many) or quaternions ``(..., 4)`` in the order x, y, z, w, of any length but 0,
        in our axes, as :func:`ambikit.rotate` has them; so also what :func:`pose` returns.
    tool
        One of :data:`TOOLS`; see :func:`pose` for the table.
    degrees
        Whether to return degrees.

    Returns
    -------
    tuple of arrays
        Yaw, pitch and roll of the tool, each ``(...)``, always in this order (for ``"atk"``: rotate, tumble, tilt).
        The middle turn of the tool's product (pitch; for ``"atk"`` tilt) is in [−π/2, π/2], the others in [−π, π]. At
        a quarter turn of the middle one the other two turn about the same axis (gimbal lock) and only their sum or
        difference counts: then yaw has all of it and the other is 0. The angles always describe the rotation given,
        to rounding. Gradients are finite; at gimbal lock that of the middle angle is 0.
    array
        For ``"resonance"`` and ``"omnitone"`` instead: unit quaternions ``(..., 4)``, x, y, z, w, in axes x right,
        y up, z back.

    Raises
    ------
    AmbikitError
        If the tool is unknown, or ``rotation`` is not a rotation.
    ShapeError
        If quaternions do not have four numbers.

    References
    ----------
    Bernardes and Viollet, Quaternion to Euler angles conversion: a direct, general and computationally efficient
    method, PLOS ONE 17 (2022).

    Examples
    --------
    What we call a pitch of 30° (down) is −30° for libspatialaudio:

    >>> turn = pose(0, 30, 0, tool="ambikit", degrees=True)
    >>> [round(float(angle), 9) for angle in to_tool(turn, tool="libspatialaudio", degrees=True)]
    [0.0, -30.0, 0.0]
    """
    check_choice(tool, TOOLS, "tool")
    components = _components(rotation)
    if tool in _WORLD:
        x, y, z, w = components
        return _stack(-y, z, -x, w)
    xp = namespace(components[0])
    (a, b, c), (i, j, k), handed = _sequence(tool)
    u, v, n, w = components[i], components[j], handed * components[k], components[3]
    # u + n, w + v = √2 sin(β) (sin, cos)(half the sum), u − n, w − v = √2 cos(β) (sin, cos)(half the difference), with
    # β = 45° + half the middle angle: a small pair has a vague angle, but then that angle hardly matters.
    upper, upper_lost = _length(u + n, w + v)
    lower, lower_lost = _length(u - n, w - v)
    total = _angle(u + n, w + v, upper_lost)
    difference = _angle(u - n, w - v, lower_lost)
    keep_first = 1.0 if a[0] == 0 else -1.0  # yaw is the first factor, or the last
    total = xp.where(upper_lost, keep_first * difference, total)
    difference = xp.where(lower_lost, keep_first * total, difference)
    middle = 2 * xp.arctan2(upper, lower) - pi / 2
    angles: list[Any] = [None, None, None]
    for (which, sign), angle in zip((a, b, c), (total + difference, middle, handed * (total - difference))):
        angle = sign * (angle - 2 * pi * xp.round(angle / (2 * pi))) + 0.0  # no negative zeros
        angles[which] = angle * (180 / pi) if degrees else angle
    return tuple(angles)


def _sequence(tool: str) -> tuple[Any, tuple[int, ...], float]:
    """The factors (angle, sign) of a tool's product, their axes, and whether these follow each other as x y z do."""
    product = _PRODUCTS[tool]
    axes = tuple(_AXES[which] for which, _ in product)
    return product, axes, 1.0 if (axes[1] - axes[0]) % 3 == 1 else -1.0


def _components(rotation: Any) -> tuple[Array, ...]:
    """x, y, z, w of a rotation, at length 1."""
    quaternion = rotation_to_quaternion(rotation)
    return tuple(quaternion[..., i] for i in range(4))


def _stack(x: Array, y: Array, z: Array, w: Array) -> Array:
    return namespace(x).stack([x, y, z, w], -1)


def _length(x: Array, y: Array) -> tuple[Array, Array]:
    """√(x² + y²), and where it is nothing but rounding of unit quaternions; there it is 0, without gradient."""
    xp = namespace(x)
    lost = x * x + y * y < (16 * float(xp.finfo(x.dtype).eps)) ** 2
    zero, one = xp.zeros_like(x), xp.ones_like(x)
    return xp.where(lost, zero, xp.hypot(xp.where(lost, one, x), xp.where(lost, zero, y))), lost


def _angle(sine: Array, cosine: Array, lost: Array) -> Array:
    """The angle of a pair, 0 without gradient where the pair is lost."""
    xp = namespace(sine)
    return xp.arctan2(xp.where(lost, xp.zeros_like(sine), sine), xp.where(lost, xp.ones_like(cosine), cosine))
