"""The way out: AmbiX to a sound file."""

import struct
import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Float64

from ambikit._arrays import Array, is_torch
from ambikit._checks import check_choice, check_floating, check_sample_rate, order_if_complete
from ambikit.errors import AmbikitError, ArrayTypeError, FileError, ShapeError
from ambikit.files.metadata.caf import ambix_chunk
from ambikit.files.replacing import replacing
from ambikit.files.soundfiles import BLOCK
from ambikit.geometry.conventions import AMBIX, convert

__all__ = ["write", "write_in_blocks"]

#: name ending: libsndfile's format, its subtypes, the default first
_FORMATS = {
    ".wav": ("WAV", ("FLOAT", "DOUBLE", "PCM_16", "PCM_24", "PCM_32")),
    ".caf": ("CAF", ("FLOAT", "DOUBLE", "PCM_16", "PCM_24", "PCM_32")),
    ".flac": ("FLAC", ("PCM_24", "PCM_16")),
    ".ogg": ("OGG", ("VORBIS",)),
}
_BYTES = {"FLOAT": 4, "DOUBLE": 8, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4}
#: a WAV counts its bytes with 32 bits; beyond that it becomes RF64 (some room is left for the header)
LARGEST_WAV = 2**32 - 2**16
_MOST_CHANNELS = 256
#: Vorbis channel counts that have a loudspeaker order, in which FFmpeg and libsndfile disagree
_SORTED_BY_READERS = (3, 5, 6, 7, 8)


def write(
    path: str | Path,
    signal: Float[Array, "*channels time"],
    sample_rate: Any,
    *,
    target: Any = "ambix",
    subtype: str | None = None,
) -> None:
    """Write an AmbiX signal to a sound file, whole or not at all.

    The name's ending chooses the format: ``.wav`` (32-bit float by default, plain WAV without a loudspeaker mask;
    RF64 above 4 GiB), ``.caf`` (the same; a full AmbiX set says so, as an extended ambiX file), ``.flac`` (24-bit, at
    most 8 channels) or ``.ogg`` (Vorbis, lossy). The file is written under another name in the same folder and moved
    into place, so an error leaves an older file untouched.

    Parameters
    ----------
    path : str or Path
        The file; an existing one is replaced.
    signal : floating-point array or CPU tensor (channels, time), or (time,) for one channel
        AmbiX, full scale at 1. With ``target="ambix"`` any number of channels is written as it is (a stereo decode,
        say). Floats beyond ±1 are kept; integer formats clip them, with a warning.
    sample_rate : int
        In Hz, a whole number: files have no other.
    target : "ambix", "n3d", "fuma" or Convention
        The convention to write. Only a CAF file of ``"ambix"`` says which one it has: put it into the name of others.
    subtype : str, optional
        ``"FLOAT"``, ``"DOUBLE"``, ``"PCM_16"``, ``"PCM_24"``, ``"PCM_32"`` (WAV, CAF), ``"PCM_16"``, ``"PCM_24"``
        (FLAC) or ``"VORBIS"``.

    Raises
    ------
    FileError
        An unknown ending, more channels than the format has, a missing folder, a full disk.
    ShapeError, ArrayTypeError
        Not (channels, time) or (time,), integers, or a tensor on a GPU.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "front.wav")
    ...     ambikit.write(file, np.float32([[0.5], [0], [0], [0.5]]), 48000)
    ...     ambikit.read(file)[0][:, 0]
    array([0.5, 0. , 0. , 0.5], dtype=float32)
    """
    check_floating(signal)
    if len(signal.shape) == 1:
        signal = signal[None]
    _check_shape(signal)
    write_in_blocks(path, [signal], signal.shape[1], sample_rate, target=target, subtype=subtype)


def write_in_blocks(
    path: str | Path,
    blocks: Iterable[Float[Array, "channels _"]],
    frames: int,
    sample_rate: Any,
    *,
    target: Any = "ambix",
    subtype: str | None = None,
) -> int:
    """Write a signal that comes piece by piece, as :func:`write` does it; return the number of channels.

    ``frames`` is how many samples come altogether. An error while they come leaves an older file untouched.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib, ambikit
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "mono.wav")
    ...     channels = write_in_blocks(file, (np.float32([[k, k]]) for k in range(3)), 6, 48000)
    ...     channels, ambikit.read(file)[0].tolist()
    (1, [[0.0, 0.0, 1.0, 1.0, 2.0, 2.0]])
    """
    rate, pieces = _whole_rate(sample_rate), iter(blocks)
    first = next(pieces)
    _check_shape(first)
    channels = first.shape[0]
    form, subtype = _format_of(Path(path), channels, subtype)
    if form == "WAV" and channels * frames * _BYTES[subtype] > LARGEST_WAV:
        form = "RF64"
    largest = 0.0

    def samples() -> Iterator[np.ndarray]:
        nonlocal largest
        for piece in chain([first], pieces):
            block = _numpy(piece if target == "ambix" else convert(piece, "ambix", target))
            if subtype not in ("FLOAT", "DOUBLE"):
                largest = max(largest, _largest(block, subtype))
            yield block

    with replacing(path) as temporary:
        _write_blocks(temporary, samples(), (channels, frames), rate, form, subtype, path)
        if form == "CAF" and target in ("ambix", AMBIX) and channels > 1 and order_if_complete(channels) is not None:
            with temporary.open("ab") as file:
                file.write(ambix_chunk(np.eye(channels)))
        if largest > 1 and subtype != "VORBIS":
            warnings.warn(
                f"the signal reaches {largest:.3g} times full scale and is clipped in {path} ({subtype}); scale it, or "
                "write 32-bit float (.wav, .caf)",
                UserWarning,
                stacklevel=3,
            )
    return channels


