"""What each format of sound costs a training: memory and time per clip, time per step, and its error.

Processor time of one thread. The step is that of the demonstration and that of the papers; the error is that of the
views in single precision against the features of the turned signal in double precision.
``python -m benchmarks.sound_formats``
"""

from time import thread_time
from typing import Any

import numpy as np
import torch

import ambikit
from ambikit_models.batch import Batch
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.augmentation import Changes
from ambikit_models.training.colours import ColourJitter
from ambikit_models.world import WorldConfig, render_sound, scenes
from benchmarks.common import Figures, quick, report
from benchmarks.machine import one_thread

SMALL = {
    "title": "the demonstration: half a second at 16 kHz, 32 bands, 13 frames",
    "sound": {"sample_rate": 16000, "bands": 32, "window": 0.064, "hop": 0.04},
    "world": {"sample_rate": 16000, "duration": 0.5},
    "clips": 16,
    "pictures": (1, 24, 24),
}
FULL = {
    "title": "the papers: a second at 24 kHz, 128 bands, 100 frames",
    "sound": {"sample_rate": 24000},
    "world": {"sample_rate": 24000, "duration": 1.0},
    "clips": 28,
    "pictures": (8, 112, 112),
}
VIEWS = 4
FORMATS = [
    *({"format": name} for name in ("omni", "mono", "stereo", "foa_log_mel", "foa_intensity")),
    *({"format": name} for name in ("salsa_mel", "salsa", "stereo_icf")),
    *({"format": name, "spectrum": "magnitude"} for name in ("mono", "stereo", "foa_log_mel", "foa_intensity")),
]
ROW = (
    "format",
    "channels × rows",
    "kept of a clip, kB",
    "prepared once, processor ms per clip",
    "all views of a step, processor ms",
    "largest error of levels, dB",
    "largest error of cues",
)
CHANGES = {
    "none": {},
    "joint flip": {"flip": "joint"},
    "visual flip": {"flip": "visual"},
    "colours, as the published code": {"colours": ColourJitter(0.4, 0.4, 0.4, 0.2)},
    "loudness": {"volume": 0.1},
}


def formats(step: dict[str, Any]) -> Figures:
    """One row per format."""
    one_thread()
    count = 2 if quick() else step["clips"]
    world = WorldConfig(**step["world"])
    signals = torch.cat([render_sound(world, 0, scenes(world, 0, [index])) for index in range(count)])
    generator = np.random.default_rng(0)
    azimuth = torch.from_numpy(generator.uniform(-np.pi, np.pi, (count, VIEWS)).astype(np.float32))
    elevation = torch.from_numpy(generator.uniform(-0.5, 0.5, (count, VIEWS)).astype(np.float32))
    rows = []
    for recipe in FORMATS:
        sound = SoundFeatures(**step["sound"], **recipe)
        prepared = sound.prepare(signals)
        once = milliseconds(lambda: [sound.prepare(signal) for signal in signals]) / count  # noqa: B023 - at once
        each = milliseconds(lambda: sound.view(prepared[:, None], azimuth, elevation))  # noqa: B023
        views = sound.view(prepared[:, None], azimuth, elevation)
        exact = sound.view(sound.prepare(_turned(signals, azimuth, elevation)), torch.tensor(0.0), torch.tensor(0.0))
        difference, levels = (views - exact).abs(), sound.layout.levels
        cues = f"{difference[:, :, levels:].max():.0e}" if levels < sound.channels else "–"
        rows.append(
            (
                f"`{recipe['format']}`" + (", magnitude" if "spectrum" in recipe else ""),
                f"{sound.channels} × {sound.rows}",
                round(4e-3 * prepared[0].numel()),
                once,
                each,
                f"{difference[:, :, :levels].max():.0e}",
                cues,
            )
        )
    return Figures(
        f"The formats of sound in {step['title']}; {step['clips']} clips × {VIEWS} views, one thread",
        ROW,
        tuple(rows),
        "Prepared in the loader once per clip and moment, or before the training. Errors of single precision against "
        "the turned signal in double precision: a beam or a dipole that hears next to nothing is rounding, and so is "
        "the choice of a bin at the edge of a test of SALSA or the sign of the level difference of such a bin.",
    )


def changes(step: dict[str, Any]) -> Figures:
    """One row per change of the augmentation."""
    one_thread()
    count = 2 if quick() else step["clips"]
    generator = torch.Generator().manual_seed(0)
    sound = SoundFeatures(**step["sound"])
    video = torch.rand(count, VIEWS, 3, *step["pictures"], generator=generator)
    audio = torch.rand(count, VIEWS, sound.channels, sound.bands, 13, generator=generator)
    batch = Batch(video, audio, torch.arange(count))
    rows = []
    for name, settings in CHANGES.items():
        drawn = Changes.draw(np.random.default_rng(0), count, VIEWS, **settings)
        rows.append((name, milliseconds(lambda: drawn.apply(batch, sound))))  # noqa: B023
    frames, height, width = step["pictures"]
    size = f"{count} × {VIEWS} crops of {frames} × {height} × {width}"
    return Figures(
        f"The changes of the augmentation: {size}, one thread", ("change", "a step, processor ms"), tuple(rows)
    )


def milliseconds(run: Any) -> float:
    """The median time of a call, of the processor: the machine may be busy with other things."""
    run()
    times = []
    for _ in range(1 if quick() else 9):
        start = thread_time()
        run()
        times.append(1e3 * (thread_time() - start))
    return float(np.median(times))


def _turned(signals: torch.Tensor, azimuth: torch.Tensor, elevation: torch.Tensor) -> torch.Tensor:
    return ambikit.align(signals.double()[:, None], azimuth.double(), elevation.double())


def main() -> None:
    report("sound_formats", [formats(SMALL), formats(FULL), changes(SMALL), changes(FULL)])


if __name__ == "__main__":
    main()
