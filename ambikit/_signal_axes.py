"""Pictures of a recording along its time and its frequencies: where its energy moves, and what its channels hold."""

from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Int64

from ambikit._arrays import Array
from ambikit._checks import check_sample_rate, check_signal
from ambikit._panorama_axes import as_numpy, draw_colour_bar, label_azimuths, pyplot
from ambikit.analysis.third_octaves import BandPowers, band_powers

__all__ = ["channel_spectra", "column_edges", "draw_azimuths", "draw_bands", "energy_over_time"]

_NAMES = "WYZX"


def energy_over_time(
    signal: Float[Array, "channels time"],
    sample_rate: float,
    *,
    pattern: Any = "max_re",
    dynamic_range_db: float = 30.0,
    columns: int = 400,
    axes: Any = None,
) -> Any:
    """Show how sound moves around: the power from each azimuth, whatever its elevation, as time goes on.

    Each column is the mean over its part of the time, and over the elevations of the sphere, of the power of beams.

    Parameters
    ----------
    signal : array of shape (channels, time)
        AmbiX of any order from 1.
    sample_rate : float
        In Hz.
    pattern : str or array of shape (order + 1,)
        The beam: a name of :func:`ambikit.beam_weights`, or one weight per degree.
    dynamic_range_db : float
        What lies this far below the loudest azimuth and time, in dB, is drawn as nothing.
    columns : int
        Parts of the time, at most.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        Seconds to the right, azimuth in degrees upwards, the left side above the front; its image holds the levels.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    First left, then right: rows are degrees, from +180 at the top.

    >>> import numpy as np, ambikit
    >>> noise = np.random.default_rng(0).standard_normal(4800)
    >>> signal = np.concatenate([ambikit.encode(noise, a, 0, degrees=True) for a in (90, -90)], axis=-1)
    >>> levels = energy_over_time(signal, 48000, columns=2).images[0].get_array()
    >>> levels.shape, 180 - levels.argmax(axis=0)
    ((361, 2), array([ 90, -90]))
    """
    from ambikit.analysis.block_covariances import mean_covariances

    check_signal(signal, minimum_order=1)
    rate, samples = check_sample_rate(sample_rate), as_numpy(signal)
    time = samples.shape[-1]
    covariances = mean_covariances([samples], column_edges(time, columns))
    return draw_azimuths(covariances, time / rate, pattern=pattern, dynamic_range_db=dynamic_range_db, axes=axes)


def column_edges(time: int, columns: int = 400) -> Int64[np.ndarray, "_"]:
    """Where the columns of :func:`energy_over_time` begin, and where the last one ends."""
    return np.unique(np.linspace(0, time, min(columns, time) + 1).round().astype(np.int64))


def draw_azimuths(
    covariances: Float64[np.ndarray, "columns channels channels"],
    seconds: float,
    *,
    pattern: Any = "max_re",
    dynamic_range_db: float = 30.0,
    axes: Any = None,
) -> Any:
    """Draw :func:`energy_over_time` of the covariance of each column."""
    from ambikit.analysis.covariance import power_map

    covariance = covariances[:, None]
    azimuth = np.radians(np.arange(180, -181, -1))
    elevation = np.radians(np.arange(-80, 81, 20))
    ring = np.cos(elevation) / np.cos(elevation).sum()
    power = sum(weight * power_map(covariance, azimuth, each, pattern) for weight, each in zip(ring, elevation)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = 10 * np.log10(power / power.max())
    levels = np.where(power > 0, np.maximum(levels, -dynamic_range_db), -dynamic_range_db)
    if axes is None:
        axes = pyplot().figure(figsize=(9, 4.2), layout="constrained").add_subplot()
    image = axes.imshow(
        levels,
        extent=(0, seconds, -180.5, 180.5),
        aspect="auto",
        cmap="inferno",
        vmin=-dynamic_range_db,
        vmax=0,
        interpolation="nearest",
    )
    label_azimuths(axes)
    axes.set_xlabel("time in s")
    axes.set_ylabel("azimuth")
    draw_colour_bar(axes, image, "level of the beam in dB")
    return axes


def channel_spectra(signal: Float[Array, "channels time"], sample_rate: float, *, axes: Any = None) -> Any:
    """Show what each channel holds: its level in third-octave bands, and altogether in the legend.

    Levels are mean squares in dB, 0 dB for a square wave of full scale. What lies below the lowest band, 50 Hz, counts
    in the legend only. A channel that is missing, exchanged or of another scale stands apart from those of its degree.

    Parameters
    ----------
    signal : array of shape (channels, time)
        Any channels; complete orders are coloured by degree.
    sample_rate : float
        In Hz.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The picture, a line per channel.

    Raises
    ------
    AmbikitError
        If the sample rate is so low that there is no band.
    MissingExtraError
        If matplotlib is not installed.

    References
    ----------
    P. D. Welch, The use of fast Fourier transform for the estimation of power spectra, IEEE Trans. Audio Electroacoust.
    15 (1967); the bands are those of IEC 61260-1 with base 2 around 1 kHz.

    Examples
    --------
    A sine of full scale has 3 dB less than a square wave:

    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000)[None]
    >>> axes = channel_spectra(sine, 48000)
    >>> axes.get_legend().get_texts()[0].get_text(), float(axes.lines[0].get_ydata().max().round(1))
    ('W: −3.0 dB', -3.0)
    """
    rate = check_sample_rate(sample_rate)
    return draw_bands(band_powers([as_numpy(signal)], rate), rate, axes=axes)


def draw_bands(powers: BandPowers, rate: float, *, axes: Any = None) -> Any:
    """Draw :func:`channel_spectra` of the powers of each channel."""
    with np.errstate(divide="ignore"):
        levels, totals = 10 * np.log10(powers.bands), 10 * np.log10(powers.total)
    count = len(totals)
    degree = np.sqrt(np.arange(count)).astype(int)
    if axes is None:
        axes = pyplot().figure(figsize=(9, 4.2), layout="constrained").add_subplot()
    colours = pyplot().colormaps["viridis"](np.linspace(0, 0.92, degree[-1] + 1))
    for channel in range(count):
        name = _NAMES[channel] if count in (1, 4) else str(channel)
        colour = f"C{channel}" if count <= 4 else colours[degree[channel]]
        total = f"{totals[channel]:.1f}".replace("-inf", "−∞").replace("-", "−")
        axes.semilogx(powers.frequencies, levels[channel], linewidth=1.6, color=colour, label=f"{name}: {total} dB")
    drawn = levels[np.isfinite(levels)]
    highest = drawn.max(initial=-120.0)
    axes.set_ylim(max(drawn.min(initial=highest - 5), highest - 80) - 5, highest + 5)
    ticks = [f for f in (100, 1000, 10000) if f < rate / 2]
    axes.set_xticks(ticks, [f"{f // 1000} kHz" if f >= 1000 else f"{f} Hz" for f in ticks])
    axes.set_xlabel("frequency")
    axes.set_ylabel("level per third octave in dB")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), ncols=-(-count // 16), fontsize=9)
    return axes
