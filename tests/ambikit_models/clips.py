"""Small video files made on the spot, whose frames say their own number."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT = 64, 32


def numbered_frame(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A grey frame that carries a number below 256: sixteens in the left half, units in the right."""
    frame = np.empty((height, width, 3), np.uint8)
    frame[:, : width // 2] = 8 + 16 * (number // 16)
    frame[:, width // 2 :] = 8 + 16 * (number % 16)
    return frame


def numbers_of(frames: np.ndarray) -> list[int]:
    """Read the numbers back from decoded frames, lossy as they are."""
    half = frames.shape[2] // 2
    grey = frames.mean(axis=(1, 3))
    left, right = grey[:, : half - 2].mean(axis=1), grey[:, half + 2 :].mean(axis=1)
    return [int(16 * round((a - 8) / 16) + round((b - 8) / 16)) for a, b in zip(left, right, strict=True)]


def write_video(
    path: Path,
    frames: list[np.ndarray],
    rate: Fraction | int = 25,
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    times: list[float] | None = None,
    sound: np.ndarray | None = None,
    sound_rate: int = 48000,
    sound_start: float = 0.0,
    sound_codec: str = "pcm_s16le",
) -> Path:
    """Write frames (at given times in seconds, or evenly) and perhaps sound ``(channels, time)``."""
    clock = Fraction(1, 90000)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if times is not None:
            stream.time_base = stream.codec_context.time_base = clock
        if sound is not None:
            layout = {1: "mono", 2: "stereo", 4: "4.0"}[len(sound)]
            sound_stream = container.add_stream(sound_codec, rate=sound_rate, layout=layout)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is None:
                frame.pts, frame.time_base = number, 1 / Fraction(rate)
            else:
                frame.pts, frame.time_base = round(times[number] / clock), clock
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            write_sound(container, sound_stream, sound, sound_rate, sound_start)
    return path


def write_sound(container, stream, sound: np.ndarray, rate: int, start: float = 0.0) -> None:
    """Encode sound ``(channels, time)`` in [-1, 1] into an open container."""
    wanted = stream.codec_context.format.name
    block = stream.codec_context.frame_size or 1024
    for begin in range(0, sound.shape[-1], block):
        piece = sound[:, begin : begin + block]
        if wanted.startswith("flt"):
            samples, name = piece.astype(np.float32), "fltp"
        else:
            samples, name = np.round(piece * 32767).astype(np.int16), "s16p"
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=name, layout=stream.layout.name)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = begin + round(start * rate)
        if name != wanted:
            frame = av.AudioResampler(format=wanted).resample(frame)[0]
        container.mux(stream.encode(frame))
    container.mux(stream.encode())
