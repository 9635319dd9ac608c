"""The sound of video files and their kin (MP4, M4A, MOV, WebM, MKV), decoded by FFmpeg through PyAV.

FFmpeg is never asked for a channel layout: it would mix (``4.0`` takes 3 dB from one channel). Its samples are
taken in packed form, because PyAV (15 to 18.1) misreads the planes of eight or more channels. Boxes that describe
the channels are hidden from it (see :mod:`ambikit.files.boxes`). And where FFmpeg
sorts the channels of a stream into its own loudspeaker order (Vorbis and Opus), the sorting is undone, so that a
stream has one channel order, whichever container wraps it.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import FileError, MissingExtraError
from ambikit.files.boxes import PatchedFile, layout_boxes
from ambikit.files.edit_lists import Stretch, is_cut, stretches_of
from ambikit.files.proven_seeking import proven_aac
from ambikit.files.soundfiles import BLOCK, StoredSound, check_size

__all__ = ["describe_media", "describe_media_sound", "media_blocks", "open_media", "read_media"]

#: For Vorbis-ordered streams: channel k of the stream is channel _VORBIS_ORDER[channels][k] of FFmpeg's output.
_VORBIS_ORDER = {
    3: [0, 2, 1],
    5: [0, 2, 1, 3, 4],
    6: [0, 2, 1, 4, 5, 3],
    7: [0, 2, 1, 5, 6, 4, 3],
    8: [0, 2, 1, 6, 7, 4, 5, 3],
}

#: codecs without loss whose packets need no others
_LOSSLESS = ("pcm_", "flac", "alac")
#: a proof decodes a stretch twice; so far from the beginning, in lengths of the stretch, it is the shorter way
_WORTH_PROVING = 3
#: samples; nothing is recorded for longer, and FFmpeg's numbers end somewhere
_FARTHEST = 2**48
#: seconds; later than this is no pause before the sound but a damaged clock, and filling it could take all memory
_TOO_LATE = 600


def describe_media(path: Path, container: str) -> tuple[list[StoredSound], list[str]]:
    """The sound streams of a file, and its pictures in words, e.g. ``"640 x 360 h264"``."""
    with open_media(path, container) as file:
        sounds = [_stored(stream) for stream in file.streams.audio]
        pictures = [f"{s.width} x {s.height} {s.codec_context.name}" for s in file.streams.video if s.codec_context]
    return sounds, pictures


def describe_media_sound(path: Path, container: str) -> tuple[StoredSound, list[StoredSound]]:
    """The sound stream with the most channels, as its decoder gives it and not as its header says, and all streams.

    One packet is decoded; how many samples there are is known only at the end (frames None).
    """
    with open_media(path, container) as file:
        stream, stored = _richest(file, path)
        with _in_words(path, lambda: 0):
            frame = next(file.decode(stream), None)
        if frame is None:
            raise FileError(f"got {path}, whose sound stream is empty; expected at least one sample; check the file")
        said = stored[list(file.streams.audio).index(stream)]
        channels = frame.layout.nb_channels
        return StoredSound(said.codec, channels, said.layout, frame.sample_rate, None), stored


def read_media(
    path: Path, container: str
) -> tuple[Float32[np.ndarray, "channels time"], StoredSound, list[StoredSound]]:
    """Decode the sound stream with the most channels, in stream order; return it, what it is, and all streams.

    Time 0 is the start of the file's clock, which its pictures share: sound that starts later begins with silence.
    """
    chosen, stored = describe_media_sound(path, container)
    pieces: deque[np.ndarray] = deque()
    total = 0
    for piece in media_blocks(path, container):
        pieces.append(piece)
        total += piece.shape[1]
        check_size(path, chosen.channels, total)
    try:
        signal = np.empty((chosen.channels, total), dtype=np.float32)
    except MemoryError as error:
        raise FileError(f"got {path} of {total} samples, which do not fit into memory; read parts of it") from error
    done = 0
    while pieces:
        piece = pieces.popleft()
        signal[:, done : done + piece.shape[1]] = piece
        done += piece.shape[1]
    return signal, replace(chosen, frames=total), stored


def media_blocks(
    path: Path, container: str, start: int = 0, stop: int | None = None, *, seek: bool = True
) -> Iterator[Float32[np.ndarray, "channels time"]]:
    """Decode the same stream piece by piece, from sample ``start`` of :func:`read_media` on: the same samples.

    With ``stop`` it may end there. Lossless sound in MP4 and MOV, whose clock counts samples, is sought, and so is AAC
    up to ``stop`` where that is proven to be the same. What comes before is decoded and dropped elsewhere: lossy
    decoders depend on it, and the clock of WebM and MKV counts milliseconds. An edit list of several stretches is
    followed to the sample.
    """
    start = min(start, _FARTHEST)
    if container == "mp4" and is_cut(path):
        stretches, late = _stretches(path, container)
        if stretches:
            yield from _edited(path, container, stretches, start + late)
            return
    if seek and stop is not None and container == "mp4" and start > _WORTH_PROVING * (stop - start):
        rest = yield from _proven(path, container, start, stop)
        if rest is None or rest >= stop:
            return
        start = rest
    yield from _decoded(path, container, start, seek=seek)


def _decoded(
    path: Path, container: str, start: int, *, seek: bool = True, edited: bool = True
) -> Iterator[Float32[np.ndarray, "channels time"]]:
    """The samples from ``start`` on, as the edit list plays them in one stretch, or as they are stored."""
    with open_media(path, container, {} if edited else {"ignore_editlist": "1"}) as file:
        import av

        stream, _ = _richest(file, path)
        seek = seek and start > 0 and _can_be_sought(stream, container)
        began = file.start_time if edited else Fraction(stream.start_time or 0) * stream.time_base * 10**6
        resampler = av.AudioResampler(format="flt")  # packed; no layout and no rate: nothing is mixed
        kind = None
        place = -1  # of the next sample, on the clock that starts with the file; -1: not known yet
        order = None
        with _in_words(path, lambda: max(place, 0)):
            if seek:
                file.seek(start + round((began or 0) / 10**6 * stream.rate), stream=stream)
            for frame in file.decode(stream):
                if place < 0:
                    place = _late_start(frame, began, path)
                    if seek and (frame.pts is None or place > start):
                        break
                    order = _stream_order(stream, frame.layout.nb_channels)
                    for silent in range(start, place, BLOCK):  # minutes of silence, perhaps
                        yield np.zeros((frame.layout.nb_channels, min(BLOCK, place - silent)), np.float32)
                if kind not in (None, found := (frame.format.name, frame.layout.name, frame.sample_rate)):
                    raise ValueError(f"the sound changes from {kind} to {found}")
                kind = found
                if place + frame.samples <= start:
                    place += frame.samples
                    continue
                for packed in resampler.resample(frame):
                    piece = packed.to_ndarray().reshape(-1, frame.layout.nb_channels)
                    place += len(piece)
                    if place > start:
                        piece = piece[max(start - place + len(piece), 0) :].T
                        yield piece if order is None else piece[order]
            else:
                return
    yield from _decoded(path, container, start, seek=False, edited=edited)  # the seek ended too late


def _stretches(path: Path, container: str) -> tuple[list[Stretch], int]:
    """What an edit list plays of the sound, if that is several stretches, and the sample at which the file starts."""
    stored, _ = describe_media_sound(path, container)
    with open_media(path, container) as file:
        stream, _ = _richest(file, path)
        late = round((file.start_time or 0) / 10**6 * stored.sample_rate)
        return stretches_of(path, stream.id, stored.sample_rate), late


def _edited(
    path: Path, container: str, stretches: list[Stretch], start: int
) -> Iterator[Float32[np.ndarray, "channels time"]]:
    """The samples from ``start`` on of stretches one after another."""
    stored, _ = describe_media_sound(path, container)
    for number, (first, samples) in enumerate(stretches):
        skipped, start = min(start, samples), max(start - samples, 0)
        missing = samples - skipped
        if first is not None and missing:
            for piece in _decoded(path, container, min(first + skipped, _FARTHEST), edited=False):
                yield piece[:, :missing]
                missing -= min(piece.shape[1], missing)
                if not missing:
                    break
        if first is not None and number == len(stretches) - 1:
            return  # at the end there may be less stored than the list says
        if missing > _TOO_LATE * stored.sample_rate:
            raise FileError(
                f"got {path}, whose edit list has {missing / stored.sample_rate:.0f} s of nothing in it; expected at "
                f"most {_TOO_LATE} s; its clock is damaged: extract the sound into a file of its own"
            )
        for done in range(0, missing, BLOCK):
            yield np.zeros((stored.channels, min(BLOCK, missing - done)), np.float32)


def _proven(
    path: Path, container: str, start: int, stop: int
) -> Generator[Float32[np.ndarray, "channels time"], None, int | None]:
    """What is known of AAC without what comes before; it returns where the rest begins, None if there is none."""
    with open_media(path, container) as file:
        import av

        pieces = proven_aac(file, _richest(file, path)[0], start, stop)
        while True:
            try:
                piece = next(pieces)
            except StopIteration as end:
                return end.value
            except (av.error.FFmpegError, ValueError):  # damage: who comes from the beginning says where
                return start
            start += piece.shape[1]
            yield piece


@contextmanager
def open_media(path: Path, container: str, options: dict[str, str] | None = None) -> Iterator[Any]:
    """The file, opened by PyAV and by nothing in it that could lead elsewhere; options are those of FFmpeg's reader."""
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
            file = av.open(
                source,
                format={"mp4": "mov"}.get(container, container),
                metadata_errors="replace",
                container_options=options or {},
            )
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


