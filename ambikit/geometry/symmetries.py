"""The symmetries of the axes: the 48 ways to put front, left and up onto the axes, 24 turns and 24 mirror images."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations, product
from math import pi
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from ambikit._arrays import Array, cached_design, namespace
from ambikit._checks import check_choice
from ambikit.errors import AmbikitError
from ambikit.geometry.channels import degree_pairs
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors, vectors_to_angles

__all__ = ["CHANNEL_SWAPS", "OCTAHEDRAL_GROUP", "Symmetry", "channel_map"]


@dataclass(frozen=True)
class Symmetry:
    """A turn or mirror image that takes axes to axes: one of the 48 elements of the octahedral group.

    A source in direction v is afterwards in direction v', with ``v'[i] = signs[i] · v[axes[i]]`` and v = (x, y, z).
    ``a @ b`` is first b, then a.

    Attributes
    ----------
    axes
        For each new coordinate x, y, z the old one it is taken from: a permutation of 0, 1, 2.
    signs
        The sign of each new coordinate, 1 or −1.

    Raises
    ------
    AmbikitError
        If the axes are no permutation of 0, 1, 2 or a sign is neither 1 nor −1.

    Examples
    --------
    A quarter turn to the left: what was in front (+x) is on the left, so the new y is the old x:

    >>> turn = Symmetry(axes=(1, 0, 2), signs=(-1, 1, 1))
    >>> turn.is_rotation, turn.keeps_horizon
    (True, True)
    >>> azimuth, elevation = turn.move_angles(30, 10, degrees=True)
    >>> float(azimuth), float(elevation)
    (120.0, 10.0)
    >>> turn @ turn @ turn @ turn == OCTAHEDRAL_GROUP[0]
    True
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]

    def __post_init__(self) -> None:
        if sorted(self.axes) != [0, 1, 2] or not set(self.signs) <= {1, -1} or len(self.signs) != 3:
            raise AmbikitError(
                f"got axes={self.axes!r}, signs={self.signs!r}; expected a permutation of (0, 1, 2) and three signs, "
                "1 or -1; choose from OCTAHEDRAL_GROUP"
            )

    @classmethod
    def mirror(cls, plane: str) -> "Symmetry":
        """The mirror image that exchanges ``"left_right"``, ``"front_back"`` or ``"up_down"``."""
        check_choice(plane, _MIRRORS, "plane")
        return _MIRRORS[plane]

    @classmethod
    def from_matrix(cls, matrix: Any) -> "Symmetry":
        """The symmetry of a 3 × 3 matrix with one entry ±1 in each row and column, else 0 (to 1e-6)."""
        given = np.asarray(matrix, dtype=np.float64)
        if given.shape == (3, 3):
            axes = tuple(int(i) for i in np.abs(given).argmax(axis=1))
            signs = tuple(1 if given[row, axis] > 0 else -1 for row, axis in enumerate(axes))
            if sorted(axes) == [0, 1, 2]:
                found = cls(axes, signs)
                if np.abs(found.matrix - given).max() <= 1e-6:
                    return found
        raise AmbikitError(
            f"got a matrix of shape {given.shape} that does not take axes to axes; expected 3 × 3 with one entry 1 or "
            "-1 in each row and column; other turns are ambikit.rotate and ambikit.turn_equirectangular"
        )

    @property
    def matrix(self) -> Float[np.ndarray, "3 3"]:
        """The orthogonal 3 × 3 matrix, float64, that acts on column vectors (x, y, z)."""
        return np.diag(self.signs).astype(np.float64) @ np.eye(3)[list(self.axes)]

    @property
    def determinant(self) -> int:
        """1 for a turn, −1 for a mirror image."""
        sign = self.signs[0] * self.signs[1] * self.signs[2]
        return sign if self.axes in ((0, 1, 2), (1, 2, 0), (2, 0, 1)) else -sign

    @property
    def is_rotation(self) -> bool:
        """Whether it is a turn; if not, a picture that belongs to the sound is mirrored too."""
        return self.determinant == 1

    @property
    def keeps_horizon(self) -> bool:
        """Whether the vertical axis stays vertical.

        So it is for 16 of the 48. They exchange pixels of a 360° picture and need no resampling, and exchange channels
        with a change of sign at every order.
        """
        return self.axes[2] == 2

    def inverse(self) -> "Symmetry":
        """The symmetry that takes it back."""
        axes, signs = [0, 0, 0], [1, 1, 1]
        for new, old in enumerate(self.axes):
            axes[old], signs[old] = new, self.signs[new]
        return Symmetry((axes[0], axes[1], axes[2]), (signs[0], signs[1], signs[2]))

    def __matmul__(self, other: "Symmetry") -> "Symmetry":
        if not isinstance(other, Symmetry):
            return NotImplemented
        axes = tuple(other.axes[axis] for axis in self.axes)
        signs = tuple(sign * other.signs[axis] for sign, axis in zip(self.signs, self.axes, strict=True))
        return Symmetry(axes, signs)

    def horizontal_turn(self) -> tuple[int, int, int]:
        """(sense, quarters, upright) of a symmetry that keeps the horizon.

        A source at (azimuth, elevation) goes to (sense · azimuth + quarters · 90°, upright · elevation).
        """
        if not self.keeps_horizon:
            raise AmbikitError(f"got {self}; expected a symmetry that keeps the horizon; use its matrix")
        # where the front goes: to x, or to y
        quarters = (0 if self.signs[0] > 0 else 2) if self.axes[0] == 0 else (1 if self.signs[1] > 0 else 3)
        return self.determinant * self.signs[2], quarters, self.signs[2]

    def move_angles(
        self, azimuth: Any, elevation: Any, *, degrees: bool = False
    ) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        """Where a source goes.

        Parameters
        ----------
        azimuth, elevation
            Its direction: numbers, lists, arrays or tensors, in radians.
        degrees
            Whether all angles, also the results, are in degrees.

        Returns
        -------
        azimuth, elevation
            The new direction, azimuth in [−π, π]; float64 NumPy, or tensors if an angle is a tensor. Where the horizon
            is kept the angles are moved by whole quarter turns, without rounding in degrees.
        """
        if not self.keeps_horizon:
            vectors = angles_to_vectors(azimuth, elevation, degrees=degrees)
            moved = [sign * vectors[..., axis] for sign, axis in zip(self.signs, self.axes, strict=True)]
            return vectors_to_angles(namespace(vectors).stack(moved, -1), degrees=degrees)
        azimuth, elevation = angles_in_radians(azimuth, elevation)  # for the library alone
        sense, quarters, upright = self.horizontal_turn()
        turn = 360.0 if degrees else 2 * pi
        azimuth = sense * azimuth + quarters * (turn / 4)
        return azimuth - turn * namespace(azimuth).round(azimuth / turn), upright * elevation


