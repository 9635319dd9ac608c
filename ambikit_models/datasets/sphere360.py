"""Sphere360: 10 s clips of 360° video from YouTube with first-order sound."""

from pathlib import Path
from typing import Any

from ambikit_models.datasets.listed_videos import ListedVideos, files_below
from ambikit_models.datasets.listing import Layout, one_of
from ambikit_models.sound import SoundFeatures

__all__ = ["Sphere360"]

_SPLITS = ("train", "test")


class Sphere360(ListedVideos):
    """The Sphere360 clips [1]_ as one has downloaded them: bring your own files, as the videos are YouTube's.

    ::

        split/train.txt, split/test.txt     one clip per line: {id}_{start}; also under dataset/split

    The authors publish lists. Where the files of clips lie, and their endings, is unverified: a clip is any video
    named ``{id}_{start}`` in the folder or below it, with the sound file of that name, or with its own sound.

    Parameters
    ----------
    root
        The folder that holds ``split`` and the files.
    split
        ``"train"`` or ``"test"``.
    sound, **settings
        As in :class:`~ambikit_models.datasets.paired_clips.PairedClips`.
    allow_missing
        Go on without clips that are not there: videos vanish from YouTube.

    Attributes
    ----------
    absent
        Names of listed clips that lack a file.

    References
    ----------
    .. [1] H. Liu et al., "OmniAudio: Generating Spatial Audio from 360-Degree Video",
       ICML 2025.
    """

    def __init__(
        self,
        root: str | Path,
        split: str = "train",
        sound: SoundFeatures | None = None,
        *,
        allow_missing: bool = True,
        **settings: Any,
    ) -> None:
        one_of("split", split, _SPLITS)
        layout = Layout("Sphere360", root, "split/train.txt and {id}_{start}.mp4", "github.com/liuhuadai/OmniAudio")
        names = layout.lines(layout.file(*(Path(base, f"{split}.txt") for base in ("split", "dataset/split"))))
        super().__init__(layout, names, *files_below(layout.root), sound, allow_missing=allow_missing, **settings)
