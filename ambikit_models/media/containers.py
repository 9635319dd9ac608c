"""Media files as containers: opening them, the clock of their presentation, and what their headers say."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambikit.errors import FileError, MissingExtraError

__all__ = ["VideoFacts", "media_duration", "opened", "origin_of", "video_facts", "video_stream"]

#: FFmpeg's names of the containers that are opened
_FORMATS = "mov,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf,wav,w64,flac,caf,aiff,mp3"


@dataclass(frozen=True)
class VideoFacts:
    """What the header of a file says about its video.

    Attributes
    ----------
    width, height
        Pixels.
    frame_rate
        Frames per second on average.
    duration
        Seconds from the start of the file to the end of its last frame, as far as the header knows.
    """

    width: int
    height: int
    frame_rate: float
    duration: float


def video_facts(path: str | Path) -> VideoFacts:
    """Read size, frame rate and duration from a video's header, without decoding.

    Raises
    ------
    FileError
        If the file cannot be opened or has no video.
    """
    with opened(path) as container:
        stream = video_stream(container, path)
        rate = stream.average_rate or stream.guessed_rate or 0
        return VideoFacts(
            stream.codec_context.width, stream.codec_context.height, float(rate), _end_of(stream, container)
        )


def media_duration(path: str | Path) -> float:
    """Seconds from the start of a sound or video file to the end of its first stream, as far as its header knows.

    Pictures come before sound: of a file with both it is the duration of the pictures.

    Raises
    ------
    FileError
        If the file cannot be opened, or its header gives no duration.
    """
    with opened(path) as container:
        streams = (*container.streams.video, *container.streams.audio)
        seconds = _end_of(streams[0], container) if streams else 0.0
    if not seconds > 0:
        raise FileError(f"got {path}, whose header gives no duration; expected sound or pictures; re-encode the file")
    return seconds


def opened(path: str | Path) -> Any:
    """A media file as a container of PyAV."""
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            "reading video needs the package av, which is not installed; install it with: pip install 'ambikit[media]'"
        ) from error
    try:
        # Absolute, so that no part of the name is taken for a protocol; the whitelist keeps out playlists, which
        # could name other files.
        return av.open(str(Path(path).resolve()), options={"format_whitelist": _FORMATS})
    except (OSError, ValueError, MemoryError, av.error.FFmpegError) as error:
        raise FileError(
            f"got {path}, which cannot be opened ({error}); expected a complete media file; check or replace it"
        ) from error


def video_stream(container: Any, path: str | Path) -> Any:
    """The first stream of pictures of a container."""
    if not container.streams.video:
        raise FileError(f"got {path}, which has no video; expected a file with pictures; check the path")
    return container.streams.video[0]


def origin_of(container: Any) -> float:
    """Where the presentation begins on the container's clock, seconds."""
    return 0.0 if container.start_time is None else container.start_time / 1e6


def _end_of(stream: Any, container: Any) -> float:
    if stream.duration is not None:
        return float((stream.duration + (stream.start_time or 0)) * stream.time_base) - origin_of(container)
    return 0.0 if container.duration is None else container.duration / 1e6
