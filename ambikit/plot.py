"""Pictures of sound fields: energy over the sphere, directions over time, beam patterns, decoders, learning curves.

Every map is equirectangular as a 360° frame is: the front in the centre, left on the left (azimuth grows to the left),
up at the top. Needs the extra ``plot`` (matplotlib), which is imported when a picture is drawn.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ambikit._direction_axes import directions_over_time, values_over_time
from ambikit._encoding_axes import encoding_error
from ambikit._energy_axes import energy_map, power_map
from ambikit._layout_axes import decoder_map
from ambikit._panorama_axes import as_numpy, draw_colour_bar, draw_heat, draw_marks, panorama_axes, pyplot
from ambikit._signal_axes import channel_spectra, energy_over_time
from ambikit.errors import AmbikitError, ShapeError

__all__ = [
    "channel_spectra",
    "decoder_map",
    "directions_over_time",
    "directivity",
    "encoding_error",
    "energy_map",
    "energy_over_time",
    "learning_curves",
    "localization_map",
    "power_map",
    "values_over_time",
]


def localization_map(
    panorama: Any,
    values: Any = None,
    *,
    azimuth: Any = None,
    elevation: Any = None,
    labels: Sequence[str] | None = None,
    quantity: str = "value",
    degrees: bool = False,
    axes: Any = None,
) -> Any:
    """Lay a heat map and marked directions over a 360° picture: what a model attends to, or where sounds are.

    Parameters
    ----------
    panorama : array of shape (height, width, 3) or None
        An equirectangular picture, uint8 or floating point in [0, 1].
    values : array of shape (rows, columns), optional
        Any quantity over the same sphere, at any resolution; drawn from its smallest to its largest value, nothing
        where it is NaN.
    azimuth, elevation : array of shape (directions,), optional
        Directions to mark, in radians.
    labels : sequence of str, optional
        One word per direction.
    quantity : str
        What the values are, written beside their scale.
    degrees : bool
        Whether the angles are in degrees.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The map, in degrees.

    Raises
    ------
    ShapeError
        If the values are not a map, or angles and labels are not of one length.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes = localization_map(None, azimuth=[90.0], elevation=[0.0], labels=["piano"], degrees=True)
    >>> axes.transData.transform((90, 0))[0] < axes.transData.transform((0, 0))[0]  # left is on the left
    np.True_
    """
    axes = panorama_axes(axes, panorama)
    if values is not None:
        values = as_numpy(values)
        if values.ndim != 2:
            raise ShapeError(f"got values of shape {values.shape}; expected a map (rows, columns) over the sphere")
        limits = (float(np.nanmin(values)), float(np.nanmax(values)))
        image = draw_heat(axes, values, limits, over_picture=panorama is not None)
        draw_colour_bar(axes, image, quantity)
    if azimuth is not None or elevation is not None:
        draw_marks(axes, azimuth, elevation, labels, degrees)
    return axes


def directivity(
    pattern: Any = "hypercardioid",
    order: int | None = None,
    *,
    label: str | None = None,
    floor_db: float = -30.0,
    axes: Any = None,
) -> Any:
    """Show how loud a beam hears each direction around its axis, in dB, as a polar picture.

    The beam looks up the page; lobes of opposite polarity are dashed. Call it again with the returned axes to compare.

    Parameters
    ----------
    pattern : str or array of shape (order + 1,)
        A name of :func:`ambikit.beam_weights`, or one weight per degree, e.g. of
        :func:`ambikit.dolph_chebyshev_weights`.
    order : int, optional
        The Ambisonic order; 1 for a name, and what the weights have.
    label : str, optional
        What to call it; its name and order by default.
    floor_db : float
        The level at the centre of the picture.
    axes : matplotlib PolarAxes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.projections.polar.PolarAxes
        The picture.

    Raises
    ------
    AmbikitError
        If the pattern does not exist at that order.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes = directivity("cardioid")
    >>> axes = directivity("max_re", order=3, axes=axes)
    >>> [line.get_label() for line in axes.get_legend().legend_handles]
    ['cardioid, order 1', 'max re, order 3']
    """
    from ambikit.operators.beamforming import degree_weights

    weights = as_numpy(degree_weights(pattern, order))
    if weights.ndim != 1:
        raise ShapeError(f"got weights of shape {weights.shape}; expected one pattern, (order + 1,); draw them in turn")
    if axes is None:
        axes = pyplot().figure(figsize=(5.2, 5.6), layout="constrained").add_subplot(projection="polar")
    axes.set_theta_zero_location("N")
    axes.set_thetagrids(range(0, 360, 45), ["0°", "45°", "90°", "135°", "180°", "−135°", "−90°", "−45°"])
    axes.set_rlabel_position(-112)
    angle = np.linspace(-np.pi, np.pi, 1441)
    gain = np.polynomial.legendre.legval(np.cos(angle), weights)
    with np.errstate(divide="ignore"):
        level = np.maximum(20 * np.log10(np.abs(gain)), floor_db)
    if label is None:
        name = pattern.replace("_", " ") if isinstance(pattern, str) else "weights"
        label = f"{name}, order {len(weights) - 1}"
    (line,) = axes.plot(angle, np.where(gain >= 0, level, np.nan), linewidth=2.2, label=label)
    axes.plot(angle, np.where(gain < 0, level, np.nan), linewidth=1.8, linestyle=(0, (2, 1.2)), color=line.get_color())
    axes.set_rlim(floor_db, 0)
    rings = np.arange(0.0, floor_db, -10.0)
    axes.set_rticks(rings, [f"{ring:.0f} dB".replace("-", "−") if ring < 0 else "" for ring in rings], fontsize=9)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.06), frameon=False, ncols=2)
    return axes


def learning_curves(
    records: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Mapping[str, Any]]],
    metric: str = "loss",
    *,
    step: str = "step",
    chance: float | None = None,
    axes: Any = None,
) -> Any:
    """Show how a number develops during training, one line per run.

    Parameters
    ----------
    records : sequence of dict, or dict of such sequences by name
        What the metrics file holds, one record per line. Records without the metric are passed over.
    metric, step : str
        The keys of the number and of its place on the horizontal axis.
    chance : float, optional
        The value of a guess, drawn as a line.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The picture.

    Raises
    ------
    AmbikitError
        If no record of a run has the metric.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> axes = learning_curves({"log-mel": [{"step": 0, "loss": 4.2}, {"step": 100, "loss": 4.0}]}, chance=4.16)
    >>> axes.lines[0].get_ydata().tolist()
    [4.2, 4.0]
    """
    runs = records if isinstance(records, Mapping) else {metric: records}
    curves = {}
    for name, run in runs.items():
        points = [(record[step], record[metric]) for record in run if metric in record and step in record]
        if not points:
            known = sorted({key for record in run for key in record})
            raise AmbikitError(
                f"got no record with {metric!r} and {step!r} in run {name!r}; expected at least one; "
                f"the records have {', '.join(map(repr, known)) or 'no keys'}"
            )
        curves[name] = np.array(points, dtype=float).T
    if axes is None:
        axes = pyplot().figure(figsize=(7, 4), layout="constrained").add_subplot()
    for name, (steps, numbers) in curves.items():
        axes.plot(steps, numbers, linewidth=1.8, marker="o" if len(steps) < 30 else None, markersize=4, label=name)
    if chance is not None:
        axes.axhline(chance, color="0.45", linestyle="--", linewidth=1.2, label="chance")
    axes.set_xlabel(step.replace("_", " "))
    axes.set_ylabel(metric.replace("_", " "))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1 or chance is not None:
        axes.legend(frameon=False)
    return axes
