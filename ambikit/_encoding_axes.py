"""Pictures of what a microphone array and its encoder make of a sound field."""

from typing import Any

import numpy as np

from ambikit._panorama_axes import pyplot
from ambikit.operators.microphones.report import EncodingReport

__all__ = ["encoding_error"]


def encoding_error(report: EncodingReport, *, floor_db: float = -30.0, axes: Any = None) -> tuple[Any, Any]:
    """Show over frequency where an encoder is right: spatial correlation and level of each degree.

    A degree fades in where its noise has become bearable and goes astray above the aliasing frequency, which is the
    vertical line.

    Parameters
    ----------
    report : EncodingReport
        From :func:`ambikit.encoding_report`.
    floor_db : float
        The lowest level shown, in dB.
    axes : pair of matplotlib Axes, optional
        Where to draw correlation and level; a new figure by default.

    Returns
    -------
    tuple of two matplotlib.axes.Axes
        Correlation and level, a line per degree.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    Moreau, Daniel, Bertet, 3D sound field recording with higher order Ambisonics, 120th AES Convention (2006).

    Examples
    --------
    >>> import ambikit
    >>> report = ambikit.encoding_report(ambikit.microphone_encoder("ambeo_vr"))
    >>> correlation, level = ambikit.plot.encoding_error(report)
    >>> [line.get_label() for line in correlation.lines[:2]]
    ['degree 0', 'degree 1']
    """
    if axes is None:
        axes = pyplot().figure(figsize=(9, 6), layout="constrained").subplots(2, 1, sharex=True)
    upper, lower = axes
    order = report.encoder.order
    colours = pyplot().colormaps["viridis"](np.linspace(0, 0.88, order + 1))
    pairs = (upper, report.spatial_correlation), (lower, report.level_difference_db)
    for panel, values in pairs:
        for degree, colour in enumerate(colours):
            panel.semilogx(report.frequency, values[degree], linewidth=2.0, color=colour, label=f"degree {degree}")
        panel.axvline(report.array.aliasing_frequency(order), color="0.55", linestyle="--", linewidth=1.2)
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        low, high = report.frequency.min(), report.frequency.max()
        ticks = [f for f in (20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if low <= f <= high]
        panel.set_xticks(ticks, [f"{f // 1000} kHz" if f >= 1000 else f"{f} Hz" for f in ticks])
        panel.minorticks_off()
    upper.set_ylim(min(0.0, float(report.spatial_correlation.min())) - 0.03, 1.05)
    lower.set_ylim(floor_db, 6)
    upper.set_ylabel("spatial correlation")
    lower.set_ylabel("level in dB")
    lower.set_xlabel("frequency")
    upper.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    return upper, lower
