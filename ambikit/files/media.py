"""The sound of video files and their kin (MP4, M4A, MOV, WebM, MKV), decoded by FFmpeg through PyAV.

FFmpeg is never asked for a channel layout: it would mix (``4.0`` takes 3 dB from one channel). Its samples are
taken in packed form, because PyAV (15 to 18.1) misreads the planes of eight or more channels. Boxes that describe
the channels are hidden from it (see :mod:`ambikit.files.boxes`). And where FFmpeg
sorts the channels of a stream into its own loudspeaker order (Vorbis and Opus), the sorting is undone, so that a
stream has one channel order, whichever container wraps it.
"""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import FileError, MissingExtraError
from ambikit.files.boxes import PatchedFile, layout_boxes
from ambikit.files.soundfiles import StoredSound, check_size

__all__ = ["describe_media", "open_media", "read_media"]

#: For Vorbis-ordered streams: channel k of the stream is channel _VORBIS_ORDER[channels][k] of FFmpeg's output.
_VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}

#: seconds; a first packet labelled a few milliseconds late tells of its codec's delay, not of silence
_ON_TIME = 0.05
#: seconds; later than this is no pause before the sound but a damaged clock, and filling it could take all memory
_TOO_LATE = 600


def describe_media(path: Path, container: str) -> tuple[list[StoredSound], list[str]]:
    """The sound streams of a file, and its pictures in words, e.g. ``"640 x 360 h264"``."""
    with open_media(path, container) as file:
        sounds = [_stored(stream) for stream in file.streams.audio]
        pictures = [f"{s.width} x {s.height} {s.codec_context.name}" for s in file.streams.video if s.codec_context]
    return sounds, pictures


def read_media(
    path: Path, container: str
) -> tuple[Float32[np.ndarray, "channels time"], StoredSound, list[StoredSound]]:
    """Decode the sound stream with the most channels, in stream order; return it, what it is, and all streams.

    Time 0 is the start of the file's clock, which its pictures share: sound that starts later begins with silence.
    """
    pieces: deque[np.ndarray] = deque()
    with open_media(path, container) as file:
        import av

        streams = list(file.streams.audio)
        if not streams:
            raise FileError(f"got {path}, which holds no sound; expected a sound stream; check that it was not muted")
        stored = [_stored(s) for s in streams]
        chosen = max(stored, key=lambda s: s.channels)
        stream = streams[stored.index(chosen)]
        if stream.codec_context is None:
            raise FileError(
                f"got {path}, whose sound is in a codec that FFmpeg does not know; expected AAC, Opus, PCM, FLAC or "
                "the like; convert the sound first with a tool that knows it"
            )
        total = silence = 0
        try:
            resampler = av.AudioResampler(format="flt")  # packed; no layout and no rate: nothing is mixed
            for frame in file.decode(stream):
                if not pieces:
                    channels, rate = frame.layout.nb_channels, frame.sample_rate
                    silence = _late_start(frame, file, path)
                for packed in resampler.resample(frame):
                    pieces.append(packed.to_ndarray().reshape(-1, channels))
                    total += len(pieces[-1])
                    check_size(path, channels, silence + total)
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            if isinstance(error, FileError):
                raise
            raise FileError(
                f"got {path}, whose sound cannot be decoded beyond sample {total} ({error}); expected an undamaged "
                "stream of one format; copy or download it again"
            ) from error
        order = _stream_order(stream, channels) if pieces else None
    if not pieces:
        raise FileError(f"got {path}, whose sound stream is empty; expected at least one sample; check the file")
    signal = np.empty((channels, silence + total), dtype=np.float32)
    signal[:, :silence] = 0
    done = silence
    while pieces:
        piece = pieces.popleft()
        signal[:, done : done + len(piece)] = piece.T
        done += len(piece)
    if order is not None:
        signal = signal[order]
    return signal, StoredSound(chosen.codec, channels, chosen.layout, rate, silence + total), stored


@contextmanager
def open_media(path: Path, container: str) -> Iterator[Any]:
    """The file, opened by PyAV and by nothing in it that could lead elsewhere."""
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"got {path}, a {container} file; expected PyAV to be installed for it; "
            "install it with: pip install 'ambikit[media]'"
        ) from error
    with path.open("rb") as raw:
        # As an open file, so that no part of its name is taken for a protocol; the format is ours, so that nothing in
        # the file can name another one (a playlist, say).
        hidden = layout_boxes(path) if container == "mp4" else []
        source = PatchedFile(raw, dict.fromkeys(hidden, b"free")) if hidden else raw
        try:
            file = av.open(source, format={"mp4": "mov"}.get(container, container), metadata_errors="replace")
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            raise FileError(
                f"got {path}, which cannot be opened as {container} ({error}); expected a complete file (a recording "
                "that was interrupted lacks its index); copy or download it again"
            ) from error
        with file:
            yield file


def _stored(stream: Any) -> StoredSound:
    if stream.codec_context is None:
        return StoredSound("unknown codec", 0, None, 0, None)
    duration = stream.duration
    frames = None if duration is None else round(duration * stream.time_base * stream.sample_rate)
    return StoredSound(stream.codec_context.name, stream.channels, stream.layout.name, stream.sample_rate, frames)


def _late_start(frame: Any, file: Any, path: Path) -> int:
    """Samples of silence before the first frame, on the clock that starts with the file."""
    if frame.pts is None or file.start_time is None:
        return 0
    late = float(frame.pts * frame.time_base) - file.start_time / 10**6
    if late > _TOO_LATE:
        raise FileError(
            f"got {path}, whose sound starts {late:.0f} s after the file does; expected at most {_TOO_LATE} s; "
            "its clock is damaged: extract the sound into a file of its own"
        )
    return round(late * frame.sample_rate) if late > _ON_TIME else 0


def _stream_order(stream: Any, channels: int) -> list[int] | None:
    """The index that undoes FFmpeg's sorting into loudspeaker order, or None where it does not sort."""
    codec = stream.codec_context
    sorts = codec.name.startswith("vorbis")
    if codec.name.startswith(("opus", "libopus")):
        head = codec.extradata or b""
        sorts = len(head) > 18 and head[18] == 1  # mapping family 1: Vorbis order; 2 and 255 are not sorted
    return _VORBIS_ORDER.get(channels) if sorts else None
