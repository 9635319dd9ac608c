"""Training on a folder of 360° videos, before the user's eyes."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric import Fabric
from rich.console import Console

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.datasets.prepared import PreparedClips
from ambikit_models.datasets.sharded_clips import ShardedClips
from ambikit_models.datasets.stereo_source import open_stereo
from ambikit_models.datasets.video_folder import VideoFolder
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.downstream.alignment.binary import CONDITIONS, evaluate_binary
from ambikit_models.downstream.probing.embeddings import embed
from ambikit_models.panorama.detection import YoloDetector
from ambikit_models.panorama.salient import SalientViewpoints
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints
from ambikit_models.preparation.collections import PICTURES
from ambikit_models.preparation.prepare import MANIFEST
from ambikit_models.preparation.records import read_records
from ambikit_models.preparation.selection import Selection, select
from ambikit_models.preparation.shards import INDEX
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.pictures import draw_learning_curves
from ambikit_models.study.progress import live_progress, notes, training_words
from ambikit_models.training.checkpoints import latest_checkpoint
from ambikit_models.training.config import ClipConfig, ModelConfig, Phase, TrainingConfig
from ambikit_models.training.loop import train
from ambikit_models.world.clips import WorldClips

__all__ = ["open_videos", "small_recipe", "train_on_videos", "train_with_progress"]

#: videos to test on, below which no accuracy is given
_FEWEST_VIDEOS = 32


def open_videos(
    data: Path,
    config: TrainingConfig,
    *,
    split: str | None = None,
    yolo_weights: str = "yolo11n.pt",
    audited: Path | None = None,
) -> PairedClips:
    """Open a folder for a recipe: prepared (it has a manifest), of shards, in the YT-360 layout, or any with videos.

    FAIR-Play and YouTube-ASMR are known by their layouts too; a ``split`` of theirs is a part of their lists.

    A recipe that looks at objects gets the boxes that were prepared, or a YOLO detector. One that selects clips by
    their sound goes by the manifest, or by ``audited``, the ``audit.jsonl`` of a folder that was not prepared.
    """
    clip, selection = config.clip, config.clip.selection
    settings: dict[str, Any] = {
        "size": clip.size,
        "frames": clip.frames,
        "frame_rate": clip.frame_rate,
        "sound_duration": clip.duration,
    }
    viewpoints = config.viewpoints
    objects = isinstance(viewpoints, ObjectViewpoints)
    objects = objects or (isinstance(viewpoints, SalientViewpoints) and viewpoints.objects > 0)
    if (data / MANIFEST).is_file() or (data / INDEX).is_file():
        kind = PreparedClips if (data / MANIFEST).is_file() else ShardedClips
        clips = kind(data, split, config.sound, selection=selection, seed=config.seed, **settings)
        if objects and not all("boxes" in record for record in clips.records):
            clips.detector = YoloDetector(yolo_weights)
        return clips
    two_channels = open_stereo(data, split, config.sound, **settings)
    if two_channels is not None:
        return two_channels
    detector = YoloDetector(yolo_weights) if objects else None
    if split is None and _plain(data):
        clips = VideoFolder(data, config.sound, detector=detector, **settings)
    else:
        clips = YT360(data, split, config.sound, detector=detector, **settings)
    return clips if selection == "all" else clips.subset(_selected(data, clips, selection, audited, config.seed))


def _plain(data: Path) -> bool:
    """Whether a folder holds videos, but not in the layout of YT-360."""
    halves = (base / part for base in (data, data / "data" / "yt360") for part in ("video", "audio"))
    if not data.is_dir() or any(half.is_dir() for half in halves):
        return False
    return any(path.suffix.lower() in PICTURES for path in data.rglob("*"))


def _selected(data: Path, clips: PairedClips, selection: Selection, audited: Path | None, seed: int) -> np.ndarray:
    """The clips whose sound an audit lets pass into a selection, known by the content of the file's folder and name."""
    if audited is None:
        raise AmbikitError(
            f"got selection={selection!r} for files that nobody has judged; expected an audit; make it with "
            "ambikit-models audit DIR, and pass its audit.jsonl with --audit"
        )
    by_name = {"/".join(Path(r["path"]).parts[-2:]): r for r in read_records(audited)}
    by_name |= {r["path"]: r for r in read_records(audited)}
    records = [
        by_name.get(clip.sound.relative_to(data).as_posix()) or by_name.get("/".join(clip.sound.parts[-2:]))
        for clip in clips.clips
    ]
    known = [{**record, "index": index} for index, record in enumerate(records) if record is not None]
    return np.array([record["index"] for record in select(known, selection, seed=seed)], dtype=np.int64)


def small_recipe(videos: int, steps: int) -> TrainingConfig:
    """A recipe that a CPU can run on as many videos as there are: the paper's features and views, small networks.

    Correspondence between videos needs at least two of them; with a single one only the alignment of its own views
    can be learned.
    """
    batch = min(8, videos)
    correspondence = Phase("avc", steps=steps, clips=batch, views=1, learning_rate=1e-3, warm_up=20)
    alignment = Phase("avsa", steps=steps, clips=batch, views=4, learning_rate=1e-3, warm_up=20)
    return TrainingConfig(
        phases=(correspondence, alignment) if batch > 1 else (alignment,),
        sound=SoundFeatures("foa_intensity", sample_rate=24000, bands=128),
        clip=ClipConfig(size=48, frames=2),
        model=ModelConfig(width=128, projection=64),
        viewpoints=RandomViewpoints(field_of_view=(math.radians(60), math.radians(90))),
        weight_decay=1e-4,
        checkpoint_every=100,
    )


