"""Train a small detector on the pictures of the synthetic world, look where it finds objects, and learn from there.

    python examples/train_detector.py                 # minutes on two CPU cores; needs ambikit[models,yolo]
    python examples/train_detector.py --steps 40      # shorter, to see that all parts work

The network is the smallest YOLO, from its description and random weights: nothing is downloaded. It comes from
ultralytics, which stands under the AGPL-3.0. It learns on perspective views, as detectors do that are trained on
photographs, with the exact boxes of the world. Then it is asked for the objects of whole panoramas, on the
equirectangular frame itself and on perspective tiles merged on the sphere, and the recall of both is written by
latitude. Last, a few steps of audio-visual alignment are trained on viewpoints that it chose.
"""

import os

# one thread per process; must be set before NumPy and torch are loaded
os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.panorama.detection import Detections, Detector, YoloDetector
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.tiles import TiledDetector, shared_areas
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import ModelConfig, Phase, TrainingConfig
from ambikit_models.training.loop import train
from ambikit_models.world import Scenes, WorldClips, WorldConfig, detections, render_panoramas, scenes
from ambikit_models.world.panoramas import panorama_masks
from ambikit_models.world.shading import object_map, shade

#: small balls, up to 75 degrees above and below the horizon, so that latitude has something to show
WORLD = WorldConfig(elevation_degrees=75.0, radius_degrees=(6.0, 14.0), silent=(2, 4), sounding=(2, 3))
#: test scenes are none of the training scenes
TEST, LEARN = 1_000_000, 2_000_000
SIDE, VIEW = 128, math.radians(90.0)
#: rows of the panoramas: as many pixels per degree on the horizon as in the middle of a view
HEIGHT = 160
BANDS = ((0, 15), (15, 30), (30, 45), (45, 60), (60, 75))


@dataclass(frozen=True)
class Arguments:
    """Train a small detector on the synthetic world and choose viewpoints with it."""

    steps: int = 300
    """Optimisation steps of the detector."""
    batch: int = 16
    """Pictures per step."""
    scenes: int = 100
    """Test scenes."""
    alignment_steps: int = 20
    """Steps of alignment on the viewpoints that the detector chose."""
    output: Path = Path("runs/detector")
    """Where weights, figures and the aligned model are written."""


def training_pictures(generator: np.random.Generator, first: int, count: int) -> tuple[Any, Any]:
    """Views of random directions near the horizon ``(count, 3, side, side)``, and boxes (picture, x, y, w, h)."""
    chosen = scenes(WORLD, 0, np.arange(first, first + count)).to("cpu")
    azimuth = generator.uniform(-np.pi, np.pi, (count, 1))
    elevation = generator.uniform(-0.6, 0.6, (count, 1))
    rays = ambikit.crop_rays(*(torch.from_numpy(a).float() for a in (azimuth, elevation)), VIEW, SIDE)
    moment = torch.tensor(WORLD.frame_times(1))
    pictures = shade(WORLD, chosen, rays, moment, torch.full((count, 1), VIEW / SIDE))[:, 0, :, 0]
    slots = object_map(WORLD, chosen, rays, moment)[:, 0, 0].numpy()
    boxes = []
    for picture, slot in enumerate(slots):
        for known in np.unique(slot[slot >= 0]):
            rows, columns = np.nonzero(slot == known)
            top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
            if len(rows) >= 16:
                boxes.append((picture, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top))
    scale = np.array([1, SIDE, SIDE, SIDE, SIDE])
    return pictures, torch.from_numpy(np.array(boxes).reshape(-1, 5) / scale).float()


def train_detector(arguments: Arguments) -> Path:
    """Train from random weights on pictures that are drawn anew for every step, and write the weights."""
    weights = arguments.output / "detector.pt"
    yolo = YoloDetector("yolo11n.yaml").network
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel

    torch.manual_seed(0)
    yolo.model = model = DetectionModel("yolo11n.yaml", nc=1, verbose=False)
    model.names, model.args = {0: "ball"}, get_cfg()
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=arguments.steps, pct_start=0.1)
    generator, begin = np.random.default_rng(0), time.monotonic()
    for step in range(arguments.steps):
        pictures, boxes = training_pictures(generator, step * arguments.batch, arguments.batch)
        batch = {"img": pictures, "batch_idx": boxes[:, 0], "cls": torch.zeros(len(boxes), 1), "bboxes": boxes[:, 1:]}
        loss = model.loss(batch)[0].sum() / arguments.batch
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        schedule.step()
        if step % 20 == 0 or step == arguments.steps - 1:
            print(f"step {step:4d}  loss {loss.item():6.3f}  {time.monotonic() - begin:5.0f} s", flush=True)
    model.eval()
    model.args = vars(model.args)
    yolo.save(weights)
    return weights


