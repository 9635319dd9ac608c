"""Where the capsules of a microphone array are, and what each of them hears."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, isqrt
from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._arrays import cached_design
from ambikit._checks import check_choice
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.geometry.directions import angles_in_radians, angles_to_vectors, vectors_to_angles
from ambikit.geometry.poses import euler_to_matrix, rotation_to_matrix
from ambikit.operators.microphones.geometries import KNOWN, tetrahedron_directions

__all__ = ["SPEED_OF_SOUND", "MicrophoneArray", "as_microphone_array", "check_positive"]

#: in metres per second, at 20 °C
SPEED_OF_SOUND = 343.0
_BAFFLES = ("open", "rigid")
_SAME_PLACE = 1e-4  # of the radius


@dataclass(frozen=True, init=False)
class MicrophoneArray:
    """A microphone of several capsules on a sphere, which look outwards, in the order of the recorded channels.

    Wherever an array is asked for, the name of a known one will do.

    ==================  ==============================================================================================
    name                array
    ==================  ==============================================================================================
    ``"tetrahedron"``   four cardioids, FLU FRD BLD BRU, 14.7 mm off the middle: the Soundfield microphone in general
    ``"ambeo_vr"``      Sennheiser AMBEO VR Mic, the same order, 14 mm
    ``"tetramic"``      Core Sound TetraMic, the same order, 20 mm
    ``"sps200"``        SoundField SPS200, the same order, 20 mm
    ``"h3_vr"``         Zoom H3-VR standing upright, the same order, 12 mm
    ``"zm1"``           Zylia ZM-1, 19 capsules on a rigid sphere of 49 mm
    ``"em32"``          mh acoustics em32 Eigenmike, 32 capsules on a rigid sphere of 42 mm
    ``"em64"``          mh acoustics em64 Eigenmike, 64 capsules on a rigid sphere of 42 mm
    ==================  ==============================================================================================

    F or B, L or R, U or D say where a capsule of a tetrahedron looks: FLU is front left up. An array that hung upside
    down or lay on its back is the same array :meth:`turned`.

    Parameters
    ----------
    azimuth, elevation
        One direction per capsule, in radians, left and up positive.
    radius
        Of the sphere on which the capsules are, in metres.
    baffle
        ``"open"``: capsules that float in the air, or ``"rigid"``: pressure capsules flush with a hard sphere.
    pattern
        What an open capsule hears at the angle γ off the direction it looks in: ``pattern + (1 − pattern) cos γ``.
        1 is pressure alone, 0.5 a cardioid, 0 a figure of eight.
    labels
        A name for each capsule, ``"1"``, ``"2"``, … by default.
    name
        What to call the array.
    degrees
        Whether the angles are in degrees.

    Raises
    ------
    ShapeError
        If angles and labels are not one per capsule.
    AmbikitError
        If an angle is not finite, the radius not positive, the pattern not within 0 and 1 (a rigid sphere leaves
        nothing but pressure: 1), a label comes twice, or two capsules are in one place.

    References
    ----------
    Gerzon, The design of precisely coincident microphone arrays for stereo and surround sound, 50th AES Convention
    (1975); Meyer and Elko, A highly scalable spherical microphone array, ICASSP (2002); the makers' tables.

    Examples
    --------
    >>> MicrophoneArray.named("em32")
    MicrophoneArray('em32': 32 capsules on a rigid sphere of 42 mm)
    >>> MicrophoneArray([0, 120, -120], [0, 0, 0], radius=0.05, pattern=0.5, degrees=True).labels
    ('1', '2', '3')
    """

    azimuth: tuple[float, ...]
    elevation: tuple[float, ...]
    radius: float
    baffle: str
    pattern: float
    labels: tuple[str, ...]
    name: str

    def __init__(
        self,
        azimuth: Any,
        elevation: Any,
        radius: float,
        baffle: str = "open",
        pattern: float = 1.0,
        *,
        labels: Sequence[str] | None = None,
        name: str = "custom",
        degrees: bool = False,
    ) -> None:
        angles = angles_in_radians(azimuth, elevation, degrees=degrees)
        azimuths, elevations = (np.asarray(angle, dtype=np.float64) for angle in np.broadcast_arrays(*angles))
        if azimuths.ndim != 1 or len(azimuths) == 0 or (labels is not None and len(labels) != len(azimuths)):
            raise ShapeError(
                f"got directions of shape {azimuths.shape} and {'no' if labels is None else len(labels)} labels; "
                "expected one of each per capsule; put them on one axis"
            )
        names = tuple(str(number + 1) for number in range(len(azimuths))) if labels is None else tuple(labels)
        for field, value in (
            ("azimuth", tuple(azimuths.tolist())),
            ("elevation", tuple(elevations.tolist())),
            ("radius", check_positive(radius, "radius", "metres, e.g. 0.042")),
            ("baffle", baffle),
            ("pattern", pattern),
            ("labels", names),
            ("name", name),
        ):
            object.__setattr__(self, field, value)
        self._check()

    def _check(self) -> None:
        check_choice(self.baffle, _BAFFLES, "baffle")
        lowest = 1 if self.baffle == "rigid" else 0
        if not isinstance(self.pattern, int | float | np.number) or not lowest <= self.pattern <= 1:
            what = "1: at a rigid wall there is nothing but pressure" if lowest else "0 (figure of eight) to 1 (omni)"
            raise AmbikitError(f"got pattern={self.pattern!r} with baffle={self.baffle!r}; expected {what}")
        if not np.isfinite([self.azimuth, self.elevation]).all():
            raise AmbikitError(f"got angles that are not finite in array {self.name!r}; expected a direction for each")
        distances = np.linalg.norm(self.vectors[:, None] - self.vectors, axis=-1) + 10 * np.eye(len(self))
        if len(set(self.labels)) < len(self) or distances.min() < _SAME_PLACE:
            raise AmbikitError(
                f"got two capsules of one name or in one place in array {self.name!r}; expected different ones; leave "
                "one of them out, here and in the recording"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        where = f"{self.baffle} sphere of {self.radius * 1000:g} mm"
        return f"MicrophoneArray({self.name!r}: {len(self)} capsules on {'an' if where[0] == 'o' else 'a'} {where})"

    @property
    def vectors(self) -> Float[np.ndarray, "capsules 3"]:
        """Unit vectors towards the capsules (x front, y left, z up)."""
        return angles_to_vectors(self.azimuth, self.elevation)

    @property
    def order(self) -> int:
        """The highest order that there are capsules enough for."""
        return isqrt(len(self)) - 1

    def aliasing_frequency(self, order: int | None = None, *, speed_of_sound: float = SPEED_OF_SOUND) -> float:
        """Above which frequency, in Hz, the capsules of an order are too far apart: where k r is the order.

        From there on sound of higher degrees, which the capsules cannot tell from the lower ones, is no longer weak:
        c · order / (2π r).

        Examples
        --------
        >>> round(MicrophoneArray.named("em32").aliasing_frequency())
        5199
        """
        order = self.order if order is None else order
        return speed_of_sound * order / (2 * np.pi * self.radius)

    def turned(
        self, yaw: Any = 0.0, pitch: Any = 0.0, roll: Any = 0.0, *, rotation: Any = None, degrees: bool = False
    ) -> "MicrophoneArray":
        """The same array in another pose: a capsule that looked towards d looks towards R d, as in :func:`rotate`.

        Examples
        --------
        Hung upside down, the capsule that looked front left up looks front right down:

        >>> array = MicrophoneArray.named("tetrahedron").turned(roll=180, degrees=True)
        >>> array.labels[0], np.sign(array.vectors[0]).tolist()
        ('FLU', [1.0, -1.0, -1.0])
        """
        angles = [np.asarray(angle, dtype=np.float64) for angle in angles_in_radians(yaw, pitch, roll, degrees=degrees)]
        matrix = euler_to_matrix(*angles) if rotation is None else rotation_to_matrix(rotation)
        azimuth, elevation = vectors_to_angles(self.vectors @ matrix.T)
        name = self.name if self.name.endswith(", turned") else f"{self.name}, turned"
        return MicrophoneArray(
            azimuth, elevation, self.radius, self.baffle, self.pattern, labels=self.labels, name=name
        )

    @classmethod
    def names(cls) -> list[str]:
        """The names of the known arrays."""
        return list(KNOWN)

    @classmethod
    def named(cls, name: str) -> "MicrophoneArray":
        """A known array.

        Examples
        --------
        >>> MicrophoneArray.named("ambeo_vr").labels
        ('FLU', 'FRD', 'BLD', 'BRU')
        """
        check_choice(name, KNOWN, "array")
        return _known(name)

    @classmethod
    def tetrahedron(
        cls,
        capsules: str | Sequence[str] = ("FLU", "FRD", "BLD", "BRU"),
        radius: float = 0.0147,
        pattern: float = 0.5,
        *,
        name: str = "tetrahedron",
    ) -> "MicrophoneArray":
        """An A-format microphone whose capsules are called by where they look, in the order of its channels.

        Examples
        --------
        The mirrored tetrahedron, with one more of the two that stand on an edge:

        >>> MicrophoneArray.tetrahedron("FRU FLD BRD BLU").labels
        ('FRU', 'FLD', 'BRD', 'BLU')
        >>> np.degrees(MicrophoneArray.tetrahedron("FU FD BL BR").elevation).round(1).tolist()
        [54.7, -54.7, 0.0, 0.0]
        """
        labels = tuple(capsules.split() if isinstance(capsules, str) else capsules)
        return cls(*tetrahedron_directions(labels), radius, "open", pattern, labels=labels, name=name)


@cached_design
def _known(name: str) -> MicrophoneArray:
    known = KNOWN[name]
    if isinstance(known.capsules[0], str):
        return MicrophoneArray.tetrahedron(known.capsules, known.radius, known.pattern, name=name)
    azimuth, elevation = np.array(known.capsules, dtype=np.float64).T
    return MicrophoneArray(azimuth, elevation, known.radius, known.baffle, known.pattern, name=name, degrees=True)


def as_microphone_array(array: Any) -> MicrophoneArray:
    """An array, or the known one of that name."""
    if isinstance(array, MicrophoneArray):
        return array
    if isinstance(array, str):
        return MicrophoneArray.named(array)
    raise ArrayTypeError(
        f"got array of type {type(array).__name__}; expected an ambikit.MicrophoneArray or the name of a known one: "
        f"{', '.join(MicrophoneArray.names())}"
    )


def check_positive(value: Any, name: str, unit: str) -> float:
    """Check a positive, finite number and return it as a float."""
    if not isinstance(value, int | float | np.number) or not isfinite(value) or value <= 0:
        raise AmbikitError(f"got {name}={value!r}; expected a positive number, in {unit}")
    return float(value)
