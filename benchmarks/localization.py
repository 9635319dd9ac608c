"""Where talkers are found in rooms: errors by method, order, reverberation time and signal-to-noise ratio.

Simulated rooms with known answers, one factor varied at a time around two talkers at 0.3 s and 20 dB; rooms, places and
words are the same under all conditions. Real recordings besides, where they lie beside the project.

``python -m benchmarks.localization`` measures, and writes the tables into ``docs/localization.md``.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import ambikit
from benchmarks.common import conditions, quick, record, show
from benchmarks.talkers import scene

PAGE = Path(__file__).parents[1] / "docs" / "localization.md"
RECORDINGS = Path(__file__).parents[2] / "shared" / "data"
BEGIN, END = "<!-- tables of benchmarks/results/localization.json -->", "<!-- end of the tables -->"

SCENES, ORDERS = 30, (1, 3, 5)
RIGHT = 10.0  # degrees: what counts as found
# Reverberation time in seconds, ratio of signal to noise in decibels, talkers.
CENTRE = (0.3, 20, 2)
FACTORS = (
    ("Reverberation time", (0.0, 0.3, 0.6, 1.0), "{:g} s", "two talkers, 20 dB"),
    ("Signal-to-noise ratio", (30, 20, 10, 0), "{} dB", "two talkers, 0.3 s"),
    ("Talkers", (1, 2, 3), "{}", "0.3 s, 20 dB"),
)
FINE, COARSE = ambikit.fibonacci_grid(3000), ambikit.fibonacci_grid(1000)


def peaks(values: np.ndarray, grid: Any, count: int) -> ambikit.FoundDirections:
    return ambikit.map_peaks(values, *grid, count, minimum_separation=np.radians(20))


def covariances(spectrum: np.ndarray) -> dict[str, np.ndarray]:
    """Of all bins as they are, of all frequencies made alike loud, and of bins alike loud that one wave rules."""
    energy = ambikit.energy_density(spectrum[:4])
    heard = energy >= 1e-3 * energy.max(-1, keepdims=True)
    ruled = heard * ambikit.direct_path_dominance(spectrum[:4], frames=3, bins=9) ** 8
    mean = energy.mean(-1, keepdims=True)
    weights = {
        "as it is": np.ones_like(energy),
        "even frequencies": 1 / np.where(mean == 0, 1.0, mean),
        "direct-path bins": ruled / np.where(energy == 0, 1.0, energy),
    }
    return {name: ambikit.spatial_covariance(spectrum * np.sqrt(weight)) for name, weight in weights.items()}


def find(spectrum: np.ndarray, count: int, orders: Sequence[int]) -> Iterator[tuple[str, int, Any]]:
    """What each method finds: its name, the order that it takes, and the directions, or None for more than it can."""
    first = spectrum[:4].astype(np.complex64)
    yield "`direction_of_arrival`", 1, ambikit.direction_of_arrival(first, count)
    weights = ambikit.energy_density(first)
    yield "`direction_of_arrival`, by loudness", 1, ambikit.direction_of_arrival(first, count, weights=weights)
    yield "`intensity_histogram`, all bins", 1, peaks(ambikit.intensity_histogram(first, *FINE), FINE, count)
    kinds = covariances(spectrum)
    for order in orders:
        part = kinds["as it is"][: (order + 1) ** 2, : (order + 1) ** 2]
        yield "`power_map`", order, peaks(ambikit.power_map(part, *COARSE), COARSE, count)
    for kind, covariance in kinds.items():
        for order in orders:
            part = covariance[: (order + 1) ** 2, : (order + 1) ** 2]
            yield f"`music`, {kind}", order, peaks(ambikit.music(part, *COARSE, count), COARSE, count)
    for kind, covariance in kinds.items():
        for order in orders:
            part = covariance[: (order + 1) ** 2, : (order + 1) ** 2]
            yield f"`esprit`, {kind}", order, ambikit.esprit(part, count) if count <= order**2 else None


def guess(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Any directions: what a method that heard nothing would find."""
    return ambikit.vectors_to_angles(np.random.default_rng([seed, 3]).normal(size=(count, 3)))


def errors(found: Any, truth: Any) -> list[float]:
    """Degrees between what was found and what is there, assigned with the least sum; 180 where nothing was found."""
    from scipy.optimize import linear_sum_assignment

    azimuth, elevation = (np.asarray(angle, float)[:, None] for angle in found[:2])
    distances = np.nan_to_num(np.degrees(ambikit.angular_distance(azimuth, elevation, *truth)), nan=180.0)
    return distances[linear_sum_assignment(distances)].tolist()


def number(spectrum: np.ndarray) -> Iterator[tuple[str, int, int]]:
    """How many sources each method counts."""
    observations = spectrum[0].size / 2  # frames overlap by half
    for kind, covariance in covariances(spectrum).items():
        for order in ORDERS[1:]:
            part = covariance[: (order + 1) ** 2, : (order + 1) ** 2]
            yield f'`"sorte"`, {kind}', order, int(ambikit.number_of_sources(part))
            if kind == "as it is":
                count = ambikit.number_of_sources(part, "mdl", observations=observations)
                yield f'`"mdl"`, {kind}', order, int(count)


def levels_of(factor: int) -> list[tuple[Any, ...]]:
    """The conditions of a table: the centre with one factor varied."""
    return [(*CENTRE[:factor], level, *CENTRE[factor + 1 :]) for level in FACTORS[factor][1]]