def _late_start(frame: Any, began: Any, path: Path) -> int:
    """Samples of silence before the first frame, on a clock that begins with so many microseconds."""
    if frame.pts is None or began is None:
        return 0
    late = float(frame.pts * frame.time_base) - float(began) / 10**6
    if late > _TOO_LATE:
        raise FileError(
            f"got {path}, whose sound starts {late:.0f} s after the file does; expected at most {_TOO_LATE} s; "
            "its clock is damaged: extract the sound into a file of its own"
        )
    return max(round(late * frame.sample_rate), 0)


def _richest(file: Any, path: Path) -> tuple[Any, list[StoredSound]]:
    """The sound stream with the most channels, and what all of them are."""
    streams = list(file.streams.audio)
    if not streams:
        raise FileError(f"got {path}, which holds no sound; expected a sound stream; check that it was not muted")
    stored = [_stored(stream) for stream in streams]
    stream = streams[stored.index(max(stored, key=lambda s: s.channels))]
    if stream.codec_context is None:
        raise FileError(
            f"got {path}, whose sound is in a codec that FFmpeg does not know; expected AAC, Opus, PCM, FLAC or "
            "the like; convert the sound first with a tool that knows it"
        )
    return stream, stored


@contextmanager
def _in_words(path: Path, done: Callable[[], int]) -> Iterator[None]:
    """What a decoder raises as our error, with the number of samples that were ``done``."""
    import av

    try:
        yield
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(
            f"got {path}, whose sound cannot be decoded beyond sample {done()} ({error}); expected an undamaged "
            "stream of one format; copy or download it again"
        ) from error


def _can_be_sought(stream: Any, container: str) -> bool:
    lossless = stream.codec_context.name.startswith(_LOSSLESS)
    return container == "mp4" and lossless and stream.time_base * stream.rate == 1


def _stream_order(stream: Any, channels: int) -> list[int] | None:
    """The index that undoes FFmpeg's sorting into loudspeaker order, or None where it does not sort."""
    codec = stream.codec_context
    sorts = codec.name.startswith("vorbis")
    if codec.name.startswith(("opus", "libopus")):
        head = codec.extradata or b""
        sorts = len(head) > 18 and head[18] == 1  # mapping family 1: Vorbis order; 2 and 255 are not sorted
    return _VORBIS_ORDER.get(channels) if sorts else None
