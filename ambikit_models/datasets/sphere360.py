"""Sphere360: 10 s clips of 360° video from YouTube with first-order sound."""

from pathlib import Path
from typing import Any

from ambikit_models.datasets.listed_videos import listed_clips
from ambikit_models.datasets.listing import Layout, one_of
from ambikit_models.datasets.named_files import PICTURE_FILES, SOUND_FILES, files_by_name
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.sound import SoundFeatures

__all__ = ["Sphere360"]

_SPLITS = ("train", "test")


class Sphere360(PairedClips):
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
        As in :class:`PairedClips`.
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
        pictures = files_by_name(layout.root, PICTURE_FILES, below=True)
        # a file that is sound alone is preferred to the sound of the video
        alone = files_by_name(layout.root, [e for e in SOUND_FILES if e not in PICTURE_FILES], below=True)
        clips, self.absent = listed_clips(layout, names, pictures, {**pictures, **alone}, allow_missing)
        super().__init__(clips, sound, **settings)
