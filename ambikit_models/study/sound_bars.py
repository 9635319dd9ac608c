"""A yellow bar over pictures where the sound seems to come from, as figure 4 of yang2020 draws it."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from ambikit_models.downstream.localization.heard_places import HeardPlaces
from ambikit_models.downstream.localization.sound_components import bins_of
from ambikit_models.preparation.clip_files import Storing, write_pictures

__all__ = ["bar_places", "barred", "draw_bars", "write_bars"]

_YELLOW = np.array([255, 220, 0], np.float64)
_OPAQUE = 0.85


def bar_places(places: HeardPlaces, bins: int = 16) -> Float[np.ndarray, "clips frames"]:
    """Where the bars stand, from 0 at the left edge of the picture to 1 at the right one, in the middle of their bins.

    The values of the first component of all clips are sorted into bins that hold equally many, from left to right.
    Azimuths are sorted into equal parts of the panorama, whose left half shows what is on the left.

    Examples
    --------
    >>> around = HeardPlaces(np.radians([[90.0, 0.0, -90.0]]), np.zeros((1, 3)), True, 1.0, 1.0)
    >>> bar_places(around, 8).tolist()
    [[0.3125, 0.5625, 0.8125]]
    """
    if places.around:
        numbers = np.floor((0.5 - places.found / (2 * np.pi)) % 1.0 * bins)
    else:
        numbers = bins_of(places.found.ravel(), bins).reshape(places.found.shape)
    return (numbers + 0.5) / bins


def barred(
    pictures: UInt8[np.ndarray, "pictures height width 3"], bars: Float[np.ndarray, "frames"]
) -> UInt8[np.ndarray, "pictures height width 3"]:
    """Draw bars over pictures, both spread evenly over the same clip; each picture has the bar of its time.

    Examples
    --------
    >>> night = np.zeros((2, 2, 8, 3), np.uint8)
    >>> (barred(night, np.array([0.0, 0.99]))[:, 0, :, 0] > 0).astype(int).tolist()
    [[1, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 1]]
    """
    width = pictures.shape[2]
    thick = max(2, width // 48)
    drawn = pictures.copy()
    for number, picture in enumerate(drawn):
        place = bars[(2 * number + 1) * len(bars) // (2 * len(drawn))]
        first = int(np.clip(round(place * width - thick / 2), 0, width - thick))
        under = picture[:, first : first + thick]
        picture[:, first : first + thick] = np.round((1 - _OPAQUE) * under + _OPAQUE * _YELLOW)
    return drawn


def draw_bars(
    pictures: UInt8[np.ndarray, "pictures height width 3"],
    bars: Float[np.ndarray, "frames"],
    path: Path,
    *,
    shown: int = 5,
    title: str = "",
) -> None:
    """Draw some pictures with their bars side by side into a PNG, in the order of time."""
    import matplotlib.pyplot as plt

    chosen = np.unique(np.linspace(0, len(pictures) - 1, shown).round().astype(int))
    frames = barred(pictures, bars)[chosen]
    shape = frames.shape[2] / frames.shape[1]
    figure, axes = plt.subplots(
        1, len(chosen), figsize=(2.2 * shape * len(chosen), 2.6), squeeze=False, layout="constrained"
    )
    for axis, frame in zip(axes[0], frames, strict=True):
        axis.imshow(frame)
        axis.set_axis_off()
    figure.suptitle(title or "Where the sound comes from, by its embedding alone")
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)


def write_bars(
    pictures: UInt8[np.ndarray, "pictures height width 3"],
    bars: Float[np.ndarray, "frames"],
    path: Path,
    frame_rate: float,
) -> None:
    """Write pictures with their bars as a video, without sound."""
    write_pictures(path, barred(pictures, bars), Storing(height=pictures.shape[1], frame_rate=frame_rate))
