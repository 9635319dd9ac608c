"""Where strategies for viewpoints look: which directions lie near an object, and how many objects are found.

Scenes of the synthetic world as it is by default, and without reverberation; near is within 15°.

``python -m benchmarks.viewpoint_directions`` measures, and writes the table into ``docs/viewpoints.md``.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import ambikit
from ambikit_models.panorama.motion import moving_directions
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


def motion(index: int) -> Any:
    config = WorldConfig()
    times = config.frame_times(4)
    return moving_directions(render_panoramas(config, scene(config, SEED, index), 48, times=times, oversampling=1)[0])


def at_random(index: int) -> tuple[np.ndarray, np.ndarray]:
    views = RandomViewpoints().draw(np.random.default_rng(index), 1)
    return views.azimuth[0].numpy(), views.elevation[0].numpy()


#: Name, the world, what finds directions in a scene, and whether silent objects count.
STRATEGIES: list[tuple[str, WorldConfig, Callable[[int], Any], bool]] = [
    ("sound, histogram", WorldConfig(), lambda i: sounding_directions(sound(WorldConfig(), i)), False),
    ("sound, histogram, without reverberation", DRY, lambda i: sounding_directions(sound(DRY, i)), False),
    (
        'sound, beam (`map="power"`)',
        WorldConfig(),
        lambda i: sounding_directions(sound(WorldConfig(), i), map="power"),
        False,
    ),
    ("motion, against all objects", WorldConfig(), motion, True),
    ("random, four views", WorldConfig(), at_random, False),
]


def row(name: str, config: WorldConfig, find: Callable[[int], Any], silent: bool, scenes: int) -> list[Any]:
    """Name, directions, directions near an object, objects, objects with a direction near them."""
    counted = np.zeros(4, int)
    for index in range(scenes):
        objects = scene(config, SEED, index).objects
        counts = (objects.present & (objects.sounding | silent))[0]
        azimuth, elevation = (np.asarray(part) for part in find(index)[:2])
        away = ambikit.angular_distance(
            azimuth[:, None], elevation[:, None], objects.azimuth[0][counts], objects.elevation[0][counts]
        )
        near = away <= NEAR
        counted += [len(azimuth), near.any(1).sum(), counts.sum(), near.any(0).sum()]
    return [name, *counted.tolist()]


def page(result: dict[str, Any]) -> str:
    """The table as it stands on the page."""
    (found,) = result["tables"]
    lines = [
        conditions(result),
        "",
        "| strategy | directions per clip | near an object | objects found |",
        "|---|---:|---:|---:|",
    ]
    for name, directions, near, objects, reached in found["rows"]:
        shares = (
            f"{directions / found['scenes']:.1f} | {100 * near / directions:.0f} % | {100 * reached / objects:.0f} %"
        )
        lines.append(f"| {name} | {shares} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    import torch

    torch.set_num_threads(1)
    scenes = 2 if quick() else SCENES
    columns = ["strategy", "directions", "near an object", "objects", "objects found"]
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
