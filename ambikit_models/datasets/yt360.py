"""YT-360: clips of 360° video from YouTube with first-order sound."""

from pathlib import Path
from typing import Any

from ambikit.errors import FileError
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.sound import SoundFeatures

__all__ = ["YT360"]

_LAYOUT = "video/{id}-{start}.mp4 and audio/{id}-{start}.m4a, and train.txt and test.txt with one id per line"
_PICTURE_FILES = (".mp4", ".mov", ".webm", ".mkv")
_SOUND_FILES = (".m4a", ".mp4", ".flac", ".wav", ".caf", ".ogg", ".opus", ".webm")
_ID_LENGTH = 11


class YT360(PairedClips):
    """The YT-360 data set as its authors lay it out [1]_: bring your own files, as the videos are YouTube's.

    ::

        video/{id}-{start}.mp4      the picture; id: the 11 characters of YouTube's name, start: seconds
        audio/{id}-{start}.m4a      the sound, first order; also .flac, .wav, …
        train.txt, test.txt         one id per line

    A clip is a pair of the same name in both folders; a file without its partner is left out and counted. Videos of
    one's own may have any name, which then stands for the video too. Sound as YouTube
    serves it (six channels, two of them silent) is recognised, see :func:`ambikit.read`.

    Parameters
    ----------
    root
        The folder that holds ``video`` and ``audio``, or one that holds ``data/yt360`` with both.
    split
        ``"train"`` reads ``train.txt`` and so on; None takes all clips.
    sound, **settings
        As in :class:`PairedClips`.

    Attributes
    ----------
    clips
        The clips in alphabetical order.
    unpaired
        How many files of either folder have no partner.

    Raises
    ------
    FileError
        If the folders or the split are missing, or hold no clip.

    References
    ----------
    .. [1] P. Morgado, Y. Li, N. Vasconcelos, "Learning Representations from Audio-Visual Spatial Alignment",
       NeurIPS 2020, section 4.
    """

    def __init__(
        self, root: str | Path, split: str | None = None, sound: SoundFeatures | None = None, **settings: Any
    ) -> None:
        root = Path(root)
        folder = next((base for base in (root, root / "data" / "yt360") if (base / "video").is_dir()), root)
        for part in ("video", "audio"):
            if not (folder / part).is_dir():
                raise FileError(
                    f"got {root}, which has no folder {part}; expected the layout of YT-360: {_LAYOUT}; "
                    "give the folder that holds them"
                )
        pictures = _by_name(folder / "video", _PICTURE_FILES)
        sounds = _by_name(folder / "audio", _SOUND_FILES)
        paired = sorted(pictures.keys() & sounds.keys())
        self.unpaired = len(pictures.keys() ^ sounds.keys())
        clips = [ClipFiles(name, _video_of(name), pictures[name], sounds[name]) for name in paired]
        if split is not None:
            wanted = _ids(root, folder, split)
            clips = [clip for clip in clips if clip.video in wanted]
        if not clips:
            of_split = "" if split is None else f" of the split {split!r}"
            raise FileError(
                f"got {folder} with {len(pictures)} videos, {len(sounds)} sounds and no clip{of_split} that has both; "
                f"expected the layout of YT-360: {_LAYOUT}"
            )
        super().__init__(clips, sound, **settings)


def _by_name(folder: Path, endings: tuple[str, ...]) -> dict[str, Path]:
    """The files of a folder by their names without endings; of two that differ in the ending, the first."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in endings and not path.name.startswith("."):
            found.setdefault(path.stem, path)
    return found


def _video_of(name: str) -> str:
    """The id of YouTube where a name is one, a dash and seconds (an id may contain dashes); else the whole name."""
    identifier, _, start = name.rpartition("-")
    return identifier if len(identifier) == _ID_LENGTH and start.isdecimal() else name


def _ids(root: Path, folder: Path, split: str) -> set[str]:
    for path in (folder / f"{split}.txt", root / f"{split}.txt"):
        if path.is_file():
            return set(path.read_text(encoding="utf-8").split())
    raise FileError(
        f"got split={split!r}, but there is no {split}.txt in {folder}; expected a text file with one id per line; "
        "write one, or give split=None for all clips"
    )
