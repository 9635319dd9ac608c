"""What a file is, told from its headers alone."""

from dataclasses import dataclass, field
from math import isqrt
from pathlib import Path

from ambikit.files.containers import check_complete, container_of, regular_file
from ambikit.files.media import describe_media
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.reading import metadata_of
from ambikit.files.soundfiles import StoredSound, describe_sound_file

__all__ = ["FileDescription", "channels_in_words", "describe_file"]


@dataclass(frozen=True)
class FileDescription:
    """The facts of a file's headers.

    ``container`` is wav, rf64, aiff, caf, flac, ogg, mp4 or matroska; ``size`` counts bytes; ``sounds`` are the sound
    streams (one, except in some videos; none in a silent one), ``pictures`` the picture streams in words, ``metadata``
    what the file says about the space in both.
    """

    path: Path
    container: str
    size: int
    sounds: tuple[StoredSound, ...]
    pictures: tuple[str, ...] = ()
    metadata: SpatialMetadata = field(default_factory=SpatialMetadata)


def describe_file(path: str | Path) -> FileDescription:
    """Read the headers of a sound or video file.

    Raises
    ------
    FileError
        As :func:`ambikit.read`, except that a video without sound is described.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "front.caf")
    ...     ambikit.write(file, np.zeros((4, 480), np.float32), 48000)
    ...     describe_file(file).sounds[0]
    StoredSound(codec='FLOAT', channels=4, layout=None, sample_rate=48000, frames=480)
    """
    path = regular_file(path)
    container = container_of(path)
    check_complete(path, container)
    size, said = path.stat().st_size, metadata_of(path, container)
    if container in ("mp4", "matroska"):
        sounds, pictures = describe_media(path, container)
        return FileDescription(path, container, size, tuple(sounds), tuple(pictures), said)
    return FileDescription(path, container, size, (describe_sound_file(path, container),), metadata=said)


def channels_in_words(channels: int) -> str:
    """How many channels, and which Ambisonic order that could be.

    Examples
    --------
    >>> channels_in_words(9), channels_in_words(6)
    ('9 (order 2)', '6 (no Ambisonic order)')
    """
    order = isqrt(channels) - 1
    complete = channels > 0 and (order + 1) ** 2 == channels
    return f"{channels} (order {order})" if complete else f"{channels} (no Ambisonic order)"