def _check_shape(signal: Any) -> None:
    shape = tuple(signal.shape)
    if len(shape) != 2:
        raise ShapeError(
            f"got signal of shape {shape}; expected (channels, time), or (time,) for one channel: one recording; "
            "take one item of a batch"
        )
    if shape[0] > _MOST_CHANNELS or 0 in shape:
        raise ShapeError(
            f"got signal of shape {shape}; expected (channels, time) with 1 to {_MOST_CHANNELS} channels and at least "
            "one sample; transpose an array that has time first"
        )


def _whole_rate(sample_rate: Any) -> int:
    rate = check_sample_rate(sample_rate)
    if rate != int(rate) or rate >= 2**31:
        raise AmbikitError(
            f"got sample_rate={sample_rate!r}; expected a whole number of Hz: files hold no other; resample first"
        )
    return int(rate)


def _format_of(path: Path, channels: int, subtype: str | None) -> tuple[str, str]:
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        raise FileError(
            f"got {path} to write to, with the ending {ending!r}; expected one of {', '.join(_FORMATS)}; "
            "change the name"
        )
    form, subtypes = _FORMATS[ending]
    subtype = subtypes[0] if subtype is None else subtype
    check_choice(subtype, subtypes, f"subtype (for {ending})")
    if form == "FLAC" and channels > 8:
        raise FileError(
            f"got {channels} channels to write to {path}; expected at most 8, as FLAC holds no more; write .wav or "
            ".caf, or split the channels"
        )
    if form == "OGG" and channels > 255:  # libsndfile ends the process
        raise FileError(
            f"got {channels} channels to write to {path}; expected at most 255, as Vorbis holds no more; write .wav "
            "or .caf, or split the channels"
        )
    if form == "OGG" and channels in _SORTED_BY_READERS:
        raise FileError(
            f"got {channels} channels to write to {path}; expected 1, 2, 4 or at least 9: readers of Vorbis disagree "
            f"on the order of {channels}; write .wav, .caf or .flac"
        )
    return form, subtype


def _numpy(signal: Any) -> Float32[np.ndarray, "channels time"] | Float64[np.ndarray, "channels time"]:
    if is_torch(signal):
        if signal.device.type != "cpu":
            raise ArrayTypeError(
                f"got a tensor on {signal.device}; expected one on the CPU, as files are written there; "
                "bring it over with signal.cpu()"
            )
        signal = signal.detach()
        signal = (signal if signal.element_size() >= 4 else signal.float()).numpy()
    double = signal.dtype.itemsize > 4
    return np.asarray(signal, dtype=np.float64 if double else np.float32)


def _largest(samples: Any, subtype: str) -> float:
    largest = max(-float(samples.min()), float(samples.max()))  # NaN, if one is there
    if not np.isfinite(largest):
        raise AmbikitError(
            f"got a signal with NaN or infinite samples to write as {subtype}; expected finite samples, as {subtype} "
            "holds no other; find out where they come from, or write .wav with subtype='FLOAT'"
        )
    return largest


def _write_blocks(
    temporary: Path,
    blocks: Iterable[np.ndarray],
    shape: tuple[int, int],
    rate: int,
    form: str,
    subtype: str,
    path: str | Path,
) -> None:
    import soundfile

    channels, frames = shape
    try:
        with soundfile.SoundFile(
            temporary, "w", samplerate=rate, channels=channels, format=form, subtype=subtype
        ) as file:
            for block in blocks:
                for start in range(0, block.shape[1], BLOCK):  # libsndfile's Vorbis overflows on long ones
                    file.write(np.ascontiguousarray(block[:, start : start + BLOCK].T))
        if form == "RF64":
            _clear_speaker_mask(temporary)
        written = soundfile.info(temporary).frames
    except (soundfile.SoundFileError, AssertionError) as error:  # soundfile asserts that a block was written whole
        raise FileError(
            f"got {path} to write to, which failed ({error or 'short write'}); expected a writable folder with room on "
            "its disk and a rate and a number of channels that the format knows; what was there before is untouched"
        ) from error
    if written != frames:
        raise FileError(
            f"got {path} to write to, where {written} of {frames} samples arrived; expected room on the disk; "
            "what was there before is untouched"
        )


def _clear_speaker_mask(path: Path) -> None:
    """Ambisonic channels are no loudspeakers: set dwChannelMask, which libsndfile fills for RF64, to 0."""
    with path.open("r+b") as file:
        head = file.read(4096)
        start = head.index(b"fmt ") + 8
        if struct.unpack("<H", head[start : start + 2])[0] == 0xFFFE:
            file.seek(start + 20)
            file.write(bytes(4))