def train_with_progress(
    config: TrainingConfig,
    clips: PairedClips | WorldClips,
    output: Path,
    *,
    fabric: Fabric | None = None,
    console: Console | None = None,
) -> Any:
    """Train with a live bar, and say what went wrong with the loss and which clips could not be used."""
    console = console or Console()
    with live_progress(console) as tell:

        def report(record: dict[str, Any]) -> None:
            tell("training", record["step"], record["steps"], training_words(record))
            if "warning" in record:
                console.print(f"note: {record['phase'].upper()} {record['warning']}", highlight=False)

        model = train(config, clips, output, fabric=fabric, report=report)
    if isinstance(clips, PairedClips) and clips.skipped:
        console.print(f"{len(clips.skipped)} of {len(clips)} clips could not be read and were skipped:")
        for name, reason in clips.skipped.items():
            console.print(f"  {name}: {reason}", highlight=False)
    return model


def train_on_videos(data: Path, output: Path, *, steps: int = 200) -> AlignmentModel:
    """Check, train and evaluate on a folder of videos; ends in a checkpoint and a picture of the losses.

    Parameters
    ----------
    data
        Folder in the YT-360 layout, one that was prepared, or any with videos that have first-order sound.
    output
        Folder for checkpoints, metrics and pictures.
    steps
        Steps of each phase.
    """
    console = Console()
    with notes(console):
        found = open_videos(data, small_recipe(1, steps))
        clips = found.subset(found.readable())
        console.print(f"{len(found)} clips in {data}, {len(clips)} of them readable")
        if isinstance(found, YT360 | VideoFolder) and found.unpaired:
            console.print(f"{found.unpaired} files have no partner of the same name in the other folder")
        if not len(clips):
            raise AmbikitError(f"got no readable clip in {data}; expected at least one; the notes above say why")
        config = small_recipe(len(np.unique(clips.videos)), steps)
        _check_first(clips, console)
        return _train_and_show(clips, config, output, console)


def _train_and_show(clips: PairedClips, config: TrainingConfig, output: Path, console: Console) -> AlignmentModel:
    train_ids, held_out = _hold_out(clips)
    model = train_with_progress(config, clips.subset(train_ids), output, console=console)
    if len(held_out):
        _evaluate(model, config, clips.subset(held_out), console)
    else:
        console.print(
            f"{len(np.unique(clips.videos))} videos; accuracies need at least {5 * _FEWEST_VIDEOS}, a part of which is "
            "kept for evaluation, so none are given"
        )
    draw_learning_curves({"AVSA": output}, output / "learning_curves.png")
    console.print(f"checkpoint: {latest_checkpoint(output / 'checkpoints')}")
    console.print(f"picture:    {output / 'learning_curves.png'}")
    return model


def _check_first(clips: PairedClips, console: Console) -> None:
    """What the sound of the first clip is: wrong channels cost a training."""
    try:
        signal, rate = ambikit.read(clips.clips[0].sound)
        report = ambikit.check_foa(signal, rate)
    except AmbikitError as error:
        console.print(f"sound of {clips.clips[0].name}: {error}", highlight=False)
        return
    console.print(f"sound of {clips.clips[0].name}: {report.verdict}; {report.reasons[0]}", highlight=False)


def _hold_out(clips: PairedClips) -> tuple[np.ndarray, np.ndarray]:
    """Two fifths of the videos for evaluation, if there are enough; no video on both sides."""
    everything, videos = np.arange(len(clips)), clips.videos
    if len(np.unique(videos)) < 5 * _FEWEST_VIDEOS:
        return everything, everything[:0]
    held_out = videos % 5 >= 3
    return everything[~held_out], everything[held_out]


def _evaluate(model: AlignmentModel, config: TrainingConfig, unseen: PairedClips, console: Console) -> None:
    """Train the head on half of the unseen videos and test it on the others, one clip of each."""
    conditions = tuple(dict.fromkeys(c for task in ("avsa", "avc", "shuffled") for c in CONDITIONS[task]))
    _, first = np.unique(unseen.videos, return_index=True)
    parts = [
        embed(model, unseen, part, config.viewpoints, conditions=conditions, seed=number, block=8)
        for number, part in enumerate((first[::2], first[1::2]))
    ]
    for task in ("avsa", "avc", "shuffled"):
        result = evaluate_binary(model, parts[:1], parts[1], task)
        name = "AVSA-Bin, control: sound of another video" if task == "shuffled" else f"{task.upper()}-Bin"
        console.print(
            f"{name}: {result.accuracy[1]} % with 1 view, {result.accuracy[4]} % with 4 "
            f"({len(parts[1].indices)} videos; exact binomial test at 4 views p = {result.chance[4]:.3f})"
        )
