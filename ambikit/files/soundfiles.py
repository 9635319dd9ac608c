"""Plain sound files (WAV, RF64, AIFF, CAF, FLAC, Ogg), decoded by libsndfile in the order the file stores."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from ambikit.errors import FileError
from ambikit.files.boxes import PatchedFile
from ambikit.files.containers import riff_chunks, speaker_mask
from ambikit.files.flac_length import length_patch
from ambikit.files.metadata.wave import SPEAKERS
from ambikit.files.opus_projection import projection_of

__all__ = [
    "BLOCK",
    "MAXIMUM_SAMPLES",
    "StoredSound",
    "check_size",
    "describe_sound_file",
    "read_sound_file",
    "sound_blocks",
]

#: samples over all channels that one call loads: 16 GiB of float32
MAXIMUM_SAMPLES = 2**32
#: frames per read, so that a header's claim costs memory only as far as the file keeps it
BLOCK = 65536


@dataclass(frozen=True)
class StoredSound:
    """What a file says about the sound in it: codec, channels, loudspeaker layout (None: none said), rate, frames."""

    codec: str
    channels: int
    layout: str | None
    sample_rate: int
    frames: int | None


def check_size(path: Path, channels: int, frames: int) -> None:
    """Refuse a sound that does not fit into memory sensibly, before memory is asked for."""
    if channels * frames > MAXIMUM_SAMPLES:
        raise FileError(
            f"got {path} with {channels} channels of {frames} samples ({channels * frames * 4 / 2**30:.0f} GiB in "
            f"memory); expected at most {MAXIMUM_SAMPLES * 4 / 2**30:.0f} GiB; cut the file into shorter ones, or "
            "check its header"
        )


def describe_sound_file(path: Path, container: str) -> StoredSound:
    """Read the header of a sound file."""
    with _opened(path) as file:
        return _stored(file, path, container)


def read_sound_file(path: Path, container: str) -> tuple[Float32[np.ndarray, "channels time"], StoredSound]:
    """Decode every channel of a sound file, in stored order, integers scaled to [-1, 1]."""
    stored = describe_sound_file(path, container)
    check_size(path, stored.channels, stored.frames or 0)
    try:
        signal = np.empty((stored.channels, stored.frames or 0), dtype=np.float32)
    except MemoryError as error:
        raise _cannot_be_decoded(path, 0, stored, error) from error
    done = 0
    for block in sound_blocks(path, container):
        signal[:, done : done + block.shape[1]] = block
        done += block.shape[1]
    return signal, stored


def sound_blocks(
    path: Path, container: str, length: int = BLOCK, start: int = 0
) -> Iterator[Float32[np.ndarray, "channels time"]]:
    """Decode a sound file piece by piece, ``length`` samples each and fewer at the end; as :func:`read_sound_file`.

    From sample ``start`` on: sought where sound is stored without loss. In Ogg what comes before is decoded and
    dropped, as its decoders depend on it.
    """
    import soundfile

    projection = projection_of(path)
    with _opened(path) as file:
        stored = _stored(file, path, container)
        done = 0
        while done < file.frames:
            try:
                if done == 0 < start and container != "ogg":
                    done = file.seek(min(start, file.frames))
                block = file.read(min(length, file.frames - done), dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, MemoryError) as error:
                raise _cannot_be_decoded(path, done, stored, error) from error
            if not len(block):
                break
            done += len(block)
            if done > start:
                block = block[max(start - done + len(block), 0) :]
                yield block.T if projection is None else projection.matrix @ block.T
    if done < stored.frames:
        raise FileError(
            f"got {path}, which ends after {done} samples; expected {stored.frames} by its own header: it was cut off "
            "or is damaged; copy or download it again"
        )


def _cannot_be_decoded(path: Path, done: int, stored: StoredSound, error: Exception) -> FileError:
    return FileError(
        f"got {path}, which cannot be decoded beyond sample {done} of {stored.frames} ({error}); expected "
        "sound to the end that its header names; copy or download it again"
    )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open by number: libsndfile takes some names (.gsm, .raw) for headerless sound, whatever the bytes say.

    What it cannot read it is shown otherwise.
    """
    import soundfile

    with path.open("rb", buffering=0) as raw:  # so that the number is where the file is
        shown: Any = raw.fileno()
        patches, projection = _patches(path, raw.read(4)), projection_of(path)
        raw.seek(0)
        if patches or projection:
            shown = projection.shown(raw) if projection else PatchedFile(raw, patches)
        try:
            file = soundfile.SoundFile(shown, closefd=False)
        except (soundfile.SoundFileError, MemoryError) as error:
            raise FileError(
                f"got {path}, which cannot be opened as sound ({error}); expected a complete file; "
                "copy or download it again"
            ) from error
        with file:
            yield file


def _patches(path: Path, form: bytes) -> dict[int, bytes]:
    """What libsndfile must be shown instead of some of the bytes, by their place.

    BW64 is RF64 by another name; in both it misses the byte that follows a chunk of odd size. A FLAC whose header does
    not say its length is not decoded.
    """
    if form == b"fLaC":
        return length_patch(path)
    if form not in (b"RF64", b"BW64"):
        return {}
    patches = {0: b"RF64"} if form == b"BW64" else {}
    with path.open("rb") as file:
        for name, start, size in riff_chunks(file, "<"):
            if name == b"data":
                break
            if size % 2:
                patches[start - 4] = struct.pack("<I", size + 1)
    return patches


def _stored(file: Any, path: Path, container: str) -> StoredSound:
    mask = speaker_mask(path, container)
    layout = SPEAKERS.get(mask, f"speaker mask {mask:#x}") if mask else None
    if file.format == "FLAC" and file.channels == 6:
        layout = "5.1"  # fixed by the format
    projection = projection_of(path)
    channels = file.channels if projection is None else len(projection.matrix)
    return StoredSound(file.subtype, channels, layout, file.samplerate, file.frames)
