"""``ambikit analyse``: from where a recording sounds as time goes on, how diffuse and how loud it is."""

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from rich.table import Table
from rich.text import Text

from ambikit.cli.options import And, As, Channels, In, convention
from ambikit.cli.sounds import blocks_of, check_may_write, open_field
from ambikit.cli.terminal import console
from ambikit.errors import AmbikitError, ShapeError

__all__ = ["analyse"]

_SHORTEST, _LONGEST = 0.1, 60.0  # seconds of a segment: some frames, and what memory holds
_ROWS = 40

Sources = Annotated[
    str,
    tyro.conf.arg(
        metavar="N|auto", help="sources to look for in each segment; auto counts them, in order 2 and higher"
    ),
]
Seconds = Annotated[float, tyro.conf.arg(metavar="SECONDS", help="length of a segment, 0.1 to 60")]
Range = Annotated[
    tuple[float, float], tyro.conf.arg(metavar="LOW HIGH", help="Hz: where to look at directions and diffuseness")
]
Json = Annotated[Path | None, tyro.conf.arg(name="json", metavar="FILE", help="write all that was found as JSON")]
Csv = Annotated[Path | None, tyro.conf.arg(name="csv", metavar="FILE", help="write a row per segment and source")]
Picture = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help="draw what was found: .png .pdf .svg")]
Overwrite = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="replace FILEs that are there")]


def analyse(
    file: In,
    *,
    segment: Seconds = 1.0,
    sources: Sources = "1",
    frequencies: Range = (500.0, 6000.0),
    as_json: Json = None,
    as_csv: Csv = None,
    picture: Picture = None,
    source: As = "ambix",
    more: And = (),
    channels: Channels = None,
    overwrite: Overwrite = False,
) -> int:
    """Say from where a recording sounds as time goes on, how diffuse it is and how loud.

    Angles are degrees: azimuth to the left, elevation up. The strength of a direction is its share of the votes of all
    time-frequency bins; levels are those of W in dBFS, and of beams against the loudest direction. Directions,
    diffuseness and the energy map are taken between the --frequencies.

    ambikit analyse scene.wav --sources 2 --picture scene.png --json scene.json
    """
    count = _number_of_sources(sources)
    _check_ranges(segment, frequencies)
    outputs = _check_outputs(file, (as_json, as_csv, picture), overwrite)
    field = open_field(file, more, source=source, channels=channels, minimum_order=1)
    if count is None and field.channels < 9:
        raise ShapeError(
            f"got --sources auto with {field.channels} channels of {file}; expected order 2 or more, 9 channels, "
            "because fewer cannot tell how many sources there are; say it: --sources 2"
        )
    rate = float(field.sample_rate)
    if field.frames < _SHORTEST * rate:
        raise AmbikitError(
            f"got {file} with {field.frames / rate:.3f} s of sound; expected at least {_SHORTEST} s, in which "
            "directions can be told"
        )
    findings = _walk(field, rate, segment, count, frequencies)
    if not findings.covariance.any():
        raise AmbikitError(
            f"got {file}, which is silent between {frequencies[0]:g} and {frequencies[1]:g} Hz; expected sound, which "
            "alone has a direction; see what its channels hold with: ambikit plot spectrum"
        )
    _print(findings, file, written=as_csv is not None or as_json is not None)
    about = {
        "file": file.name,
        "as": convention(source),
        "channels": field.channels,
        "sample_rate": rate,
        "frequencies_hz": list(frequencies),
    }
    _write(findings, about, outputs)
    return 0


def _number_of_sources(word: str) -> int | None:
    if word.lower() == "auto":
        return None
    if not (word.isascii() and word.isdigit() and int(word) > 0):
        raise AmbikitError(f"got --sources {word}; expected a whole number from 1, or auto; e.g. --sources 2")
    return int(word)


def _check_ranges(segment: float, frequencies: tuple[float, float]) -> None:
    if not _SHORTEST <= segment <= _LONGEST:
        raise AmbikitError(
            f"got --segment {segment:g}; expected seconds from {_SHORTEST:g} to {_LONGEST:g}; e.g. --segment 0.5"
        )
    low, high = frequencies
    if not (0 <= low < high and isfinite(high)):
        raise AmbikitError(
            f"got --frequencies {low:g} {high:g}; expected two in Hz, the lower one first; e.g. --frequencies 500 6000"
        )


