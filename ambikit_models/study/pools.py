"""The rendered scenes of a study: three disjoint ranges of indices, rendered once and shared by all variants."""

from collections.abc import Callable
from pathlib import Path

from ambikit.errors import FileError
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
            study.variants[0].training.sound,  # the rendered sound is the same for every format
            workers=workers,
            progress=advance,
        )
        clips.save(_path(folder, name))
        done += len(indices)


def load_pool(folder: Path, name: str, training: TrainingConfig) -> WorldClips:
    """Open a rendered pool for the sound features and the pictures of a recipe."""
    path = _path(folder, name)
    try:
        return WorldClips.load(path, format=training.sound.format, size=training.clip.size, frames=training.clip.frames)
    except FileError as error:
        raise FileError(f"{error}; remove {path} and start again: it will be rendered anew") from None


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"


def _count(study: StudyConfig, name: str) -> int:
    return {"training": study.training_scenes, "head": study.head_scenes, "test": study.test_scenes}[name]