def recall_by_latitude(detector: Detector, arguments: Arguments) -> dict[str, Any]:
    """Which part of the visible objects of the test scenes is found, and which part of what is found is an object."""
    found_in, objects_in = np.zeros(len(BANDS), int), np.zeros(len(BANDS), int)
    right = reported = at_rim = found_at_rim = 0
    area = np.cos(np.pi / 2 - (np.arange(HEIGHT) + 0.5) * np.pi / HEIGHT)[:, None]
    for index in range(TEST, TEST + arguments.scenes):
        test: Scenes = scenes(WORLD, 0, np.array([index]))
        found = detector.detect(render_panoramas(WORLD, test, HEIGHT)[0])[0]
        truth = detections(WORLD, test, 0)
        same = shared_areas(truth, found) >= 0.5
        slots = panorama_masks(WORLD, test, HEIGHT)[0, 0]
        pixels = np.array([((slots == slot) * area).sum() for slot in np.flatnonzero(test.objects.present[0])])
        # an object counts where at least half of it is seen
        cap = 1 - np.cos(truth.height / 2)
        seen = pixels * np.pi / HEIGHT**2 * np.pi >= 0.5 * 2 * np.pi * cap
        for band, (low, high) in enumerate(BANDS):
            here = seen & (np.degrees(np.abs(truth.elevation)) >= low) & (np.degrees(np.abs(truth.elevation)) < high)
            objects_in[band] += here.sum()
            found_in[band] += same[here].any(-1).sum() if len(found) else 0
        rim = seen & (np.abs(truth.azimuth) + truth.width / 2 > np.pi)
        at_rim += int(rim.sum())
        found_at_rim += int(same[rim].any(-1).sum()) if len(found) else 0
        right += int(same.any(0).sum()) if len(found) else 0
        reported += len(found)
    return {
        "latitudes": BANDS,
        "objects": objects_in.tolist(),
        "found": found_in.tolist(),
        "objects_on_the_rim": at_rim,
        "found_on_the_rim": found_at_rim,
        "recall": round(float(found_in.sum() / objects_in.sum()), 3),
        "precision": round(right / reported, 3) if reported else None,
    }


class DetectedClips(WorldClips):
    """Clips of the world whose objects are those that a detector found, not those that are there."""

    detector: Detector

    def detections(self, index: int) -> Detections:
        """What the detector finds in the middle of a clip."""
        frames = render_panoramas(self.config, self.scenes[np.array([index])], HEIGHT)[0]
        return self.detector.detect(frames)[0]


def align(detector: Detector, arguments: Arguments) -> float:
    """Train a little alignment on views of detected objects; returns the mean angle to the nearest true object."""
    sound = SoundFeatures("foa_intensity", sample_rate=16000, bands=16, window=0.064, hop=0.04)
    clips = DetectedClips.render(WORLD, 0, np.arange(LEARN, LEARN + 32), sound, size=24, workers=1)
    assert isinstance(clips, DetectedClips)
    clips.detector = detector
    chooser = SalientViewpoints(sound=0.0, objects=1.0)
    phase = Phase("avsa", steps=arguments.alignment_steps, clips=8, views=4, learning_rate=1e-3)
    config = TrainingConfig((phase,), sound=sound, model=ModelConfig(width=32, projection=16), viewpoints=chooser)
    train(config, clips, arguments.output / "alignment", report=_report)
    angles = []
    for index in range(len(clips)):
        view = chooser.draw(np.random.default_rng(index), [{"objects": clips.detections(index)}])
        true = clips.scenes[np.array([index])]
        there = detections(WORLD, true, 0)
        cosine = ambikit.angles_to_vectors(view.azimuth[0].numpy(), view.elevation[0].numpy()) @ (
            ambikit.angles_to_vectors(there.azimuth, there.elevation).T
        )
        angles.append(np.degrees(np.arccos(np.clip(cosine.max(-1), -1, 1))))
    return float(np.median(angles))


def _report(line: dict[str, Any]) -> None:
    print("alignment", {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()})


def main(arguments: Arguments) -> None:
    """Train, measure, choose viewpoints and learn from them."""
    arguments.output.mkdir(parents=True, exist_ok=True)
    weights = arguments.output / "detector.pt"
    begin = time.monotonic()
    train_detector(arguments)
    figures: dict[str, Any] = {
        "steps": arguments.steps,
        "pictures": arguments.steps * arguments.batch,
        "seconds_of_training": round(time.monotonic() - begin),
        "scenes": arguments.scenes,
    }
    on_frames = YoloDetector(weights, image_size=2 * HEIGHT)
    on_tiles = TiledDetector(YoloDetector(weights, image_size=SIDE), size=SIDE)
    for name, detector in (("frame", on_frames), ("tiles", on_tiles)):
        begin = time.monotonic()
        figures[name] = recall_by_latitude(detector, arguments)
        print(name, figures[name], f"{time.monotonic() - begin:.0f} s", flush=True)
    (arguments.output / "recall.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    angle = align(on_tiles, arguments)
    print(f"half of the views of the detector are within {angle:.1f} degrees of the centre of a true object")


if __name__ == "__main__":
    try:
        main(tyro.cli(Arguments))
    except AmbikitError as error:
        sys.exit(f"error: {error}")
