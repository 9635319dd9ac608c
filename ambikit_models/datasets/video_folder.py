"""Any folder of 360° videos with spatial sound."""

from pathlib import Path
from typing import Any

from ambikit.errors import FileError
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.preparation.collections import media_files, sources_of
from ambikit_models.sound import SoundFeatures

__all__ = ["VideoFolder"]


class VideoFolder(PairedClips):
    """All videos of a folder and of the folders in it, each of which is one clip and one video.

    A sound file beside a video, of the same name, is preferred to the sound of the video itself. Sounds without a video
    are left out and counted. Long videos are better cut first: ``ambikit-models prepare``.

    Parameters
    ----------
    root
        The folder.
    sound, **settings
        As in :class:`PairedClips`.

    Attributes
    ----------
    unpaired
        How many sounds have no video.

    Raises
    ------
    FileError
        If there is no such folder, or no video in it.
    """

    def __init__(self, root: str | Path, sound: SoundFeatures | None = None, **settings: Any) -> None:
        root = Path(root)
        clips = []
        sources = sources_of(media_files(root))
        for source in sources:
            if source.pictures is not None:
                heard = source.sound or source.pictures
                clips.append(ClipFiles(source.name, source.name, root / source.pictures, root / heard))
        if not clips:
            raise FileError(f"got {root}, which holds {len(sources)} sounds and no video; expected at least one video")
        self.unpaired = len(sources) - len(clips)
        super().__init__(clips, sound, **settings)
