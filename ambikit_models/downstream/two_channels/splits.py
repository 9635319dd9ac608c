"""Two sides of clips with two channels, to learn from and to be judged by: of the world, or of a data set on disk."""

from pathlib import Path

from ambikit.errors import AmbikitError
from ambikit_models.datasets.stereo_source import stereo_recordings
from ambikit_models.downstream.two_channels.clips import Ears, FilmedClips, PictureConfig, WorldViews
from ambikit_models.training.config import ClipConfig
from ambikit_models.world.config import WorldConfig

__all__ = ["SCENES", "filmed_split", "pictures_of", "world_split"]

#: One object sounds, and there may be another that does not; with several of them the picture would show one side only
#: of what is heard. What no picture tells, echoes and ambience, is softer than usual.
SCENES = WorldConfig(sounding=(1, 1), silent=(0, 1), reverberation=0.3, snr_db=(20.0, 30.0))

#: where the indices of the scenes begin; those of training end long before
_FIRST = (10_000_000, 20_000_000)


def world_split(
    scenes: int,
    pictures: PictureConfig,
    *,
    world: WorldConfig = SCENES,
    seed: int = 0,
    ears: Ears = "beams",
    workers: int = 2,
) -> tuple[WorldViews, WorldViews]:
    """So many scenes of the world to learn from, and as many others to be tested on; no training has seen them.

    Parameters
    ----------
    scenes
        How many, at least two.
    pictures
        What is seen and heard.
    world, seed
        Which world.
    ears
        How a scene becomes two channels.
    workers
        Processes that render.
    """
    if scenes < 2:
        raise AmbikitError(f"got {scenes} scenes; expected two or more")
    settings = {"ears": ears, "workers": workers}
    train, test = (WorldViews(world, seed, range(n, n + scenes), pictures, **settings) for n in _FIRST)
    return train, test


def filmed_split(root: Path, pictures: PictureConfig, *, split: int = 1) -> tuple[FilmedClips, FilmedClips]:
    """The training and the test part of FAIR-Play (a folder with ``splits``) or of YouTube-ASMR (with lists).

    Parameters
    ----------
    root
        The folder.
    pictures
        What is seen and heard.
    split
        Of FAIR-Play, 1 to 10. Clips of YouTube-ASMR that are no longer there are left out.
    """
    numbered = f"{split}/" if (root / "splits").is_dir() else ""
    train, test = (stereo_recordings(root, numbered + part, allow_missing=False) for part in ("train", "test"))
    if train is None or test is None:
        raise AmbikitError(
            f"got {root}, which has neither splits and binaural_audios nor train.csv, test.csv and video; "
            "expected FAIR-Play or YouTube-ASMR; see ambikit_models.datasets for how they lie on disk"
        )
    return FilmedClips(train, pictures), FilmedClips(test, pictures)


def pictures_of(clip: ClipConfig, sample_rate: int) -> PictureConfig:
    """What a trained system sees and hears at once."""
    return PictureConfig(clip.size, clip.frames, clip.frame_rate, clip.duration, sample_rate)
