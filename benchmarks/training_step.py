"""Where the time of a training step goes: data, networks, loss, gradients, optimiser.

The AVSA step of the demonstration (small networks, the synthetic world) on the CPU, one thread; the case ``cuda`` has
it and that of the papers' networks on full-size views on a GPU. ``python -m benchmarks.training_step``
"""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch

import ambikit
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ModelConfig
from ambikit_models.world import WorldClips, WorldConfig
from ambikit_models.world.shading import shade
from benchmarks.common import Figures, quick, report
from benchmarks.machine import device_name, one_thread

SMALL = {
    "title": "the demonstration: small networks, views of 24 × 24, 1 picture, sound of 32 bands",
    "sound": {"sample_rate": 16000, "bands": 32, "window": 0.064, "hop": 0.04},
    "model": ModelConfig(projection=64),
    "clips": 16,
    "size": 24,
    "frames": 1,
}
FULL = {
    "title": "the papers' networks: R(2+1)D-18 and 9 convolutions, views of 112 × 112, 8 pictures, sound of 128 bands",
    "sound": {"sample_rate": 24000},
    "model": ModelConfig(video="r2plus1d_18", audio="conv2d_9"),
    "clips": 28,
    "size": 112,
    "frames": 8,
}
VIEWS, POOL = 4, 64
ROW = ("part of the step", "median, ms", "quartiles, ms", "share of the step, %")


class Clock:
    """Collects the time of named parts, each from the end of the one before; waits for the device at each border."""

    def __init__(self, device: str, now: Callable[[], float] = perf_counter) -> None:
        self.device, self.now = device, now
        self.times: dict[str, list[float]] = {}
        self.begin()

    def begin(self) -> None:
        """A part begins now."""
        self._wait()
        self.last = self.now()

    def lap(self, name: str) -> None:
        """A part of this name ends now, and the next one begins."""
        self._wait()
        now = self.now()
        self.times.setdefault(name, []).append(1e3 * (now - self.last))
        self.last = now

    def _wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def profile(recipe: dict[str, Any], device: str, rounds: int) -> Figures:
    """The median time of each part over some steps."""
    one_thread()
    torch.manual_seed(0)
    sound = SoundFeatures("foa_intensity", **recipe["sound"])
    world = WorldConfig(sample_rate=sound.sample_rate)
    clips = WorldClips.render(
        world, 0, range(POOL), sound, size=recipe["size"], frames=recipe["frames"], workers=1, device=device
    )
    chooser = RandomViewpoints(views=VIEWS)
    model = recipe["model"].build(sound).to(device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    objective, generator, clock = AVSA(), np.random.default_rng(0), Clock(device)
    seen, covariance = clips.scenes.to(device), clips.prepared

    def step() -> None:
        rows = torch.from_numpy(generator.permutation(POOL)[: recipe["clips"]]).to(device)
        views = chooser.draw(generator, recipe["clips"]).to(device, torch.float32)
        clock.lap("data: viewpoints")
        rays = ambikit.crop_rays(views.azimuth, views.elevation, views.field_of_view, recipe["size"])
        times = torch.tensor(world.frame_times(recipe["frames"]), device=device, dtype=torch.float32)
        video = shade(world, seen[rows], rays, times, views.field_of_view / recipe["size"])
        clock.lap("data: pictures of the views")
        turned = ambikit.align_mel_covariance(covariance[rows][:, None], views.azimuth, views.elevation)
        clock.lap("data: sound turned to the views")
        audio = ambikit.mel_covariance_features(turned)
        clock.lap("data: features of the sound")
        seen_vectors = model.embed_video(video)
        clock.lap("video encoder")
        heard_vectors = model.embed_audio(audio)
        clock.lap("audio encoder")
        loss, _ = objective.compare(model, seen_vectors, heard_vectors)
        clock.lap("translation and loss")
        optimizer.zero_grad()
        loss.backward()
        clock.lap("gradients")
        optimizer.step()
        clock.lap("optimiser")

    for _ in range(1 if quick() else 3):
        step()
    clock.times.clear()
    for _ in range(1 if quick() else rounds):
        clock.begin()
        step()
    render = _sound_of_a_clip(world, sound, device)
    return _figures(recipe, device, clock.times, render)


def _sound_of_a_clip(world: WorldConfig, sound: SoundFeatures, device: str) -> float:
    """How long rendering the sound of one clip takes, in ms; it is done once, before the training."""
    from ambikit_models.world.pool import render_pool

    count, best = (2, []) if quick() else (16, [])
    for _ in range(2):
        start = perf_counter()
        render_pool(world, 1, np.arange(count), sound, workers=1, device=device)
        best.append(1e3 * (perf_counter() - start) / count)
    return min(best)


def _figures(recipe: dict[str, Any], device: str, times: dict[str, list[float]], render: float) -> Figures:
    rows, whole = [], np.sum(list(times.values()), axis=0)
    total = float(np.median(whole))
    parts = {**times, "data, altogether": np.sum([v for k, v in times.items() if k.startswith("data")], axis=0)}
    for name, values in {**parts, "the step": whole}.items():
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        rows.append((name, float(middle), f"{low:.3g} to {high:.3g}", float(100 * middle / total)))
    return Figures(
        f"A training step on {device_name(device)}: {recipe['title']}; {recipe['clips']} clips × {VIEWS} views",
        ROW,
        tuple(rows),
        f"The sound of a clip is rendered once, before the training, in {render:.3g} ms. In the training loop the data "
        "of the next step is made in a thread beside the step; here one after the other.",
    )


def main() -> None:
    report("training_step", [profile(SMALL, "cpu", 15)])


if __name__ == "__main__":
    main()