_MIRRORS = {
    "left_right": Symmetry((0, 1, 2), (1, -1, 1)),
    "front_back": Symmetry((0, 1, 2), (-1, 1, 1)),
    "up_down": Symmetry((0, 1, 2), (1, 1, -1)),
}


def _group() -> Iterable[Symmetry]:
    return (Symmetry(axes, signs) for axes in permutations((0, 1, 2)) for signs in product((1, -1), repeat=3))


#: All 48 symmetries: the 24 turns first, beginning with the one that changes nothing, then the 24 mirror images.
OCTAHEDRAL_GROUP: tuple[Symmetry, ...] = tuple(sorted(_group(), key=lambda s: not s.is_rotation))


def _swap(index: int) -> Symmetry:
    """The channel swap of an index, as :func:`ambikit.acs` numbers them."""
    quarters, mirrored, reflection = index % 4, index // 4 % 2 == 1, index // 8 == 1
    sense = -1 if mirrored != reflection else 1
    upright = -1 if mirrored else 1
    cosine, sine = (1, 0, -1, 0)[quarters], (0, 1, 0, -1)[quarters]
    return Symmetry.from_matrix([[cosine, -sense * sine, 0], [sine, sense * cosine, 0], [0, 0, upright]])


#: The 16 symmetries that keep the horizon, in the numbering of :func:`ambikit.acs`: 8 turns, then 8 mirror images.
CHANNEL_SWAPS: tuple[Symmetry, ...] = tuple(_swap(index) for index in range(16))


@cached_design
def channel_map(
    axes: tuple[int, int, int], signs: tuple[int, int, int], order: int
) -> tuple[Int[np.ndarray, "channels"], Float[np.ndarray, "channels"]]:
    """Which channel each channel becomes, and with which sign: ``moved[c] = sign[c] · signal[source[c]]``.

    By whole numbers alone: cos m(±a + q 90°) is ±cos m a or ±sin m a. From order 2 on there is such a map only for a
    symmetry that keeps the horizon; any other mixes channels, and is refused.

    Examples
    --------
    A quarter turn to the left: Y was X, and X was −Y:

    >>> source, sign = channel_map((1, 0, 2), (-1, 1, 1), 1)
    >>> source.tolist(), sign.tolist()
    ([0, 3, 2, 1], [1.0, 1.0, 1.0, -1.0])
    """
    if order < 2:
        channel_of_axis = (3, 1, 2)
        source, sign = [0, 0, 0, 0], [1, 1, 1, 1]
        for new, channel in enumerate(channel_of_axis):
            source[channel], sign[channel] = channel_of_axis[axes[new]], signs[new]
        count = (order + 1) ** 2
        return np.array(source[:count]), np.array(sign[:count], dtype=np.float64)
    sense, quarters, upright = Symmetry(axes, signs).horizontal_turn()
    source, sign = [], []
    for n, m in degree_pairs(order):
        cosine, sine = ((1, 0), (0, 1), (-1, 0), (0, -1))[abs(m) * quarters % 4]
        exchanged = sine != 0
        if m < 0:
            value = sine if exchanged else sense * cosine
        else:
            value = -sense * sine if exchanged else cosine
        source.append(n * n + n + (-m if exchanged else m))
        sign.append(value * (upright if (n + m) % 2 == 1 else 1))
    return np.array(source), np.array(sign, dtype=np.float64)
