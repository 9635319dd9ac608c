"""The files of one video of the world: its scene rendered once, and cut into clips."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

import ambikit
from ambikit_models.preparation.clip_files import Storing, write_pictures
from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.defects import break_sound
from ambikit_models.world.files import WorldFiles, choices, video_id
from ambikit_models.world.panoramas import render_panoramas
from ambikit_models.world.scenes import Scenes, scene
from ambikit_models.world.segmentation import segmentation_maps, write_map
from ambikit_models.world.soundtracks import write_aac

__all__ = ["write_clips"]

#: no sample of a video is louder; softer ones are left as they are
_LOUDEST = 0.9
_ENDINGS = {"flac": "flac", "aac": "m4a", "youtube": "m4a"}
#: pictures that are shaded at once
_BLOCK = 16


def write_clips(root: Path, files: WorldFiles, seed: int, index: int) -> list[dict[str, Any]]:
    """Write pictures, sound and maps of all clips of a video, and say what is in them."""
    clips, defect = choices(files, seed, index)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so that the rounding is the same everywhere
    try:
        config = replace(files.world, duration=clips * files.seconds)
        drawn = scene(config, seed, index)
        sound = _sound(config, seed, drawn, defect, index)
        name = video_id(seed, index)
        return [
            {**_write_clip(root, name, files, config, drawn, sound, clip * files.seconds), "defect": defect}
            for clip in range(clips)
        ]
    finally:
        torch.set_num_threads(threads)


def _sound(
    config: WorldConfig, seed: int, drawn: Scenes, defect: str | None, index: int
) -> Float[np.ndarray, "4 time"]:
    signal = render_sound(config, seed, drawn)[0].numpy()
    if defect is not None:
        signal = break_sound(signal, defect, seed=index)
    peak = float(np.abs(signal).max())
    return signal * np.float32(_LOUDEST / peak) if peak > _LOUDEST else signal


def _write_clip(
    root: Path, video: str, files: WorldFiles, config: WorldConfig, drawn: Scenes, sound: np.ndarray, start: int
) -> dict[str, Any]:
    name = f"{video}-{start}"
    pictures, track = Path("video", f"{name}.mp4"), Path("audio", f"{name}.{_ENDINGS[files.sound]}")
    times = start + np.arange(round(files.seconds * files.frame_rate)) / files.frame_rate
    storing = Storing(height=files.height, frame_rate=files.frame_rate)
    write_pictures(root / pictures, _pictures(config, drawn, files.height, times), storing)
    if files.maps_rate:
        _write_maps(root / "segmentation" / name, files, config, drawn, start)
    first, last = start * config.sample_rate, (start + files.seconds) * config.sample_rate
    piece = np.ascontiguousarray(sound[:, first:last])
    if files.sound == "flac":
        ambikit.write(root / track, piece, config.sample_rate, subtype="PCM_16")
    else:
        write_aac(root / track, piece, config.sample_rate, "5.1" if files.sound == "youtube" else "4.0")
    return {
        "name": name,
        "video": video,
        "start": start,
        "duration": files.seconds,
        "pictures": pictures.as_posix(),
        "sound": track.as_posix(),
        "scene": int(drawn.index[0]),
        "objects": _objects(config, drawn, start + files.seconds / 2),
    }


def _pictures(
    config: WorldConfig, drawn: Scenes, height: int, times: np.ndarray
) -> UInt8[np.ndarray, "frames height width 3"]:
    blocks: Sequence[np.ndarray] = np.split(times, np.arange(_BLOCK, len(times), _BLOCK))
    return np.concatenate(
        [render_panoramas(config, drawn, height, times=block.tolist(), oversampling=1)[0] for block in blocks]
    )


def _write_maps(folder: Path, files: WorldFiles, config: WorldConfig, drawn: Scenes, start: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    times = start + np.arange(round(files.seconds * files.maps_rate)) / files.maps_rate
    things, stuff = segmentation_maps(config, drawn, files.height, times.tolist())
    for kind, maps in (("things", things), ("stuff", stuff)):
        for number, values in enumerate(maps):
            write_map(folder / f"{kind}-{number:04d}.png", values)


def _objects(config: WorldConfig, drawn: Scenes, moment: float) -> list[dict[str, Any]]:
    """The objects as they are at a moment of the scene."""
    objects = drawn.objects[0]
    azimuth = np.degrees(objects.azimuth + objects.speed * (moment - config.duration / 2))
    found = []
    for slot in np.flatnonzero(objects.present[0]):
        found.append(
            {
                "class": int(objects.kind[0, slot]),
                "sounding": bool(objects.sounding[0, slot]),
                "azimuth_degrees": round(float(180 - (180 - azimuth[0, slot]) % 360), 3),
                "elevation_degrees": round(float(np.degrees(objects.elevation[0, slot])), 3),
            }
        )
    return found
