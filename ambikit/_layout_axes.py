"""Pictures of loudspeaker layouts and of what a decoder makes of every direction."""

from typing import Any

import numpy as np
from jaxtyping import Float

from ambikit._checks import check_choice
from ambikit._panorama_axes import draw_colour_bar, draw_heat, panorama_axes, pyplot
from ambikit.operators.loudspeakers.decoder import LoudspeakerDecoder
from ambikit.operators.loudspeakers.report import DecoderReport, decoder_report

__all__ = ["decoder_map"]

#: what can be drawn: the words beside the scale, the factor to their unit, and the limits, None from the values
_QUANTITIES = {
    "energy_length": ("length of the energy vector", 1.0, (0.0, 1.0)),
    "velocity_length": ("length of the velocity vector", 1.0, None),
    "energy_db": ("energy in dB, relative to its mean", 1.0, None),
    "amplitude": ("amplitude", 1.0, None),
    "direction_error": ("angle between source and energy vector in degrees", 180 / np.pi, None),
    "width": ("width of the source in degrees", 180 / np.pi, None),
}


def decoder_map(
    decoder: LoudspeakerDecoder,
    quantity: str = "energy_length",
    *,
    limits: tuple[float, float] | None = None,
    height: int = 91,
    axes: Any = None,
) -> Any:
    """Show what a decoder does to sources from every direction, and where the loudspeakers are.

    A map of the sphere as a 360° frame; for layouts on the horizon a polar picture seen from above, the front up the
    page and left on the left.

    Parameters
    ----------
    decoder : ambikit.LoudspeakerDecoder
        From :func:`ambikit.loudspeaker_decoder`.
    quantity : str
        ``"energy_length"`` (of rE: how sharp), ``"energy_db"`` (how loud), ``"direction_error"`` and ``"width"`` (in
        degrees), ``"velocity_length"`` or ``"amplitude"``, as in :class:`ambikit.DecoderReport`.
    limits : tuple of two floats, optional
        Smallest and largest value of the scale; 0 to 1 for ``"energy_length"``, those of the values otherwise.
    height : int
        Rows of the map, which has twice as many columns.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default. PolarAxes for layouts on the horizon.

    Returns
    -------
    matplotlib.axes.Axes
        The picture.

    Raises
    ------
    AmbikitError
        If the quantity is unknown.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import ambikit
    >>> axes = ambikit.plot.decoder_map(ambikit.loudspeaker_decoder("octahedron", 1), height=31)
    >>> axes.images[0].get_array().round(2).min() > 0.5
    np.True_
    """
    from ambikit.geometry.equirectangular import pixels_to_angles

    check_choice(quantity, _QUANTITIES, "quantity")
    words, factor, usual = _QUANTITIES[quantity]
    layout = decoder.layout
    if layout.is_horizontal:
        report = decoder_report(decoder, np.radians(np.arange(-180.0, 180.5, 0.5)), 0.0)
    else:
        columns, rows = np.meshgrid(np.arange(2 * height), np.arange(height))
        report = decoder_report(decoder, *pixels_to_angles(columns, rows, 2 * height, height))
    values = factor * np.asarray(getattr(report, quantity))
    limits = limits or usual or (float(values.min()), float(values.max()))
    if layout.is_horizontal:
        axes = _draw_circle(axes, report, values, limits, words)
    else:
        axes = panorama_axes(axes, None)
        draw_colour_bar(axes, draw_heat(axes, values, limits, over_picture=False), words)
        _draw_loudspeakers(axes, decoder)
    axes.set_title(f"{layout.name}, order {decoder.order}, {decoder.method}, {decoder.weighting.replace('_', ' ')}")
    return axes


def _labels(decoder: LoudspeakerDecoder) -> list[str]:
    layout = decoder.layout
    return [label for label, sounding in zip(layout.labels, layout.sounding) if sounding]


def _draw_loudspeakers(axes: Any, decoder: LoudspeakerDecoder) -> None:
    """A square for each loudspeaker, its label below: neighbours are 30° apart and leave no room beside them."""
    from matplotlib import patheffects

    layout = decoder.layout
    azimuth, elevation = np.degrees([layout.azimuth, layout.elevation])[:, layout.sounding]
    places = (azimuth + 180) % 360 - 180, elevation
    outline = [patheffects.withStroke(linewidth=2, foreground="black")]
    axes.plot(*places, "s", ms=6, mfc="white", mec="black", mew=1, clip_on=False)
    for label, azimuth, elevation in zip(_labels(decoder), *places):
        side = "left" if azimuth > 170 else "right" if azimuth < -170 else "center"
        axes.annotate(
            label,
            (azimuth, elevation),
            (0, -6),
            textcoords="offset points",
            ha=side,
            va="top",
            fontsize=7,
            color="white",
            path_effects=outline,
        )


def _draw_circle(
    axes: Any, report: DecoderReport, values: Float[np.ndarray, "directions"], limits: tuple[float, float], words: str
) -> Any:
    """A value around the listener, and the loudspeakers on the rim."""
    if axes is None:
        axes = pyplot().figure(figsize=(5.2, 5.6), layout="constrained").add_subplot(projection="polar")
    axes.set_theta_zero_location("N")
    axes.plot(report.azimuth, values, linewidth=2.2)
    low, high = limits
    margin = 0.0 if high > low else 0.5
    axes.set_rlim(low - margin, high + margin)
    layout = report.decoder.layout
    azimuth = np.array(layout.azimuth)[layout.sounding]
    axes.plot(azimuth, np.full(len(azimuth), high + margin), "s", ms=9, color="0.2", clip_on=False, zorder=5)
    axes.set_thetagrids(np.degrees(azimuth) % 360, _labels(report.decoder))
    axes.tick_params(axis="x", pad=14)
    axes.set_rlabel_position(180)
    axes.set_xlabel(words)
    return axes
