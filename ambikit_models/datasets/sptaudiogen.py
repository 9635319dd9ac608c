"""The videos of SptAudioGen: YouTube-360 and REC-Street, whole 360° videos with first-order sound."""

from pathlib import Path
from typing import Any

from ambikit_models.datasets.listed_videos import ListedVideos, files_below
from ambikit_models.datasets.listing import Layout, one_of
from ambikit_models.sound import SoundFeatures

__all__ = ["SptAudioGen"]

_SUBSETS = ("YT-All", "YT-Clean", "YT-Music", "REC-Street")
_SPLITS = ("train", "test")


class SptAudioGen(ListedVideos):
    """The videos on which SptAudioGen learned [1]_, as one has downloaded them: bring your own files.

    ::

        meta/subsets/{subset}.{split}.{fold}.lst    one id per line; also in subsets, or in the folder itself
        meta/subsets/{subset}.lst                   all ids of a subset

    ``YT-All`` is all that comes from YouTube; that it is what others call YouTube-360 is unverified. The authors'
    preparation leaves ``.mp4`` (10 pictures per second) and ``.m4a`` (W, Y, Z, X); how these are named is unverified: a
    clip is any video named by its id in the folder or below it, with the sound file of that name, or with its own
    sound. Each video is one clip here, however long; ``ambikit-models prepare`` cuts them.

    Parameters
    ----------
    root
        The folder that holds the lists and the files.
    split
        ``"train"`` or ``"test"``; None takes the whole subset.
    sound, **settings
        As in :class:`~ambikit_models.datasets.paired_clips.PairedClips`.
    subset
        ``"YT-All"``, ``"YT-Clean"``, ``"YT-Music"`` or ``"REC-Street"``.
    fold
        1, 2 or 3: which of the three splits.
    allow_missing
        Go on without videos that are not there: they vanish from YouTube.

    Attributes
    ----------
    absent
        Listed ids that lack a file.

    References
    ----------
    .. [1] P. Morgado, N. Vasconcelos, T. Langlois, O. Wang, "Self-Supervised Generation of Spatial Audio for 360°
       Video", NeurIPS 2018.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        sound: SoundFeatures | None = None,
        *,
        subset: str = "YT-All",
        fold: int = 1,
        allow_missing: bool = True,
        **settings: Any,
    ) -> None:
        one_of("subset", subset, _SUBSETS)
        one_of("split", split, (*_SPLITS, None))
        one_of("fold", fold, (1, 2, 3))
        name = f"{subset}.lst" if split is None else f"{subset}.{split}.{fold}.lst"
        layout = Layout(
            "SptAudioGen", root, f"meta/subsets/{name} and {{id}}.mp4", "github.com/pedro-morgado/spatialaudiogen"
        )
        names = layout.lines(layout.file(*(Path(base, name) for base in ("meta/subsets", "subsets", "."))))
        super().__init__(layout, names, *files_below(layout.root), sound, allow_missing=allow_missing, **settings)
