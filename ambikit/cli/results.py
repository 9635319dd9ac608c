"""What ``ambikit analyse`` found, as JSON, as CSV and as a picture."""

import csv
import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from ambikit.cli.segments import Findings, Segment

__all__ = ["SIDES", "draw", "relative_levels", "write_csv", "write_json"]

#: directions by name, as azimuth and elevation in degrees
SIDES = {"front": (0, 0), "left": (90, 0), "back": (180, 0), "right": (-90, 0), "up": (0, 90), "down": (0, -90)}

_STEP = 10  # degrees between the directions of the map in JSON
_COLUMNS = (
    "start_s",
    "end_s",
    "level_dbfs",
    "diffuseness",
    "source",
    "azimuth_degrees",
    "elevation_degrees",
    "strength",
)


def relative_levels(covariance: np.ndarray, azimuth: Any, elevation: Any) -> np.ndarray:
    """Levels in dB of max-rE beams towards directions in degrees, against the loudest of them all; NaN in silence."""
    from ambikit.analysis.covariance import power_map

    power = np.maximum(power_map(covariance, azimuth, elevation, degrees=True), 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(power / power.max())


def write_json(path: Path, findings: Findings, about: dict[str, Any]) -> None:
    """All that was found; null where there is no number."""
    azimuth, elevation = np.arange(180, -180, -_STEP), np.arange(90, -91, -_STEP)
    levels = relative_levels(findings.covariance, azimuth, elevation[:, None])
    content = {
        **about,
        "level_dbfs": _number(findings.level_db),
        "diffuseness": _number(findings.diffuseness),
        "segments": [_as_dict(segment) for segment in findings.segments],
        "energy_map": {
            "azimuth_degrees": azimuth.tolist(),
            "elevation_degrees": elevation.tolist(),
            "level_db": [[_number(level) for level in row] for row in levels],
        },
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _as_dict(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": segment.start,
        "end_s": segment.end,
        "level_dbfs": _number(segment.level_db),
        "diffuseness": _number(segment.diffuseness),
        "sources": [
            {
                "azimuth_degrees": _number(azimuth),
                "elevation_degrees": _number(elevation),
                "strength": _number(strength),
            }
            for azimuth, elevation, strength in segment.directions
        ],
    }


def write_csv(path: Path, findings: Findings) -> None:
    """A row per source of each segment, or one without a source; a number that there is not is left out."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_COLUMNS)
        for segment in findings.segments:
            rows.writerows(_rows(segment))


def _rows(segment: Segment) -> Iterator[list[Any]]:
    whole = [segment.start, segment.end, _number(segment.level_db), _number(segment.diffuseness)]
    for number, direction in enumerate(segment.directions, 1):
        yield [*whole, number, *(_number(value) for value in direction)]
    if not segment.directions:
        yield [*whole, None, None, None, None]


def _number(value: float) -> float | None:
    """To six digits, which is more than any of this is worth; None for what is none."""
    return float(f"{value:.6g}") if isfinite(value) else None


def draw(findings: Findings) -> Any:
    """Directions, diffuseness and level over time, above the energy map; the axes on top."""
    from ambikit import plot
    from ambikit._panorama_axes import pyplot

    segments = findings.segments
    most = max(1, *(len(segment.directions) for segment in segments))
    nothing = (np.nan,) * 3
    found = np.array([[*segment.directions, *[nothing] * (most - len(segment.directions))] for segment in segments])
    times = [segment.start for segment in segments] + [segments[-1].end]
    figure = pyplot().figure(figsize=(9, 11.5), layout="constrained")
    azimuths, elevations, diffuse, level, chart = figure.subplots(5, height_ratios=(2.6, 1.3, 1, 1, 3.4))
    plot.directions_over_time(times, *np.moveaxis(found, -1, 0), degrees=True, axes=(azimuths, elevations))
    plot.values_over_time(times, [each.diffuseness for each in segments], "diffuseness", limits=(0, 1), axes=diffuse)
    levels = [each.level_db for each in segments]
    plot.values_over_time(times, levels, "level in dBFS", limits=_level_limits(levels), axes=level)
    for axes in (azimuths, elevations, diffuse):
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)
    plot.power_map(findings.covariance, axes=chart)
    return azimuths


def _level_limits(levels: list[float]) -> tuple[float, float]:
    """At least 20 dB, so that steady sound looks steady."""
    heard = [level for level in levels if isfinite(level)] or [0.0]
    return min(min(heard) - 5, max(heard) - 20), max(heard) + 3
