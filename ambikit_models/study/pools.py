"""The rendered scenes of a study: three disjoint ranges of indices, rendered once and shared by all variants."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ambikit.errors import FileError
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.config import StudyConfig
from ambikit_models.training.config import TrainingConfig
from ambikit_models.world.clips import WorldClips

__all__ = ["POOLS", "load_pool", "render_pools"]

#: The pools and where their indices begin; no scene is in two of them.
POOLS = {"training": 0, "head": 10_000_000, "test": 20_000_000}


def render_pools(
    study: StudyConfig, folder: Path, *, workers: int = 2, progress: Callable[[int, int], None] | None = None
) -> None:
    """Render what is missing below ``folder``; the files appear complete or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in POOLS if not _path(folder, name).exists()]
    total = sum(_count(study, name) for name in missing)
    done = 0
    for name in missing:
        indices = range(POOLS[name], POOLS[name] + _count(study, name))
        before = done

        def advance(finished: int, _count: int, before: int = before) -> None:
            if progress:
                progress(before + finished, total)

        clips = WorldClips.render(
            study.world,
            study.world_seed,
            indices,
            _kept(study),
            workers=workers,
            progress=advance,
        )
        clips.save(_path(folder, name))
        done += len(indices)


def load_pool(folder: Path, name: str, training: TrainingConfig) -> WorldClips:
    """Open a rendered pool for the sound features and the pictures of a recipe."""
    path = _path(folder, name)
    try:
        clip = training.clip
        shown = {"size": clip.size, "frames": clip.frames, "duration": clip.duration}
        return WorldClips.load(path, sound=training.sound, **shown)
    except FileError as error:
        raise FileError(f"{error}; remove {path} and start again: it will be rendered anew") from None


def _kept(study: StudyConfig) -> SoundFeatures:
    """Features that keep what all variants and the omni control need; the signals, where these are different things."""
    sounds = [variant.training.sound for variant in study.variants]
    controls = [dataclasses.replace(sound, format="omni") for sound in sounds]
    if all(sounds[0].keeps_the_same_as(other) for other in [*sounds, *controls]):
        return sounds[0]
    return dataclasses.replace(sounds[0], format="foa_log_mel", spectrum="magnitude")


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def _count(study: StudyConfig, name: str) -> int:
    return {"training": study.training_scenes, "head": study.head_scenes, "test": study.test_scenes}[name]
