"""Where strategies for viewpoints look: which directions lie near an object, and how many objects are found.

Scenes of the synthetic world as it is by default, and without reverberation; near is within 15°. For motion beside the
optical flow of the package: the plain differences of neighbouring frames; each also for a camera that turns.

``python -m benchmarks.viewpoint_directions`` measures, and writes the table into ``docs/viewpoints.md``.
"""

from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import ambikit
from ambikit_models.panorama.motion import INTERVAL, moving_directions
from ambikit_models.panorama.objectness import objectness_directions
from ambikit_models.panorama.sounding import sounding_directions
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.world import WorldConfig, render_panoramas, render_sound, scene
from benchmarks.common import conditions, quick, record, show

PAGE = Path(__file__).parents[1] / "docs" / "viewpoints.md"
BEGIN, END = "<!-- table of benchmarks/results/viewpoint_directions.json -->", "<!-- end of the table -->"
SCENES, SEED, NEAR = 100, 0, np.radians(15.0)
DRY = WorldConfig(reverberation=0.0)


def sound(config: WorldConfig, index: int) -> np.ndarray:
    return render_sound(config, SEED, scene(config, SEED, index))[0].numpy()


@cache
def film(index: int, degrees_per_second: float) -> np.ndarray:
    """Four pictures 1/8 s apart; the camera may turn about an upright axis that leans a little."""
    from scipy.spatial.transform import Rotation

    config = WorldConfig()
    times = config.frame_times(4)
    frames = render_panoramas(config, scene(config, SEED, index), 96, times=times, oversampling=1)[0]
    if not degrees_per_second:
        return frames
    step = np.radians(degrees_per_second) * INTERVAL * np.array([0.3, 0.2, 0.93])
    turns = Rotation.from_rotvec((np.arange(4) - 1.5)[:, None] * step)
    return ambikit.turn_equirectangular(frames, rotation=turns)


@lru_cache(maxsize=1)
def around(height: int, width: int) -> np.ndarray:
    """What each pixel counts around each direction of a grid of 500."""
    row, column = np.indices((height, width)).reshape(2, -1)
    azimuth, elevation = ambikit.pixels_to_angles(column, row, width, height)
    cosine = ambikit.angles_to_vectors(*ambikit.fibonacci_grid(500)) @ ambikit.angles_to_vectors(azimuth, elevation).T
    kernel = np.cos(elevation) * np.exp(np.log(2) / (1 - np.cos(np.radians(10))) * (cosine - 1))
    return kernel / kernel.sum(-1, keepdims=True)


def differences(frames: np.ndarray) -> Any:
    """Peaks of how much the brightness changes, less the median change, averaged over 10° around each direction."""
    change = np.abs(np.diff(frames.astype(np.float64).mean(-1), axis=0)).mean(0)
    values = around(*change.shape) @ np.maximum(change - np.median(change), 0.0).ravel()
    found = ambikit.map_peaks(values, *ambikit.fibonacci_grid(500), 4, minimum_separation=np.radians(20.0))
    kept = found.strength > 0.2 * found.strength.max(initial=0.0)
    return [part[kept] for part in found]


def at_random(index: int) -> tuple[np.ndarray, np.ndarray]:
    views = RandomViewpoints().draw(np.random.default_rng(index), 1)
    return views.azimuth[0].numpy(), views.elevation[0].numpy()


#: Which objects count: those that sound, all of them, or those that move by 4° per second and more.
COUNTED: dict[str, Callable[[Any], np.ndarray]] = {
    "sounding": lambda objects: objects.sounding,
    "all": lambda objects: objects.present,
    "moving": lambda objects: np.abs(objects.speed * np.cos(objects.elevation)) >= np.radians(4.0),
}
#: Name, the world, what finds directions in a scene, and which objects count.
STRATEGIES: list[tuple[str, WorldConfig, Callable[[int], Any], str]] = [
    ("sound, histogram", WorldConfig(), lambda i: sounding_directions(sound(WorldConfig(), i)), "sounding"),
    ("sound, histogram, without reverberation", DRY, lambda i: sounding_directions(sound(DRY, i)), "sounding"),
    (
        'sound, beam (`map="power"`)',
        WorldConfig(),
        lambda i: sounding_directions(sound(WorldConfig(), i), map="power"),
        "sounding",
    ),
    ("motion, optical flow", WorldConfig(), lambda i: moving_directions(film(i, 0.0)), "moving"),
    ("motion, frame differences", WorldConfig(), lambda i: differences(film(i, 0.0)), "moving"),
    (
        "motion, optical flow, camera turns by 30°/s",
        WorldConfig(),
        lambda i: moving_directions(film(i, 30.0)),
        "moving",
    ),
    ("motion, frame differences, camera turns by 30°/s", WorldConfig(), lambda i: differences(film(i, 30.0)), "moving"),
    ("objectness, colour contrast", WorldConfig(), lambda i: objectness_directions(film(i, 0.0)), "all"),
    ("random, four views", WorldConfig(), at_random, "sounding"),
]


def row(name: str, config: WorldConfig, find: Callable[[int], Any], counted_objects: str, scenes: int) -> list[Any]:
    """Name, which objects count, directions, directions near one, objects, objects with a direction near them."""
    counted = np.zeros(4, int)
    for index in range(scenes):
        objects = scene(config, SEED, index).objects
        counts = (objects.present & COUNTED[counted_objects](objects))[0]
        azimuth, elevation = (np.asarray(part) for part in find(index)[:2])
        away = ambikit.angular_distance(
            azimuth[:, None], elevation[:, None], objects.azimuth[0][counts], objects.elevation[0][counts]
        )
        near = away <= NEAR
        counted += [len(azimuth), near.any(1).sum(), counts.sum(), near.any(0).sum()]
    return [name, counted_objects, *counted.tolist()]


def page(result: dict[str, Any]) -> str:
    """The table as it stands on the page."""
    (found,) = result["tables"]
    lines = [
        conditions(result),
        "",
        "| strategy | objects that count | directions per clip | near an object | objects found |",
        "|---|---|---:|---:|---:|",
    ]
    for name, which, directions, near, objects, reached in found["rows"]:
        shares = (
            f"{directions / found['scenes']:.1f} | {100 * near / directions:.0f} % | {100 * reached / objects:.0f} %"
        )
        lines.append(f"| {name} | {which} | {shares} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    import torch

    torch.set_num_threads(1)
    scenes = 2 if quick() else SCENES
    columns = ["strategy", "counted", "directions", "near an object", "objects", "objects found"]
    rows = [row(*strategy, scenes) for strategy in STRATEGIES]
    text = page(
        record("viewpoint_directions", [{"title": "viewpoints", "scenes": scenes, "columns": columns, "rows": rows}])
    )
    if not quick():
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    show(text)


if __name__ == "__main__":
    main()
