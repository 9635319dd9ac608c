"""The way in: any sound file, to AmbiX."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit._checks import check_sample_rate
from ambikit.errors import FileError
from ambikit.files.channel_maps import select_channels
from ambikit.files.containers import check_complete, container_of, regular_file
from ambikit.files.media import read_media
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.reading import metadata_of
from ambikit.files.resampling import to_sample_rate
from ambikit.files.soundfiles import StoredSound, read_sound_file
from ambikit.files.stated_channels import stated_matrix, to_ambix
from ambikit.geometry.conventions import convert

__all__ = ["check_alike", "read", "statement", "warn_of_streams"]


def read(
    path: Any,
    *,
    source: Any = "ambix",
    sample_rate: Any = None,
    channel_map: Any = "auto",
) -> tuple[Float32[np.ndarray, "channels time"], Any]:
    """Read a recording as AmbiX: channels W, Y, Z, X, … in rows, samples in columns, full scale at 1.

    WAV, RF64, BW64, AIFF, CAF, FLAC and Ogg files, and the sound of MP4, M4A, MOV, WebM and MKV (extra ``media``). The
    stored channels are decoded in the order of the stream and never mixed. A file that is cut off, damaged or no
    sound at all raises; what its name ends with plays no part. Of several sound streams the one with the most
    channels is read, with a warning.

    Parameters
    ----------
    path : str or Path, or a list of them
        The file. Several files are one recording whose channels were split, in this order (as with third-order
        sets in two files of eight channels).
    source : "ambix", "n3d", "fuma" or Convention
        The convention of the channels in the file; the result is AmbiX whatever it was. Where the file itself says
        another one, see ``channel_map``.
    sample_rate : float, optional
        Resample to this rate in Hz (polyphase filter); by default the file's own.
    channel_map : "auto", None or list of int
        ``"auto"`` takes all channels if they are (order + 1)² and recognises the six of a YouTube stream (layout
        5.1, channels 3 and 5 silent), which it maps with a warning that names the map; any other count raises.
        What the file says of itself (:func:`ambikit.read_metadata`: another convention, another order, a matrix, a
        stereo pair beside the field) is applied with a warning that names it; where ``source`` says otherwise, it is
        followed, with a warning. A list takes these channels, counted from 0, in this order. None takes all, whatever
        their number. With both of these the file is not asked.

    Returns
    -------
    signal : float32 array (channels, time)
        The sound. A video's sound starts with its pictures: where it starts later, silence is put before it.
        Lossy codecs may add up to one packet of silence at the end.
    sample_rate : int or float
        In Hz.

    Raises
    ------
    FileError
        The file is missing, empty, cut off, damaged (of an Ogg file every page is checked), unknown, longer than
        16 GiB, or the files do not match.
    ShapeError
        The channels cannot be an Ambisonic signal, or ``channel_map`` names one that is not there.
    MissingExtraError
        A video file without PyAV installed.

    Notes
    -----
    YouTube's map is measured on a clip as YouTube serves it. In Vorbis and Opus streams of 3 and of 5 to 8
    channels FFmpeg sorts the channels into its loudspeaker order; here they are in the order of the stream.

    Examples
    --------
    A plane wave from the left excites W and Y alike, in AmbiX as in a file written in FuMa:

    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> left = np.float32([[0.5, 0.25], [0.5, 0.25], [0, 0], [0, 0]])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "left.wav")
    ...     ambikit.write(file, left, 48000, target="fuma")
    ...     stored, _ = ambikit.read(file, channel_map=None)
    ...     signal, sample_rate = ambikit.read(file, source="fuma")
    >>> stored[:, 0].round(3)  # W times 0.707, X, Y, Z
    array([0.354, 0.   , 0.5  , 0.   ], dtype=float32)
    >>> signal[:, 0].round(3), sample_rate
    (array([0.5, 0.5, 0. , 0. ], dtype=float32), 48000)
    """
    if sample_rate is not None:
        check_sample_rate(sample_rate)
    paths = list(path) if isinstance(path, list | tuple) else [path]
    if not paths:
        raise FileError("got an empty list of files; expected at least one; name the files to read")
    parts = [_decode(each) for each in paths]
    name = " + ".join(map(str, paths))
    signal, rate, layout = parts[0][0], parts[0][1].sample_rate, parts[0][1].layout
    if len(parts) > 1:
        signal, layout = _joined(parts, name), None
    matrix = stated_matrix(statement(paths, channel_map), len(signal), source, name)
    if matrix is not None:
        signal = to_ambix(signal, matrix)
    else:
        signal = select_channels(signal, channel_map, layout, name)
        if source != "ambix":
            signal = convert(signal, source, "ambix")
    if sample_rate is not None:
        signal, rate = to_sample_rate(signal, rate, sample_rate, name), sample_rate
    return np.ascontiguousarray(signal), rate


def statement(paths: list[Any], channel_map: Any) -> SpatialMetadata:
    """What a file says of its channels, if it is asked: not of several files, of which none speaks for all."""
    if len(paths) > 1 or not isinstance(channel_map, str) or channel_map != "auto":
        return SpatialMetadata()
    path = regular_file(paths[0])
    return metadata_of(path, container_of(path))


def _decode(path: str | Path) -> tuple[Float32[np.ndarray, "channels time"], StoredSound]:
    path = regular_file(path)
    container = container_of(path)
    check_complete(path, container)
    if container in ("mp4", "matroska"):
        signal, stored, streams = read_media(path, container)
        warn_of_streams(path, stored, streams)
    else:
        signal, stored = read_sound_file(path, container)
    if not signal.size:
        raise FileError(f"got {path}, which holds no samples; expected sound; was the recording interrupted?")
    return signal, stored


def warn_of_streams(path: Path, chosen: StoredSound, streams: list[StoredSound]) -> None:
    """Say which of several sound streams was taken."""
    if len(streams) > 1:
        channels = ", ".join(f"{s.channels} ({s.codec})" for s in streams)
        warnings.warn(
            f"{path} holds {len(streams)} sound streams with these channels: {channels}; the first with "
            f"{chosen.channels} was read; extract another one into a file of its own if you need it",
            UserWarning,
            stacklevel=4,
        )


def _joined(
    parts: list[tuple[Float32[np.ndarray, "_ _"], StoredSound]], name: str
) -> Float32[np.ndarray, "channels time"]:
    check_alike([(stored.sample_rate, signal.shape[1]) for signal, stored in parts], name)
    return np.concatenate([signal for signal, _ in parts])


def check_alike(kinds: list[tuple[int, int]], name: str) -> None:
    """Refuse files that differ in rate or length, given as pairs: they hold no channels of one recording."""
    if len(set(kinds)) > 1:
        found = ", ".join(f"{length} samples at {rate} Hz" for rate, length in sorted(set(kinds)))
        raise FileError(
            f"got files that differ: {found} ({name}); expected the channels of one recording, equally long and at one "
            "rate; a list of files is for channels that were split, not for parts in time"
        )