def _check_outputs(
    file: Path, outputs: tuple[Path | None, Path | None, Path | None], overwrite: bool
) -> tuple[Path | None, Path | None, Path | None]:
    """Refuse what cannot be written, before any work is done."""
    from ambikit.cli.pictures import check_picture

    given = [each for each in outputs if each is not None]
    for each in given:
        check_may_write(file, each, overwrite)
    if len({each.resolve() for each in given}) < len(given):
        raise AmbikitError(f"got {given[0]} to write to more than once; expected a name for each; change one")
    if outputs[2] is not None:
        check_picture(outputs[2], file, overwrite)
    return outputs


def _walk(field: Any, rate: float, segment: float, count: int | None, frequencies: tuple[float, float]) -> Any:
    from ambikit.cli.segments import findings_of, segment_edges

    with blocks_of(field, "analyse") as blocks:
        return findings_of(blocks, segment_edges(field.frames, rate, segment), rate, count, frequencies)


def _print(findings: Any, file: Path, written: bool) -> None:
    from ambikit.cli.results import SIDES, relative_levels
    from ambikit.geometry.grids import fibonacci_grid

    out = console()
    all_over = np.degrees(fibonacci_grid(1000))
    azimuth, elevation = np.concatenate([np.transpose(list(SIDES.values())), all_over], axis=1)
    levels = relative_levels(findings.covariance, azimuth, elevation)
    loudest = int(levels.argmax())
    out.print(
        Text(f"{file}: {_decimal(findings.level_db, 1)} dBFS, diffuseness {_decimal(findings.diffuseness, 2)}"),
        soft_wrap=True,
    )
    sides = ", ".join(f"{side} {_decimal(level, 1)}" for side, level in zip(SIDES, levels))
    out.print(
        f"loudest towards azimuth {azimuth[loudest]:.0f}°, elevation {elevation[loudest]:.0f}°; beams against it, in "
        f"dB: {sides}".replace("-", "−"),
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("from s", "to s", "dBFS", "diffuse", "azimuth", "elevation", "strength"):
        table.add_column(heading, justify="right")
    rows = [row for segment in findings.segments for row in _rows(segment)]
    for row in rows[:_ROWS]:
        table.add_row(*row)
    out.print(table)
    if len(rows) > _ROWS:
        where = "the files have them" if written else "write them with --csv FILE or --json FILE"
        out.print(f"and {len(rows) - _ROWS} rows more: {where}", soft_wrap=True)


def _rows(segment: Any) -> Iterator[list[str]]:
    first = [f"{segment.start:.2f}", f"{segment.end:.2f}", _decimal(segment.level_db, 1)]
    first.append(_decimal(segment.diffuseness, 2))
    for azimuth, elevation, strength in segment.directions or ((np.nan,) * 3,):
        yield [*first, _decimal(azimuth, 0, "°"), _decimal(elevation, 0, "°"), _decimal(strength, 2)]
        first = [""] * 4


def _decimal(value: float, digits: int, unit: str = "") -> str:
    """A number for people: with a minus sign, no −0, and a dash for none."""
    if np.isnan(value):
        return "–"
    return f"{round(float(value), digits) + 0.0:.{digits}f}{unit}".replace("-inf", "−∞").replace("-", "−")


def _write(findings: Any, about: dict[str, Any], outputs: tuple[Path | None, Path | None, Path | None]) -> None:
    from ambikit.cli import pictures, results
    from ambikit.files.replacing import replacing

    as_json, as_csv, picture = outputs
    if as_json is not None:
        with replacing(as_json) as temporary:
            results.write_json(temporary, findings, about)
        console().print(Text(f"wrote {as_json}"), soft_wrap=True)
    if as_csv is not None:
        with replacing(as_csv) as temporary:
            results.write_csv(temporary, findings)
        console().print(Text(f"wrote {as_csv}"), soft_wrap=True)
    if picture is not None:
        pictures.save(results.draw(findings), picture, about["file"])