def study(scenes: int = SCENES) -> list[dict[str, Any]]:
    """A table of errors for each factor, and one of numbers of sources."""
    distinct = list(dict.fromkeys(condition for factor in range(3) for condition in levels_of(factor)))
    found: dict[Any, dict[Any, list[float]]] = {}
    counted: dict[Any, dict[Any, list[int]]] = {}
    for seed in range(scenes):
        for condition in distinct:
            reverberation, ratio, talkers = condition
            speech, noise, truth = scene(seed, talkers, reverberation)
            spectrum = speech + 10 ** (-ratio / 20) * noise
            for name, order, directions in (*find(spectrum, talkers, ORDERS), ("guessing", 0, guess(seed, talkers))):
                misses = [] if directions is None else errors(directions, truth)
                found.setdefault((name, order), {}).setdefault(condition, []).extend(misses)
            for name, order, count in number(spectrum):
                counted.setdefault((name, order), {}).setdefault(condition, []).append(count)
    tables = []
    for factor, (title, levels, label, rest) in enumerate(FACTORS):
        rows = [
            row(*key, [summary(values[condition]) for condition in levels_of(factor)])
            for key, values in found.items()
            if any(values[condition] for condition in levels_of(factor))
        ]
        columns = [label.format(level) for level in levels]
        tables.append({"title": f"{title}; {rest}", "scenes": scenes, "columns": columns, "rows": rows})
    columns = [f"{talkers}, {time:g} s, {ratio} dB" for time, ratio, talkers in distinct]
    rows = [
        row(*key, [right_counts(values[condition], condition[2]) for condition in distinct])
        for key, values in counted.items()
    ]
    title = "Number of talkers, by `number_of_sources`"
    return [*tables, {"title": title, "scenes": scenes, "columns": columns, "rows": rows}]


def row(name: str, order: int, cells: Sequence[Any]) -> dict[str, Any]:
    return {"name": name, "order": order, "cells": list(cells)}


def summary(misses: Sequence[float]) -> dict[str, float] | None:
    if not misses:
        return None
    share = np.mean(np.array(misses) <= RIGHT)
    return {"median_degrees": round(float(np.median(misses)), 2), "share_within_10_degrees": round(float(share), 4)}


def right_counts(found: Sequence[int], talkers: int) -> dict[str, float]:
    share = np.mean(np.array(found) == talkers)
    return {"share_right": round(float(share), 4), "mean": round(float(np.mean(found)), 2)}


def recorded() -> Iterable[tuple[str, np.ndarray, float, list[tuple[float, float]]]]:
    """Name, AmbiX signal, sample rate and the directions in degrees that are known of each recording."""
    import soundfile

    for name, azimuth, elevation in (("BF_rec5", 10, -20), ("BF_rec3", -13, -20)):
        signal, rate = ambikit.read(RECORDINGS / "foa" / f"{name}_fuma.ogg", source="fuma")
        yield name, signal, rate, [(azimuth, elevation)]
    halves = [soundfile.read(RECORDINGS / "hoa" / f"HOA3_rec1_{part}ch.ogg") for part in ("01-08", "09-16")]
    signal = np.concatenate([samples.T for samples, _ in halves])
    yield "HOA3_rec1", ambikit.convert(signal, "n3d", "ambix"), halves[0][1], [(-17, -1)]
    path, channels = RECORDINGS / "video360" / "redownloaded_from_YT.m4a", [2, 1, 4, 0]
    signal, rate = ambikit.read(path, channel_map=channels)
    yield "video", signal, rate, [(90, 0), (-90, 0), (0, 90)]


def listen() -> dict[str, Any]:
    """The largest miss of each method on each recording."""
    found: dict[Any, dict[str, float]] = {}
    names = []
    for name, signal, rate, truth in recorded():
        names.append(name)
        low, high = (round(hertz * 1024 / rate) for hertz in (150, 4000))
        spectrum = ambikit.stft(signal, frame_length=1024, hop_length=512)[:, low:high]
        orders = (1, 3) if len(signal) == 16 else (1,)
        for method, order, directions in find(spectrum, len(truth), orders):
            if directions is not None:
                misses = errors(directions, np.radians(truth).T)
                found.setdefault((method, order), {})[name] = round(max(misses), 2)
    rows = [row(*key, [found[key].get(name) for name in names]) for key in found]
    return {"title": "Recordings, degrees from the known direction", "columns": names, "rows": rows}


def page(result: dict[str, Any]) -> str:
    """The tables as they stand on the page."""
    lines = [conditions(result)]
    for table in result["tables"]:
        scenes = f"; {table['scenes']} scenes" if "scenes" in table else ""
        lines += ["", f"**{table['title']}{scenes}**", ""]
        lines += [f"| | order | {' | '.join(table['columns'])} |", "|---|---:|" + "---:|" * len(table["columns"])]
        for line in table["rows"]:
            cells = " | ".join(cell_text(cell) for cell in line["cells"])
            lines.append(f"| {line['name']} | {line['order'] or '–'} | {cells} |")
    return "\n".join(lines) + "\n"


def cell_text(cell: Any) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.1f}°"
    if "mean" in cell:
        return f"{100 * cell['share_right']:.0f} % ({cell['mean']:.1f})"
    return f"{cell['median_degrees']:.1f}°, {100 * cell['share_within_10_degrees']:.0f} %"


def main() -> None:
    tables = study(1 if quick() else SCENES)
    if RECORDINGS.exists():
        tables.append(listen())
    text = page(record("localization", tables))
    if not quick():
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    show(text)


if __name__ == "__main__":
    main()
