"""Maps of power over the sphere: where a recording, or what its covariance stands for, sounds from."""

from typing import Any

import numpy as np
from jaxtyping import Float, Inexact

from ambikit._arrays import Array
from ambikit._checks import check_signal
from ambikit._panorama_axes import as_numpy, draw_colour_bar, draw_heat, panorama_axes
from ambikit.errors import ShapeError

__all__ = ["energy_map", "power_map"]


def energy_map(
    signal: Float[Array, "channels time"],
    *,
    pattern: Any = "max_re",
    dynamic_range_db: float = 20.0,
    height: int = 90,
    panorama: Any = None,
    axes: Any = None,
) -> Any:
    """Show where the sound comes from: the power of a beam that looks into every direction of the sphere.

    Parameters
    ----------
    signal : array of shape (channels, time)
        AmbiX of any order from 1.
    pattern : str or array of shape (order + 1,)
        The beam: a name of :func:`ambikit.beam_weights`, or one weight per degree.
    dynamic_range_db : float
        What lies this far below the loudest direction, in dB, is drawn as nothing.
    height : int
        Rows of the map, which has twice as many columns.
    panorama : array of shape (height, width, 3), optional
        The equirectangular picture of the same place, drawn under the map.
    axes : matplotlib Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The map, in degrees; its last image holds the levels in dB.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.

    See Also
    --------
    power_map : the same of a covariance.

    Examples
    --------
    >>> import numpy as np, ambikit
    >>> signal = ambikit.encode(np.random.default_rng(0).standard_normal(4800), 90, 0, degrees=True)
    >>> axes = ambikit.plot.energy_map(signal, height=45)
    >>> levels = axes.images[-1].get_array()
    >>> row, column = np.unravel_index(levels.argmax(), levels.shape)
    >>> int(row), int(column)  # on the horizon, a quarter of the way from the left edge: left
    (22, 22)
    """
    from ambikit.analysis.block_covariances import mean_covariances

    check_signal(signal, minimum_order=1)
    (covariance,) = mean_covariances([as_numpy(signal)])
    return power_map(
        covariance, pattern=pattern, dynamic_range_db=dynamic_range_db, height=height, panorama=panorama, axes=axes
    )


def power_map(
    covariance: Inexact[Array, "channels channels"],
    *,
    pattern: Any = "max_re",
    dynamic_range_db: float = 20.0,
    height: int = 90,
    panorama: Any = None,
    axes: Any = None,
) -> Any:
    """Show where the sound of a covariance comes from: :func:`ambikit.power_map` over the whole sphere.

    For chosen frequencies or times, and for recordings that are too long to be held at once.

    Parameters
    ----------
    covariance : array of shape (channels, channels)
        Of an AmbiX signal of any order from 1, see :func:`ambikit.spatial_covariance`.
    pattern, dynamic_range_db, height, panorama, axes
        As for :func:`energy_map`.

    Returns
    -------
    matplotlib.axes.Axes
        The map, in degrees; its last image holds the levels in dB.

    Raises
    ------
    ShapeError
        If the covariance is not square over a complete order of at least 1.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    A wave from above:

    >>> import numpy as np
    >>> above = np.array([1.0, 0.0, 1.0, 0.0])
    >>> levels = power_map(np.outer(above, above), height=45).images[-1].get_array()
    >>> int(levels.argmax(axis=0)[0])  # the uppermost row
    0
    """
    from ambikit.analysis.covariance import power_map as beam_powers
    from ambikit.geometry.equirectangular import pixels_to_angles

    samples = as_numpy(covariance)
    if samples.shape == (1, 1):
        raise ShapeError("got a covariance of one channel; expected at least four; mono comes from no direction")
    columns, rows = np.meshgrid(np.arange(2 * height), np.arange(height))
    azimuth, elevation = pixels_to_angles(columns, rows, 2 * height, height)
    power = beam_powers(samples, azimuth, elevation, pattern)
    with np.errstate(divide="ignore", invalid="ignore"):
        levels = 10 * np.log10(power / power.max())
    levels = np.where(power > 0, np.maximum(levels, -dynamic_range_db), -dynamic_range_db)
    axes = panorama_axes(axes, panorama)
    image = draw_heat(axes, levels, (-dynamic_range_db, 0.0), over_picture=panorama is not None)
    draw_colour_bar(axes, image, "level of the beam in dB")
    return axes
