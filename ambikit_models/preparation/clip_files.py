"""The files of a clip: low-resolution H.264 with short groups of pictures, and first-order sound in FLAC."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit.files.replacing import replacing

__all__ = ["Storing", "write_pictures", "write_sound"]


@dataclass(frozen=True)
class Storing:
    """How clips are stored."""

    height: int = 224
    """Pixels from the zenith to the nadir; the width is twice that."""
    frame_rate: float = 16.0
    """Pictures per second, even; the published recipes look at 16."""
    group: int = 8
    """Pictures from one that stands by itself to the next; a seek decodes at most this many."""
    quality: int = 23
    """Constant rate factor of x264: 18 is hardly to be told from the original, 28 is coarse."""
    sample_rate: int | None = None
    """Hz of the sound; None keeps that of the recording."""
    bits: int = 16
    """Of a sample in FLAC, 16 or 24."""

    def __post_init__(self) -> None:
        if self.height < 16 or self.height % 2 or not self.frame_rate > 0 or self.group < 1:
            raise AmbikitError(f"got {self}; expected an even height of at least 16 and positive numbers")
        if not 0 <= self.quality <= 51 or self.bits not in (16, 24):
            raise AmbikitError(f"got {self}; expected a quality from 0 to 51 and 16 or 24 bits")


def write_pictures(path: Path, pictures: UInt8[np.ndarray, "frames height width 3"], storing: Storing) -> None:
    """Encode pictures as H.264 in MP4, whole or not at all; the same pictures give the same bytes."""
    import av

    rate = Fraction(storing.frame_rate).limit_denominator(1001)
    options = {"crf": str(storing.quality), "g": str(storing.group), "bf": "0", "preset": "fast", "threads": "1"}
    # without this, two to four clips of a hundred came out otherwise in a second run
    options["x264-params"] = "cpu-independent=1"
    with replacing(path) as temporary:
        try:
            with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as file:
                stream = file.add_stream("libx264", rate=rate, options=options)
                stream.height, stream.width, stream.pix_fmt = *pictures.shape[1:3], "yuv420p"
                for number, picture in enumerate(pictures):
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    frame.pts, frame.time_base = number, 1 / rate
                    file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
        except av.error.FFmpegError as error:
            raise FileError(f"got {path} to write to, which failed ({error}); expected room on the disk") from error


def write_sound(path: Path, signal: Float[np.ndarray, "4 time"], sample_rate: float, storing: Storing) -> None:
    """Write the sound of a clip as FLAC, whole or not at all."""
    ambikit.write(path, signal, sample_rate, subtype=f"PCM_{storing.bits}")
