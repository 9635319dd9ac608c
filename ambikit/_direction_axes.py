"""Pictures of what was found in the segments of a recording: directions, and numbers such as diffuseness and level."""

from typing import Any

import numpy as np

from ambikit._panorama_axes import as_numpy, label_azimuths, pyplot
from ambikit.errors import ShapeError

__all__ = ["directions_over_time", "values_over_time"]

_DARKEST = 0.22  # of the colour map: what is weak can still be seen on its black ground


def directions_over_time(
    times: Any, azimuth: Any, elevation: Any, strength: Any = None, *, degrees: bool = False, axes: Any = None
) -> tuple[Any, Any]:
    """Show from where sounds come as time goes on: a bar per segment and source, the brighter the stronger.

    Parameters
    ----------
    times : array of shape (segments + 1,)
        Where the segments begin, and where the last one ends, in seconds.
    azimuth, elevation : array of shape (segments,) or (segments, sources)
        Directions, e.g. of :func:`ambikit.direction_of_arrival`; NaN where there is none.
    strength : array like these, optional
        How strong each is; the scale goes from 0 to the largest.
    degrees : bool
        Whether the angles are in degrees.
    axes : pair of matplotlib Axes, optional
        Where to draw azimuth and elevation; a new figure by default.

    Returns
    -------
    pair of matplotlib.axes.Axes
        The azimuths, with the left side above the front, and the elevations, both in degrees.

    Raises
    ------
    ShapeError
        If there is not one time more than there are directions, or the arrays differ in shape.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    First left, then right and above, each for half a second:

    >>> upper, lower = directions_over_time([0, 0.5, 1], [90, -90], [0, 45], [0.4, 0.8], degrees=True)
    >>> [bar.tolist() for bar in upper.collections[0].get_segments()]
    [[[0.0, 90.0], [0.5, 90.0]], [[0.5, -90.0], [1.0, -90.0]]]
    """
    times = as_numpy(times).astype(float)
    found = [as_numpy(each).astype(float) for each in (azimuth, elevation, 1.0 if strength is None else strength)]
    if strength is None:
        found[2] = np.ones(found[0].shape)
    _check_segments(times, found[0], "azimuth")
    if any(each.shape != found[0].shape for each in found):
        raise ShapeError(
            f"got azimuth, elevation and strength of shapes {', '.join(str(each.shape) for each in found)}; "
            "expected the same for all, (segments,) or (segments, sources)"
        )
    starts, ends = (np.broadcast_to(edge[:, None], (len(edge), found[0][0].size)) for edge in (times[:-1], times[1:]))
    azimuth, elevation, strength = (each.reshape(starts.shape) for each in found)
    if not degrees:
        azimuth, elevation = np.degrees(azimuth), np.degrees(elevation)
    azimuth = 180 - (180 - azimuth) % 360  # −180 < azimuth ≤ 180
    if axes is None:
        figure = pyplot().figure(figsize=(9, 5.4), layout="constrained")
        axes = figure.subplots(2, sharex=True, height_ratios=(2, 1))
    upper, lower = axes
    there = np.isfinite(azimuth) & np.isfinite(elevation)
    order = np.argsort(strength[there])  # the strongest on top
    for axis, angle in ((upper, azimuth), (lower, elevation)):
        bars = np.stack([np.stack([edge[there], angle[there]], -1) for edge in (starts, ends)], 1)[order]
        _draw_bars(axis, bars, strength[there][order])
        axis.set_xlim(times[0], times[-1])
    label_azimuths(upper)
    upper.set_ylim(-185, 185)
    upper.set_ylabel("azimuth")
    lower.set_yticks(range(-90, 91, 45), ["−90°", "−45°", "horizon 0°", "45°", "up 90°"])
    lower.set_ylim(-93, 93)
    lower.set_ylabel("elevation")
    lower.set_xlabel("time in s")
    if strength[there].size and np.ptp(strength[there]) > 0:
        upper.figure.colorbar(upper.collections[0], ax=[upper, lower], label="strength", pad=0.02)
    return upper, lower


def values_over_time(times: Any, values: Any, quantity: str, *, limits: Any = None, axes: Any = None) -> Any:
    """Show one number per segment as steps: how diffuse, or how loud, the sound is as time goes on.

    Parameters
    ----------
    times : array of shape (segments + 1,)
        Where the segments begin, and where the last one ends, in seconds.
    values : array of shape (segments,)
        Any quantity; nothing is drawn where it is not finite.
    quantity : str
        What it is, written beside its axis.
    limits : pair of float, optional
        The lowest and the highest value of the axis.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The picture.

    Raises
    ------
    ShapeError
        If there is not one time more than there are values.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes = values_over_time([0, 1, 2], [0.1, 0.7], "diffuseness", limits=(0, 1))
    >>> axes.get_ylabel(), axes.patches[0].get_data().values.tolist()
    ('diffuseness', [0.1, 0.7])
    """
    times, values = as_numpy(times).astype(float), as_numpy(values).astype(float)
    _check_segments(times, values, "values")
    if values.ndim != 1:
        raise ShapeError(
            f"got values of shape {values.shape}; expected one per segment, (segments,); draw them in turn"
        )
    if axes is None:
        axes = pyplot().figure(figsize=(9, 2.4), layout="constrained").add_subplot()
    values = np.where(np.isfinite(values), values, np.nan)
    if limits is None:
        known = values[np.isfinite(values)]
        lowest, highest = (known.min(), known.max()) if known.size else (0.0, 0.0)
        room = 0.1 * (highest - lowest) or 1.0
        limits = lowest - room, highest + room
    axes.stairs(values, times, baseline=limits[0], fill=True, color="C0", alpha=0.25, linewidth=0)
    axes.stairs(values, times, baseline=None, color="C0", linewidth=1.8)
    axes.set_xlim(times[0], times[-1])
    axes.set_ylim(*limits)
    axes.set_xlabel("time in s")
    axes.set_ylabel(quantity)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _check_segments(times: np.ndarray, values: np.ndarray, name: str) -> None:
    if times.ndim != 1 or values.ndim not in (1, 2) or len(times) != len(values) + 1 or not values.size:
        raise ShapeError(
            f"got times of shape {times.shape} and {name} of shape {values.shape}; expected (segments + 1,) and "
            "(segments, …): the end of the last segment is the last time"
        )


def _draw_bars(axes: Any, bars: np.ndarray, strength: np.ndarray) -> None:
    """Horizontal bars with round ends: of many short ones dots are left."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import ListedColormap

    inferno = pyplot().colormaps["inferno"]
    lines = LineCollection(
        list(bars),
        array=strength,
        cmap=ListedColormap(inferno(np.linspace(_DARKEST, 1, 256))),
        clim=(0, strength.max(initial=0) or 1),
        linewidths=5,
        capstyle="round",
    )
    axes.set_facecolor(inferno(0))
    axes.grid(color="white", alpha=0.18)
    axes.set_axisbelow(True)
    axes.add_collection(lines, autolim=False)
