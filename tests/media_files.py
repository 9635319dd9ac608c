"""Files for the tests to read: sources placed on the sphere by hand, and containers made with PyAV."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 48000


def source_at(azimuth: float, elevation: float, seconds: float = 0.5) -> np.ndarray:
    """A plane wave of low-passed noise from a direction in degrees: W, Y, Z, X by their definitions."""
    noise = np.random.default_rng(7).standard_normal(int(RATE * seconds) + 31)
    noise = np.convolve(noise, np.hanning(32) / np.hanning(32).sum(), mode="valid")
    a, e = np.radians([azimuth, elevation])
    gains = [1.0, np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)]
    return np.float32(np.outer(gains, 0.4 * noise / np.abs(noise).max()))


def direction_of(signal: np.ndarray) -> np.ndarray:
    """Unit vector (x, y, z) of the intensity over the whole signal, and azimuth and elevation in degrees."""
    w, y, z, x = np.asarray(signal, dtype=np.float64)
    vector = np.array([w @ x, w @ y, w @ z])
    vector /= np.linalg.norm(vector)
    return np.degrees([np.arctan2(vector[1], vector[0]), np.arcsin(vector[2])])


def tones(channels: int, seconds: float = 0.5) -> np.ndarray:
    """Channel k is a tone of 300 + 150 k Hz, so that every channel can be told."""
    time = np.arange(int(RATE * seconds)) / RATE
    return np.float32([0.25 * np.sin(2 * np.pi * (300 + 150 * k) * time) for k in range(channels)])


def tone_order(signal: np.ndarray) -> list[int]:
    """The k of :func:`tones` that each channel holds."""
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(signal.shape[1])))
    hertz = spectrum.argmax(axis=1) * RATE / signal.shape[1]
    return [round((f - 300) / 150) for f in hertz]


def write_media(
    path: Path,
    codec: str,
    layout: str,
    *signals: np.ndarray,
    late: float = 0.0,
    picture: bool = False,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Write signals as sound streams of one file, in FFmpeg's own channel order; ``late``: the start in seconds.

    ``options`` are those of FFmpeg's writer of the container, ``codec_options`` those of the sound's encoder.
    """
    with av.open(str(path), "w", options=options or {}) as file:
        video = None
        if picture:
            video = file.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 32, "yuv420p"
        streams = []
        for signal in signals:
            stream = file.add_stream(codec, rate=RATE, options=codec_options or {})
            stream.layout = layout if signal is signals[0] else f"{len(signal)} channels"
            streams.append(stream)
        if video is not None:
            for _ in range(10):
                file.mux(video.encode(av.VideoFrame(64, 32, "yuv420p")))
            file.mux(video.encode(None))
        for stream, signal in zip(streams, signals):
            packed = np.ascontiguousarray(signal.T.reshape(1, -1), dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=stream.layout.name)
            frame.sample_rate = RATE
            size = stream.codec_context.frame_size or None
            resampler = av.AudioResampler(stream.format, stream.layout, RATE, frame_size=size)
            position = round(late * RATE)
            for piece in resampler.resample(frame) + resampler.resample(None):
                piece.pts, piece.time_base = position, Fraction(1, RATE)
                position += piece.samples
                file.mux(stream.encode(piece))
            file.mux(stream.encode(None))
    return path


def add_sa3d(path: Path, channel_map: list[int]) -> None:
    """Put an SA3D box (AmbiX, this channel map) into the sound entry of a MOV or MP4 whose index lies at the end."""
    data = bytearray(path.read_bytes())
    count = len(channel_map)
    body = struct.pack(">4sBBIBBI", b"SA3D", 0, 0, 1, 0, 0, count) + struct.pack(f">{count}I", *channel_map)
    box = struct.pack(">I", len(body) + 4) + body
    handler = data.index(b"soun")  # the sound track: its boxes lie around this word
    chain = [data.rindex(b"moov", 0, handler), data.rindex(b"trak", 0, handler), data.rindex(b"mdia", 0, handler)]
    chain += [data.index(name, handler) for name in (b"minf", b"stbl", b"stsd")]
    entry = chain[-1] + 12  # past version, flags and count
    start, size = entry, struct.unpack(">I", data[entry : entry + 4])[0]
    for place in [c - 4 for c in chain] + [start]:
        data[place : place + 4] = struct.pack(">I", struct.unpack(">I", data[place : place + 4])[0] + len(box))
    data[start + size : start + size] = box
    path.write_bytes(data)


def remux(source: Path, target: Path) -> None:
    """Put the packets of the only sound stream into another container, as they are."""
    with av.open(str(source)) as read, av.open(str(target), "w") as write:
        stream = write.add_stream_from_template(read.streams.audio[0])
        for packet in read.demux(read.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                write.mux(packet)


def edit_sound(path: Path, entries: list[tuple[int, int]]) -> Path:
    """Give the sound track of a MOV or MP4 an edit list: (milliseconds, first sample or -1 for nothing) in a row."""
    data = bytearray(path.read_bytes())
    handler = data.index(b"soun", data.rindex(b"moov"))
    movie, track = data.rindex(b"moov", 0, handler) - 4, data.rindex(b"trak", 0, handler) - 4
    rows = b"".join(struct.pack(">Iii", *entry, 1 << 16) for entry in entries)
    inner = struct.pack(">I4sII", 16 + len(rows), b"elst", 0, len(entries)) + rows
    new = struct.pack(">I4s", 8 + len(inner), b"edts") + inner
    found = data.find(b"edts", track, handler)
    start = found - 4 if found >= 0 else data.index(b"mdia", track, handler) - 4
    stop = start + (struct.unpack_from(">I", data, start)[0] if found >= 0 else 0)
    for place in (movie, track):
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(new) - (stop - start))
    data[start:stop] = new
    path.write_bytes(data)
    return path
