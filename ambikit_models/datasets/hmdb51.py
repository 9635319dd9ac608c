"""HMDB51: videos of 51 human motions."""

import os
import unicodedata
from pathlib import Path

from ambikit.errors import FileError
from ambikit_models.datasets.action_videos import ActionVideo, ActionVideos
from ambikit_models.datasets.listing import Layout, decoded

__all__ = ["HMDB51"]

_FLAGS = {"0": "unused", "1": "train", "2": "test"}
_LISTS = "testTrainMulti_7030_splits"


class HMDB51(ActionVideos):
    """HMDB51 [1]_: videos of 51 motions, in three splits for training and testing.

    ::

        {class}/*.avi                                              also in a folder videos or hmdb51_org
        testTrainMulti_7030_splits/{class}_test_split{1,2,3}.txt   "{file}.avi 1": 1 train, 2 test, 0 neither

    **Recipe.** Get ``hmdb51_org.rar`` and ``test_train_splits.rar`` from
    https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/, unpack the first, then each archive
    in it (one per class), and the second beside them; then::

        train = HMDB51("HMDB51", 1, "train")
        pictures = train[0].frames()                 # 8 pictures of half a second, from the middle

    The licence is given there as CC BY 4.0, the videos themselves come from films and from YouTube (unverified).
    The whole set has 6,766 videos. Some file names hold letters beyond ASCII, and archives, systems and lists spell
    them differently (composed, decomposed, UTF-8, Latin-1): here all these spellings are the same name.

    Parameters
    ----------
    root
        The folder that holds the folders of the classes and the lists.
    split, part, transform, allow_missing
        As in :class:`~ambikit_models.datasets.action_videos.ActionVideos`.

    Attributes
    ----------
    classes
        Names of the motions in the order of their numbers, which is the alphabet's.

    Raises
    ------
    MissingDatasetError
        If the lists or a video of the part are not there.
    FileError
        If a list is not as above.

    References
    ----------
    .. [1] H. Kuehne, H. Jhuang, E. Garrote, T. Poggio, T. Serre, "HMDB: A large video database for human motion
       recognition", ICCV 2011.
    """

    @staticmethod
    def _listed(root: str | Path, split: int, part: str) -> tuple[Layout, tuple[str, ...], dict[str, ActionVideo]]:
        layout = Layout(
            "HMDB51",
            root,
            f"{{class}}/….avi and {_LISTS}/{{class}}_test_split{split}.txt",
            "https://serre-lab.clps.brown.edu/resource/hmdb-a-large-human-motion-database/",
        )
        ending = f"_test_split{split}.txt"
        lists = sorted(path for path in layout.folder(_LISTS).iterdir() if path.name.endswith(ending))
        if not lists:
            raise layout.lacks(f"{_LISTS} has no list {{class}}{ending}")
        classes = tuple(path.name.removesuffix(ending) for path in lists)
        videos = {}
        for index, (action, path) in enumerate(zip(classes, lists, strict=True)):
            folder = next(
                (f for base in (".", "videos", "hmdb51_org") if (f := layout.root / base / action).is_dir()), None
            )
            there = {} if folder is None else {_spelled(os.fsencode(entry.name)): entry for entry in folder.iterdir()}
            for line in layout.lines(path):
                file, _, flag = line.rpartition(" ")
                if flag not in _FLAGS or not file:
                    raise FileError(
                        f"got {path} with the line {line!r}; expected a file name and 0, 1 or 2 behind it; "
                        "restore the list"
                    )
                if _FLAGS[flag] == part:
                    name = f"{action}/{file.strip()}"
                    found = there.get(_spelled(file.strip().encode()), layout.root / name)
                    videos[name] = ActionVideo(Path(name).stem, action, index, found)
        return layout, classes, videos


def _spelled(name: bytes) -> str:
    """One spelling of a file name that is spelled in several ways."""
    return unicodedata.normalize("NFC", decoded(name))
