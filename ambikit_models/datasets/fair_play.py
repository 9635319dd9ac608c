"""FAIR-Play: musicians in one room, filmed and recorded binaurally."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from ambikit.errors import FileError, MissingExtraError
from ambikit_models.datasets.listing import Layout, Listing, one_of
from ambikit_models.datasets.stereo_clips import StereoClip, whole_clips

__all__ = ["FairPlay"]


class FairPlay(Listing[StereoClip]):
    """FAIR-Play [1]_: 1,871 clips of ten seconds from a music room, with binaural sound.

    ::

        videos/000001.mp4
        binaural_audios/000001.wav
        splits/split{1..10}/{train,val,test}.h5     key "audio": absolute paths of somebody else's disk

    **Recipe.** Get it from https://github.com/facebookresearch/FAIR-Play (about 100 GB; CC BY 4.0), unpack the
    archives into one folder, ``pip install h5py``, then::

        train = FairPlay("FAIR-Play", 1, "train")
        signal, sample_rate = train[0].sound()       # left, right
        pictures = train[0].frames([2.0, 2.1])

    Of the paths in the lists only the file's name is used. Its authors call picture and sound roughly aligned. The
    ten splits are random: the same scenes are in training and testing, and results on them flatter.

    Parameters
    ----------
    root
        The folder that holds ``videos``, ``binaural_audios`` and ``splits``.
    split
        1 to 10.
    part
        ``"train"``, ``"val"`` or ``"test"``.
    transform
        See :class:`~ambikit_models.datasets.listing.Listing`.
    allow_missing
        Go on where files of the list are not there; :attr:`missing` names them.

    Raises
    ------
    MissingDatasetError
        If the list or a file of it is not there.
    FileError
        If the list cannot be read.
    MissingExtraError
        If h5py is not installed.

    References
    ----------
    .. [1] R. Gao, K. Grauman, "2.5D Visual Sound", CVPR 2019.
    """

    def __init__(
        self,
        root: str | Path,
        split: int = 1,
        part: str = "train",
        *,
        transform: Callable[[StereoClip], Any] | None = None,
        allow_missing: bool = False,
    ) -> None:
        one_of("split", split, range(1, 11))
        one_of("part", part, ("train", "val", "test"))
        layout = Layout(
            "FAIR-Play",
            root,
            "videos/000001.mp4, …, binaural_audios/000001.wav, … and splits/split1/train.h5, …",
            "https://github.com/facebookresearch/FAIR-Play",
        )
        path = layout.file(f"splits/split{split}/{part}.h5")
        sounds, videos = layout.folder("binaural_audios"), layout.folder("videos")
        clips = [StereoClip(n, sounds / f"{n}.wav", videos / f"{n}.mp4") for n in _names(path)]
        whole, missing = whole_clips(layout, clips, allow_missing)
        super().__init__(whole, transform, missing)


def _names(path: Path) -> list[str]:
    """What the clips of a list are called."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError(
            "the splits of FAIR-Play are HDF5 files, and the package h5py is not installed; install it with: "
            "pip install h5py"
        ) from error
    try:
        with h5py.File(path) as file:
            stored: Any = file["audio"]
            entries = [entry.decode() if isinstance(entry, bytes) else str(entry) for entry in stored[:]]
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise FileError(
            f"got {path}, which cannot be read ({error}); expected an HDF5 file with the list 'audio'; get it again"
        ) from error
    # some copies were rewritten on Windows
    return [PurePosixPath(entry.strip().replace("\\", "/")).stem for entry in entries]
