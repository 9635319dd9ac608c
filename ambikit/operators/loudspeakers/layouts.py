"""Where the loudspeakers stand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from ambikit._arrays import as_float_array, cached_design, is_torch
from ambikit._checks import check_choice, check_order
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.directions import angles_to_vectors
from ambikit.geometry.grids import fibonacci_grid
from ambikit.operators.loudspeakers.standard import RECOMMENDED, SOLIDS, direction_of_label, solid_directions

__all__ = ["Layout", "as_layout"]

_SAME_PLACE = np.radians(0.01)  # two loudspeakers nearer than this would be one
_HORIZON = 1e-6  # radians


@dataclass(frozen=True, init=False)
class Layout:
    """Loudspeakers around the listener: a label and a direction for each, in the order of the output channels.

    All stand at the same distance, or are delayed and attenuated as if they did. Wherever a layout is asked for, the
    name of a standard one will do.

    ==============================================  ==============================================================
    name                                            loudspeakers
    ==============================================  ==============================================================
    ``"stereo"``                                    ±30°
    ``"quad"``                                      ±45°, ±135°
    ``"5.0"``, ``"5.1"``                            ±30°, 0°, (LFE), ±110°
    ``"7.0"``, ``"7.1"``                            ±30°, 0°, (LFE), ±90°, ±135°
    ``"5.1.2"``, ``"5.1.4"``, ``"7.1.4"``           the same and an upper layer at 30° elevation
    ``"22.2"``                                      three layers, the zenith, and two LFE channels
    ``"tetrahedron"``, ``"octahedron"``,            4, 6, 8 corners of a regular body: a spherical design of degree 2
    ``"cube"``                                      or 3, so uniform for decoders of order 1
    ``"icosahedron"``, ``"dodecahedron"``           12, 20 corners: designs of degree 5, uniform for order 2
    ``"snub_cube"``                                 24 directions: a design of degree 7, uniform for order 3
    ==============================================  ==============================================================

    Labels, angles and the order of the channels are those of ITU-R BS.2051 (``"M+110"``: middle layer, azimuth 110°;
    U at elevation 30°, T at 90°, B at −30°). The order in files is often another: 7.1 in WAV files has the rear pair
    before the side pair. **LFE** channels carry effects that an Ambisonics signal does not have: they are there, so
    that the channels are those of the format, and stay silent.

    Parameters
    ----------
    azimuth, elevation
        One direction per loudspeaker, in radians, left and up positive; one elevation will do for all.
    labels
        A name for each, ``"1"``, ``"2"``, … by default.
    silent
        Labels of channels that get no signal, such as ``("LFE1",)``.
    name
        What to call the layout.
    degrees
        Whether the angles are in degrees.

    Raises
    ------
    ShapeError
        If angles and labels are not one per loudspeaker.
    AmbikitError
        If an angle is not finite, a label comes twice, or two loudspeakers stand in the same direction.

    References
    ----------
    Recommendation ITU-R BS.2051-3, Advanced sound system for programme production (2022), nominal directions.

    Examples
    --------
    >>> Layout.named("5.1").labels
    ('M+030', 'M-030', 'M+000', 'LFE1', 'M+110', 'M-110')
    >>> Layout([90, -90, 0, 180], degrees=True, labels=["left", "right", "front", "back"]).is_horizontal
    True
    """

    azimuth: tuple[float, ...]
    elevation: tuple[float, ...]
    labels: tuple[str, ...]
    silent: tuple[str, ...]
    name: str

    def __init__(
        self,
        azimuth: Any,
        elevation: Any = 0.0,
        *,
        labels: Sequence[str] | None = None,
        silent: Sequence[str] = (),
        name: str = "custom",
        degrees: bool = False,
    ) -> None:
        angles = [_numbers(angle) for angle in (azimuth, elevation)]
        count = len(angles[0]) if angles[0].ndim == 1 else 0
        if count == 0 or angles[1].shape not in ((), (1,), (count,)) or (labels is not None and len(labels) != count):
            raise ShapeError(
                f"got azimuth of shape {angles[0].shape}, elevation of shape {angles[1].shape} and "
                f"{'no' if labels is None else len(labels)} labels; expected one of each per loudspeaker"
            )
        azimuths, elevations = (np.broadcast_to(np.radians(a) if degrees else a, (count,)).tolist() for a in angles)
        names = tuple(str(number + 1) for number in range(count)) if labels is None else tuple(labels)
        for field, value in (
            ("azimuth", tuple(azimuths)),
            ("elevation", tuple(elevations)),
            ("labels", names),
            ("silent", tuple(silent)),
            ("name", name),
        ):
            object.__setattr__(self, field, value)
        self._check()

    def _check(self) -> None:
        if not np.isfinite([self.azimuth, self.elevation]).all():
            raise AmbikitError(f"got angles that are not finite in layout {self.name!r}; expected a direction for each")
        if len(set(self.labels)) < len(self.labels) or not set(self.silent) <= set(self.labels):
            raise AmbikitError(
                f"got labels {self.labels}, silent {self.silent}; expected different labels, and silent ones among them"
            )
        sounding = np.flatnonzero(self.sounding)
        if len(sounding) == 0:
            raise AmbikitError(f"got no sounding loudspeaker in layout {self.name!r}; expected at least one")
        vectors = self.vectors[sounding]
        distances = np.linalg.norm(vectors[:, None] - vectors, axis=-1) + 10 * np.eye(len(vectors))
        first, second = np.unravel_index(distances.argmin(), distances.shape)
        if distances[first, second] < _SAME_PLACE:
            twice = self.labels[sounding[first]], self.labels[sounding[second]]
            raise AmbikitError(
                f"got loudspeakers {twice[0]!r} and {twice[1]!r} in the same direction; expected different ones; "
                "leave one out and send it the signal of the other"
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def vectors(self) -> Float[np.ndarray, "loudspeakers 3"]:
        """Unit vectors towards the loudspeakers (x front, y left, z up)."""
        return angles_to_vectors(self.azimuth, self.elevation)

    @property
    def sounding(self) -> Bool[np.ndarray, "loudspeakers"]:
        """Which channels carry sound: all but the silent ones."""
        return np.array([label not in self.silent for label in self.labels])

    @property
    def is_horizontal(self) -> bool:
        """Whether all loudspeakers that sound stand on the horizon: then decoders are made for the circle."""
        return bool((np.abs(np.array(self.elevation)[self.sounding]) < _HORIZON).all())

    @property
    def left_right_partners(self) -> Int[np.ndarray, "loudspeakers"] | None:
        """For each channel the one that stands at its mirror image; None if the layout is not symmetric."""
        vectors, sounding = self.vectors, self.sounding
        distances = np.linalg.norm(vectors[:, None] * [1.0, -1.0, 1.0] - vectors, axis=-1)
        distances[~sounding] = distances[:, ~sounding] = 10.0
        distances[~sounding, ~sounding] = 0.0  # a silent channel stays where it is
        partners = distances.argmin(axis=1)
        return partners if distances.min(axis=1).max() < _SAME_PLACE else None

    @classmethod
    def names(cls) -> list[str]:
        """The names of the standard layouts."""
        return [*RECOMMENDED, *SOLIDS]

    @classmethod
    def named(cls, name: str) -> "Layout":
        """A standard layout.

        Examples
        --------
        >>> len(Layout.named("22.2")), int(Layout.named("22.2").sounding.sum())
        (24, 22)
        """
        check_choice(name, cls.names(), "layout")
        return _standard(name)

    @classmethod
    def polygon(cls, count: int, first: float = 0.0, *, degrees: bool = False) -> "Layout":
        """Loudspeakers at equal steps on the horizon, counter-clockwise from the azimuth ``first``.

        Examples
        --------
        >>> np.degrees(Layout.polygon(4, 45, degrees=True).azimuth).round(9).tolist()
        [45.0, 135.0, -135.0, -45.0]
        """
        count = check_order(count, minimum=2, name="count")
        start = np.radians(first) if degrees else first
        azimuth = start + 2 * np.pi * np.arange(count) / count
        return cls(np.pi - np.remainder(np.pi - azimuth, 2 * np.pi), name=f"polygon of {count}")

    @classmethod
    def fibonacci(cls, count: int) -> "Layout":
        """Loudspeakers spread almost evenly over the sphere, any number of them: see :func:`fibonacci_grid`."""
        return cls(*fibonacci_grid(check_order(count, minimum=4, name="count")), name=f"fibonacci {count}")


@cached_design
def _standard(name: str) -> Layout:
    if name in SOLIDS:
        return Layout(*solid_directions(name), name=name)
    labels = RECOMMENDED[name].split()
    azimuth, elevation = zip(*map(direction_of_label, labels))
    silent = [label for label in labels if label.startswith("LFE")]
    return Layout(azimuth, elevation, labels=labels, silent=silent, name=name, degrees=True)


def as_layout(layout: Any) -> Layout:
    """A layout, or the standard one of that name."""
    if isinstance(layout, Layout):
        return layout
    if isinstance(layout, str):
        return Layout.named(layout)
    raise AmbikitError(
        f"got layout of type {type(layout).__name__}; expected an ambikit.Layout or the name of a standard one: "
        f"{', '.join(Layout.names())}"
    )


def _numbers(angle: Any) -> np.ndarray:
    """Angles as float64 NumPy, also those of a tensor."""
    return np.asarray(angle.detach().cpu().double().numpy() if is_torch(angle) else as_float_array(angle))
