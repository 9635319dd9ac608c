"""The equirectangular axis that all pictures of the sphere share: azimuth grows to the left, as in a 360° frame."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ambikit._arrays import is_torch, widen
from ambikit.errors import MissingExtraError, ShapeError

__all__ = ["as_numpy", "draw_colour_bar", "draw_heat", "draw_marks", "label_azimuths", "panorama_axes", "pyplot"]

_EXTENT = (180.0, -180.0, -90.0, 90.0)  # degrees at the left, right, lower and upper edge
_AZIMUTHS = {180: "back", 90: "left", 0: "front", -90: "right", -180: "back"}


def pyplot() -> Any:
    """matplotlib.pyplot, imported now."""
    try:
        import matplotlib.pyplot
    except ImportError as error:
        raise MissingExtraError(
            "got no matplotlib; expected it for drawing; install it with: pip install 'ambikit[plot]'"
        ) from error
    return matplotlib.pyplot


def as_numpy(x: Any) -> np.ndarray:
    """Anything that can be drawn, as a NumPy array on the CPU."""
    return widen(x.detach().cpu())[0].numpy() if is_torch(x) else np.asarray(x)


def panorama_axes(axes: Any, panorama: Any) -> Any:
    """An axis with azimuth growing to the left, the picture of the place under it, if there is one."""
    if axes is None:
        axes = pyplot().figure(figsize=(9, 4.6), layout="constrained").add_subplot()
    if panorama is not None:
        picture = as_numpy(panorama)
        if picture.ndim != 3 or picture.shape[-1] != 3:
            raise ShapeError(f"got a panorama of shape {picture.shape}; expected (height, width, 3)")
        axes.imshow(picture, extent=_EXTENT, aspect="equal", interpolation="bilinear")
    axes.set_xlim(180, -180)
    axes.set_ylim(-90, 90)
    axes.set_aspect("equal")
    azimuths = range(180, -181, -45)
    axes.set_xticks(azimuths, [f"{a}°".replace("-", "−") + f"\n{_AZIMUTHS.get(a, '')}" for a in azimuths])
    axes.set_yticks(range(-90, 91, 30), [f"{e}°".replace("-", "−") for e in range(-90, 91, 30)])
    axes.set_xlabel("azimuth")
    axes.set_ylabel("elevation")
    return axes


def label_azimuths(axes: Any) -> None:
    """Azimuths on the vertical axis, where the horizontal one is time: the left side above the front."""
    axes.set_yticks(list(_AZIMUTHS), [f"{word} {angle}°".replace("-", "−") for angle, word in _AZIMUTHS.items()])
    axes.set_ylim(-180.5, 180.5)


def draw_heat(axes: Any, values: np.ndarray, limits: tuple[float, float], *, over_picture: bool) -> Any:
    """Draw a map over the sphere; over a picture small values are transparent."""
    low, high = limits
    alpha = None
    if over_picture:
        alpha = 0.75 * (values - low) / (high - low) if high > low else np.zeros_like(values, dtype=float)
        alpha = np.nan_to_num(alpha)  # where there is no value, nothing covers the picture
    return axes.imshow(
        values,
        extent=_EXTENT,
        aspect="equal",
        cmap="inferno",
        vmin=low,
        vmax=high,
        alpha=alpha,
        interpolation="nearest" if over_picture else "bilinear",
    )


def draw_colour_bar(axes: Any, image: Any, label: str) -> None:
    """A scale beside the map."""
    from matplotlib.cm import ScalarMappable

    opaque = ScalarMappable(image.norm, image.cmap)  # of its own, or the bar would be as transparent as the map
    axes.figure.colorbar(opaque, ax=axes, label=label, shrink=0.75, pad=0.02)


def draw_marks(axes: Any, azimuth: Any, elevation: Any, labels: Sequence[str] | None, degrees: bool) -> None:
    """Rings, and words if there are any, at directions on a panorama axis."""
    from matplotlib import patheffects

    azimuth, elevation = (np.atleast_1d(as_numpy(0.0 if a is None else a).astype(float)) for a in (azimuth, elevation))
    count = len(azimuth)
    if azimuth.shape != elevation.shape or azimuth.ndim != 1 or (labels is not None and len(labels) != count):
        raise ShapeError(
            f"got azimuth of shape {azimuth.shape}, elevation of shape {elevation.shape} and "
            f"{'no' if labels is None else len(labels)} labels; expected one of each per direction"
        )
    if not degrees:
        azimuth, elevation = np.degrees(azimuth), np.degrees(elevation)
    azimuth = (azimuth + 180) % 360 - 180
    outline = [patheffects.withStroke(linewidth=3, foreground="black")]
    for index in range(count):
        place = (azimuth[index], elevation[index])
        axes.plot(*place, "o", ms=13, mfc="none", mec="white", mew=2, path_effects=outline)
        if labels is not None:
            near_edge = place[0] < -120  # at the right edge the word goes to the left of its mark
            axes.annotate(
                labels[index],
                place,
                (-11 if near_edge else 11, 0),
                textcoords="offset points",
                ha="right" if near_edge else "left",
                va="center",
                color="white",
                fontweight="bold",
                path_effects=outline,
            )
