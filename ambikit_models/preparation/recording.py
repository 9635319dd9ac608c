"""One recording made into clips: its pictures and its sound go through once, and files and records come out."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from ambikit import resample
from ambikit.errors import AmbikitError, FileError, ShapeError
from ambikit.files.upright import statement_about_pictures
from ambikit_models.media import each_frame, video_facts
from ambikit_models.preparation.clip_files import Storing, write_pictures, write_sound
from ambikit_models.preparation.collections import SourceFiles
from ambikit_models.preparation.judgement import Reading, judge, open_sound, silent_blocks
from ambikit_models.preparation.locks import at_work_in
from ambikit_models.preparation.records import as_line, checksum, read_records, write_records
from ambikit_models.preparation.segments import Cutting, Segment, cut

__all__ = ["PrepareConfig", "prepare_recording", "prepared_already"]

#: figures of the judgement that a manifest keeps of every clip, and of the recording as a whole
_OF_CLIP = ("verdict", "passes_energy_test", "energy_ratio", "format", "silence_share")
_OF_SOURCE = ("verdict", "passes_energy_test", "energy_ratio", "format", "reasons")


@dataclass(frozen=True)
class PrepareConfig:
    """Everything that decides what clips are made of a recording."""

    reading: Reading = field(default_factory=Reading)
    """How its sound is read and judged."""
    cutting: Cutting = field(default_factory=Cutting)
    """Which stretches become clips."""
    storing: Storing = field(default_factory=Storing)
    """How the clips are stored."""


def prepare_recording(root: Path, output: Path, config: PrepareConfig, source: SourceFiles) -> dict[str, Any]:
    """Make the clips of one recording, and then its record in ``sources/``, which says that they are all there.

    A recording of which nothing can be made has ``set_aside`` in its record, with the reason.
    """
    with at_work_in(output):
        return _prepare(root, output, config, source)


def _prepare(root: Path, output: Path, config: PrepareConfig, source: SourceFiles) -> dict[str, Any]:
    record: dict[str, Any] = {"name": source.name, "state": as_line(_state(root, config, source)), "clips": []}
    try:
        _make_clips(root, output, config, source, record)
    except (FileError, ShapeError, MemoryError) as error:
        for clip in record.pop("clips"):
            for part in ("pictures", "sound"):
                (output / clip[part]).unlink(missing_ok=True)
        reason = (str(error) or type(error).__name__).replace(f"{root}/", "")
        record |= {"clips": [], "set_aside": reason}
    write_records(_record_path(output, source), [record])
    return record


def prepared_already(root: Path, output: Path, config: PrepareConfig, source: SourceFiles) -> dict[str, Any] | None:
    """The record of a recording that an earlier run has finished with, if it still holds and its clips are there."""
    path = _record_path(output, source)
    if not path.is_file():
        return None
    record = read_records(path)[0]
    if record["state"] != as_line(_state(root, config, source)):
        return None
    for clip in record["clips"]:
        for part in ("pictures", "sound"):
            file = output / clip[part]
            if not file.is_file() or file.stat().st_size != clip["bytes"][part]:
                return None
    return record


def _make_clips(root: Path, output: Path, config: PrepareConfig, source: SourceFiles, record: dict[str, Any]) -> None:
    if source.pictures is None or source.sound is None:
        raise FileError(f"got {source.sound}, which has no pictures beside it; expected both; add a video of its name")
    pictures, sound = root / source.pictures, root / source.sound
    video_facts(pictures)
    signal, rate, notes = open_sound(sound, config.reading)
    if len(signal) < 4:
        raise ShapeError(f"got {source.sound} with {len(signal)} channels; expected a sound field, 4 or more")
    signal = signal[:4]
    if not np.isfinite(signal).all():
        raise FileError(f"got {source.sound}, whose samples are not all finite; expected numbers; repair the file")
    whole = judge(signal, rate, config.reading)
    silent = silent_blocks(signal, rate, config.reading.silence_db)
    storing = config.storing
    if storing.sample_rate is not None and storing.sample_rate != rate:
        signal, rate = resample(signal, rate, storing.sample_rate), float(storing.sample_rate)
    peak = float(np.abs(signal).max())
    gain = 1.0 if peak <= 1.0 else 0.999 / peak  # FLAC would clip what is louder
    provenance = {
        "source": {
            "pictures": source.pictures,
            "sound": source.sound,
            "checksums": {"pictures": checksum(pictures), "sound": checksum(sound)},
            **{name: whole[name] for name in _OF_SOURCE},
        },
        "mapping": {
            "source": config.reading.source,
            "channel_map": config.reading.channel_map or "auto",
            "notes": notes,
            "gain": gain,
        },
    }
    left_out: dict[str, float] = {}
    frames = _one_eye(pictures, storing)
    for segment in cut(frames, storing.frame_rate, silent, config.cutting, left_out):
        record["clips"].append(_write_clip(output, source.name, segment, signal * np.float32(gain), rate, config))
        record["clips"][-1] |= provenance
    record["left_out"] = {why: round(seconds, 3) for why, seconds in left_out.items()}
    if not record["clips"]:
        said = ", ".join(f"{seconds:.1f} s {why}" for why, seconds in record["left_out"].items()) or "nothing in it"
        raise FileError(
            f"got {source.pictures}, of which no clip was made ({said}); expected at least {config.cutting.shortest} s "
            "in which something sounds and moves; cutting.moving=0 keeps still pictures, cutting.audible=0 silence"
        )


def _write_clip(
    output: Path, video: str, segment: Segment, signal: Float[np.ndarray, "4 time"], rate: float, config: PrepareConfig
) -> dict[str, Any]:
    storing, count = config.storing, len(segment.pictures)
    seconds = count / storing.frame_rate
    begin = round(segment.start * rate)
    sound = signal[:, begin : begin + round(seconds * rate)]
    sound = np.pad(sound, ((0, 0), (0, round(seconds * rate) - sound.shape[-1])))
    name = f"{video}-{round(1000 * segment.start):08d}"
    parts = {"pictures": f"video/{name}.mp4", "sound": f"audio/{name}.flac"}
    write_pictures(output / parts["pictures"], segment.pictures, storing)
    write_sound(output / parts["sound"], sound, rate, storing)
    found = judge(sound, rate, config.reading)
    return {
        "name": name,
        "video": video,
        **parts,
        "checksums": {part: checksum(output / path) for part, path in parts.items()},
        "bytes": {part: (output / path).stat().st_size for part, path in parts.items()},
        "start": segment.start,
        "duration": seconds,
        "frames": count,
        "frame_rate": storing.frame_rate,
        "height": storing.height,
        "sample_rate": rate,
        **{figure: found[figure] for figure in _OF_CLIP},
    }


def _one_eye(pictures: Path, storing: Storing) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """The pictures at their size in the clip; of two eyes one above or beside the other, the first."""
    said = statement_about_pictures(pictures)
    if said.projection not in (None, "equirectangular"):
        raise FileError(
            f"got {pictures}, whose pictures are of projection {said.projection}; expected equirectangular ones; "
            "convert the video first"
        )
    if said.bounds is not None and any(said.bounds):
        raise FileError(
            f"got {pictures}, whose pictures show a part of the sphere (bounds {said.bounds}); expected all of it; "
            "pad the video first"
        )
    height, width = storing.height, 2 * storing.height
    over = 2 if said.stereo in ("top-bottom", "bottom-top") else 1
    beside = 2 if said.stereo in ("left-right", "right-left") else 1
    for picture in each_frame(pictures, storing.frame_rate, height=over * height, width=beside * width):
        yield picture[:height, :width]


def _state(root: Path, config: PrepareConfig, source: SourceFiles) -> dict[str, Any]:
    """What a record holds for: other files or other settings ask for other clips."""
    files = {}
    for part, path in (("pictures", source.pictures), ("sound", source.sound)):
        if path is not None:
            facts = (root / path).stat()
            files[part] = [path, facts.st_size, facts.st_mtime_ns]
    return {"files": files, "config": asdict(config)}


def _record_path(output: Path, source: SourceFiles) -> Path:
    if "/" in source.name:
        raise AmbikitError(f"got a recording of the name {source.name!r}; expected a name without folders")
    return output / "sources" / f"{source.name}.json"
