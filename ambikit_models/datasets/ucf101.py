"""UCF101: videos of 101 human actions."""

import re
from pathlib import Path

from ambikit.errors import FileError
from ambikit_models.datasets.action_videos import ActionVideo, ActionVideos
from ambikit_models.datasets.listing import Layout

__all__ = ["UCF101"]

_GROUP = re.compile(r"_g(\d+)_c\d+$", re.ASCII)


class UCF101(ActionVideos):
    """UCF101 [1]_: videos of 101 actions, in three splits for training and testing.

    ::

        UCF-101/{Class}/v_{Class}_g{GG}_c{CC}.avi           videos of one group come from the same source
        ucfTrainTestlist/classInd.txt                       "1 ApplyEyeMakeup", …
        ucfTrainTestlist/trainlist01.txt … trainlist03.txt  "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1"
        ucfTrainTestlist/testlist01.txt … testlist03.txt    the same without the number

    **Recipe.** Get ``UCF101.rar`` and ``UCF101TrainTestSplits-RecognitionTask.zip`` from
    https://www.crcv.ucf.edu/data/UCF101.php, unpack both into one folder, then::

        train = UCF101("UCF101", 1, "train")
        pictures = train[0].frames()                 # 8 pictures of half a second, from the middle
        starts = train[0].starts_seconds(25)         # of the clips of a dense prediction

    The videos come from YouTube; terms of use are unverified: look them up where you get them. The lists keep the
    groups apart between training and testing; a validation split of one's own should do so too (``item.group``).

    Parameters
    ----------
    root
        The folder that holds ``UCF-101`` and ``ucfTrainTestlist``.
    split, part, transform, allow_missing
        As in :class:`~ambikit_models.datasets.action_videos.ActionVideos`.

    Attributes
    ----------
    classes
        Names of the actions in the order of their numbers.

    Raises
    ------
    MissingDatasetError
        If a list or a video of the list is not there.
    FileError
        If a list is not as above.

    References
    ----------
    .. [1] K. Soomro, A. R. Zamir, M. Shah, "UCF101: A dataset of 101 human actions classes from videos in the wild",
       CRCV-TR-12-01, 2012.
    """

    @staticmethod
    def _listed(root: str | Path, split: int, part: str) -> tuple[Layout, tuple[str, ...], dict[str, ActionVideo]]:
        layout = Layout(
            "UCF101",
            root,
            "UCF-101/{Class}/v_{Class}_g01_c01.avi, … and ucfTrainTestlist/classInd.txt, trainlist01.txt, …",
            "https://www.crcv.ucf.edu/data/UCF101.php",
        )
        lists = layout.folder("ucfTrainTestlist")
        numbers = _numbers(layout, layout.file(Path(lists.name, "classInd.txt")))
        folder = layout.folder("UCF-101")
        path = layout.file(Path(lists.name, f"{part}list{split:02}.txt"))
        videos = {}
        for count, line in enumerate(layout.lines(path), 1):
            name, *number = line.split()
            action, _, file = name.partition("/")
            if action not in numbers or not file or number not in ([], [str(numbers[action] + 1)]):
                raise FileError(
                    f"{path}, entry {count}: got {line!r}; expected {{Class}}/{{file}}.avi, with a class of "
                    "classInd.txt, and behind it the number of the class or nothing; restore the list"
                )
            stem = Path(file).stem
            group = _GROUP.search(stem)
            videos[stem] = ActionVideo(stem, action, numbers[action], folder / name, group[1] if group else "")
        return layout, tuple(sorted(numbers, key=numbers.__getitem__)), videos


def _numbers(layout: Layout, path: Path) -> dict[str, int]:
    """The number of each class, from 0."""
    found = {}
    for line in layout.lines(path):
        number, _, name = line.partition(" ")
        if not number.isdecimal() or not name.strip():
            raise FileError(f"got {path} with the line {line!r}; expected a number and a class; restore the list")
        found[name.strip()] = int(number) - 1
    if sorted(found.values()) != list(range(len(found))):
        raise FileError(f"got {path}, which does not count its classes from 1 on; restore the list")
    return found
