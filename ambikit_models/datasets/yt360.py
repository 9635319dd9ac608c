"""YT-360: clips of 360° video from YouTube with first-order sound."""

from pathlib import Path
from typing import Any

from ambikit.errors import FileError
from ambikit_models.datasets.named_files import PICTURE_FILES, SOUND_FILES, files_by_name, video_of
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.datasets.segmentation_maps import SegmentationMaps, read_segmentation
from ambikit_models.sound import SoundFeatures

__all__ = ["YT360", "segmentation_folder"]

_LAYOUT = "video/{id}-{start}.mp4 and audio/{id}-{start}.m4a, and train.txt and test.txt with one id per line"


class YT360(PairedClips):
    """The YT-360 data set as its authors lay it out [1]_: bring your own files, as the videos are YouTube's.

    ::

        video/{id}-{start}.mp4      the picture; id: the 11 characters of YouTube's name, start: seconds
        audio/{id}-{start}.m4a      the sound, first order; also .flac, .wav, …
        train.txt, test.txt         one id per line
        segments.txt                an id, and where its clips start: "id 0,10,70"
        segmentation/{id}-{start}/  things-0000.png, stuff-0000.png, …: four pairs per second

    A clip is a pair of the same name in both folders; a file without its partner is left out and counted. Videos of
    one's own may have any name, which then stands for the video too. Sound as YouTube
    serves it (six channels, two of them silent) is recognised, see :func:`ambikit.read`.

    Parameters
    ----------
    root
        The folder that holds ``video`` and ``audio``, or one that holds ``data/yt360`` with both.
    split
        ``"train"`` reads ``train.txt`` and so on; None takes all clips.
    segments
        Take only the clips that ``segments.txt`` lists: it selects from what was once downloaded.
    sound, **settings
        As in :class:`PairedClips`.

    Attributes
    ----------
    clips
        The clips in alphabetical order.
    absent
        With ``segments``: names of listed clips, of the split if there is one, that lack a file.
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
        self,
        root: str | Path,
        split: str | None = None,
        sound: SoundFeatures | None = None,
        *,
        segments: bool = False,
        **settings: Any,
    ) -> None:
        root = Path(root)
        folder = next((base for base in (root, root / "data" / "yt360") if (base / "video").is_dir()), root)
        for part in ("video", "audio"):
            if not (folder / part).is_dir():
                raise FileError(
                    f"got {root}, which has no folder {part}; expected the layout of YT-360: {_LAYOUT}; "
                    "give the folder that holds them"
                )
        pictures = files_by_name(folder / "video", PICTURE_FILES)
        sounds = files_by_name(folder / "audio", SOUND_FILES)
        paired = sorted(pictures.keys() & sounds.keys())
        self.unpaired = len(pictures.keys() ^ sounds.keys())
        clips = [ClipFiles(name, video_of(name), pictures[name], sounds[name]) for name in paired]
        if split is not None:
            wanted = _ids(root, folder, split)
            clips = [clip for clip in clips if clip.video in wanted]
        self.absent: tuple[str, ...] = ()
        if segments:
            listed = _listed(_text(root, folder, "segments", "text file with an id and starts per line"))
            listed = [name for name in listed if split is None or video_of(name) in wanted]
            self.absent = tuple(name for name in listed if name not in set(paired))
            clips = [clip for clip in clips if clip.name in set(listed)]
        if not clips:
            of_split = "" if split is None else f" of the split {split!r}"
            raise FileError(
                f"got {folder} with {len(pictures)} videos, {len(sounds)} sounds and no clip{of_split} that has both; "
                f"expected the layout of YT-360: {_LAYOUT}"
            )
        super().__init__(clips, sound, **settings)

    def segmentation(self, index: int) -> SegmentationMaps:
        """The segmentation maps of a clip, from the folder beside those of pictures and sound."""
        return read_segmentation(segmentation_folder(self.clips[index]))


def segmentation_folder(clip: ClipFiles) -> Path:
    """Where the segmentation maps of a clip lie."""
    return clip.pictures.parents[1] / "segmentation" / clip.name


def _ids(root: Path, folder: Path, split: str) -> set[str]:
    return set(_text(root, folder, split, "text file with one id per line").read_text(encoding="utf-8").split())


def _text(root: Path, folder: Path, name: str, what: str) -> Path:
    for path in (folder / f"{name}.txt", root / f"{name}.txt"):
        if path.is_file():
            return path
    raise FileError(
        f"got {folder}, where there is no {name}.txt; expected a {what}; write one, or ask for all clips: split=None, "
        "segments=False"
    )


def _listed(path: Path) -> list[str]:
    """The names of the clips that a list of segments holds."""
    names = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        identifier, *starts = line.replace(",", " ").split()
        if not starts or not all(start.isdecimal() for start in starts):
            raise FileError(
                f"{path}, line {number}: got {line.strip()[:60]!r}; expected an id and seconds, e.g. 'abcdefghijk "
                "0,10,70'; restore the file"
            )
        names += [f"{identifier}-{start}" for start in starts]
    return names
