"""The pictures that are on the screen at given times."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ambikit.errors import AmbikitError, FileError
from ambikit.files.frames import rgb_of
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.upright import statement_about_pictures
from ambikit_models.media.containers import opened, origin_of, video_stream
from ambikit_models.panorama.layouts import EYES, as_panorama, eyes_of

__all__ = ["each_frame", "read_frames"]

#: a later frame nearer than this is reached by decoding on, one farther away by seeking (seconds)
_DECODE_ON = 3.0

#: seconds; the tick of WebM and MKV, the coarsest to which frames are rounded (the ticks of AVI are whole frames)
_TICK = 0.001


def read_frames(
    path: str | Path, times: Any, *, upright: bool = True, layout: str | None = None, eyes: str | None = None
) -> UInt8[np.ndarray, "n height width 3"]:
    """Read the video frames that are on the screen at the given times.

    The clock is that of the file's presentation: 0 is where its earliest stream begins, so that the frame at a time
    belongs to the sound that :func:`~ambikit_models.media.read_sound` gives for that time. A frame is shown from its
    presentation time, to the tick of the file's clock, until that of the next, whatever the frame rate, also when it
    varies or frames are stored out of order; what begins later than 0 is shown before, too. The last frame lasts as
    long as its predecessor; later times are an error. Frames are turned and flipped as the file's display matrix says.

    Parameters
    ----------
    path
        A video file.
    times
        Seconds, shape ``(n,)``, in any order, repetitions welcome.
    upright
        Follow what the file states of its 360° pictures (``st3d``, ``prhd`` in MP4 and MOV, StereoMode, Projection in
        WebM and MKV): of two eyes take the left, and turn the pictures by their pose, so that they stand as their
        sound does. A file that states nothing is read as it is.
    layout, eyes
        How the pictures lie, whatever the file states: a cube map (``"cbmp"``, ``"3x2"``, ``"eac"``), or
        ``"equirectangular"``; ``"mono"``, ``"top-bottom"``, ``"left-right"``, …; they become a panorama for one eye as
        :func:`~ambikit_models.panorama.layouts.to_equirectangular` makes it.

    Returns
    -------
    frames
        ``(n, height, width, 3)`` uint8: red, green, blue.

    Raises
    ------
    FileError
        If the file is missing, has no video, cannot be decoded as far as needed, or states a pose by which its pictures
        cannot be turned, or a cube map and no layout is given.
    AmbikitError
        If a time is negative or beyond the end.

    Notes
    -----
    AVI files store no presentation times: where they hold B-frames, FFmpeg dates every frame one frame late.
    """
    wanted = np.atleast_1d(np.asarray(times, dtype=np.float64))
    if wanted.ndim != 1 or not np.all(np.isfinite(wanted)) or np.any(wanted < 0):
        raise AmbikitError(f"got times={times!r}; expected seconds of shape (n,), finite and not negative")
    order = np.argsort(wanted, kind="stable")
    with opened(path) as container:
        stream = video_stream(container, path)
        if not wanted.size:
            return np.empty((0, stream.codec_context.height, stream.codec_context.width, 3), np.uint8)
        with _damage_named(path):
            pictures = _shown(container, stream, wanted[order], path)
    said = statement_about_pictures(path) if upright else SpatialMetadata()
    if len({picture.shape for picture in pictures}) > 1:
        raise FileError(
            f"got {path}, whose frames change from {pictures[0].shape} to {pictures[-1].shape}; expected one size; "
            "re-encode the video"
        )
    back = np.argsort(order)
    return np.stack([as_panorama(pictures[place], said, path, layout, eyes) for place in back])


def each_frame(path: str | Path, rate: float, *, height: int, width: int) -> Iterator[UInt8[np.ndarray, "_ _ 3"]]:
    """Give a video's pictures one after the other, scaled, at an even rate: for what goes through whole files.

    Picture k is the one that :func:`read_frames` gives for the time k / rate, at another size; a file is decoded once
    and little of it is in memory.

    Parameters
    ----------
    path
        A video file.
    rate
        Pictures per second.
    height, width
        Size of the pictures, whatever the shape of the stored ones.

    Raises
    ------
    FileError
        As :func:`read_frames`, when the damaged place is reached.
    """
    with opened(path) as container:
        stream, origin = video_stream(container, path), origin_of(container)
        said = statement_about_pictures(path)
        before, before_time, last, number, early = None, -np.inf, np.inf, 0, _early(stream)
        with _damage_named(path):
            for frame in _timed(container.decode(stream)):
                time = _time_of(frame, origin)
                while number / rate < time - early:
                    yield _scaled(frame if before is None else before, height, width, said, path)
                    number += 1
                before, before_time, last = frame, time, time - before_time
            if before is not None:  # the last one stays on the screen as long as its predecessor did
                last = last if np.isfinite(last) else _frame_duration(before, stream)
                while number / rate < before_time + last:
                    yield _scaled(before, height, width, said, path)
                    number += 1


def _scaled(frame: Any, height: int, width: int, said: SpatialMetadata, path: str | Path) -> UInt8[np.ndarray, "_ _ 3"]:
    half = EYES[eyes_of(said)] or (0, 0)  # each eye's picture has half of the rows, or of the columns
    return as_panorama(rgb_of(frame, height * (1 + (half[0] == 1)), width * (1 + (half[0] == 2))), said, path)


def _shown(container: Any, stream: Any, times: np.ndarray, path: str | Path) -> list[np.ndarray]:
    """The pictures on the screen at ascending times, decoding each stretch of the file once."""
    pictures: list[np.ndarray] = []
    origin, early = origin_of(container), _early(stream)
    current = following = None  # what is on the screen, and the frame after it where that is decoded
    current_time = following_time = last = -np.inf
    decoded: Iterator[Any] = iter(())
    for time in times:
        if current is None or time - max(current_time, following_time) > _DECODE_ON:
            decoded, current, current_time = _frames_from(container, stream, float(time), origin, path)
            following, following_time, last = None, -np.inf, _frame_duration(current, stream)
        while True:
            if following is None:
                following = next(decoded, None)
                if following is None:
                    break
                following_time = _time_of(following, origin)
            if following_time > time + early:
                break
            current, current_time, last, following = following, following_time, following_time - current_time, None
        # nothing follows: the last frame stays on the screen as long as the one before it did
        if following is None and time > current_time + last + early:
            raise AmbikitError(
                f"got time {time:.6g} s for {path}; expected at most {current_time + last:.6g} s, "
                "where the video ends; ask for earlier frames"
            )
        pictures.append(rgb_of(current))
    return pictures


def _frames_from(
    container: Any, stream: Any, time: float, origin: float, path: str | Path
) -> tuple[Iterator[Any], Any, float]:
    """Seek so that the first decoded frame is not after ``time``: further and further back, at last to the start."""
    for margin in (0.0, 1.0, 10.0, np.inf):
        if margin < np.inf:
            target = max(time - margin, 0.0) + origin
            container.seek(int(target / stream.time_base), stream=stream, backward=True)
        else:  # anew: in transport streams a seek to the start ends behind it
            stream = video_stream(container := opened(path), path)
        decoded = _timed(container.decode(stream))
        first = next(decoded, None)
        if first is not None and (_time_of(first, origin) <= time + _early(stream) or margin == np.inf):
            return decoded, first, _time_of(first, origin)
    raise FileError(f"got {path}, in which no frame can be decoded; expected an intact video; replace the file")


def _timed(frames: Iterator[Any]) -> Iterator[Any]:
    return (frame for frame in frames if frame.pts is not None)


def _time_of(frame: Any, origin: float) -> float:
    return float(frame.pts * frame.time_base) - origin


def _early(stream: Any) -> float:
    """Seconds by which a clock that rounds to its tick may call a frame late; times as floats err by less than 1 ns."""
    return min(float(stream.time_base) / 2, _TICK / 2) + 1e-9


def _frame_duration(frame: Any, stream: Any) -> float:
    if getattr(frame, "duration", None):
        return float(frame.duration * frame.time_base)
    rate = stream.average_rate or stream.guessed_rate
    return 1.0 / float(rate) if rate else 0.0


@contextmanager
def _damage_named(path: str | Path) -> Iterator[None]:
    """Say which file cannot be decoded; what is wrong with a call, or already said, stays as it is."""
    import av

    try:
        yield
    except AmbikitError:
        raise
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        raise FileError(
            f"got {path}, which cannot be decoded ({error}); expected an intact video; replace the file"
        ) from error
