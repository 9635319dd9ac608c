"""Which class every pixel of a panorama shows, as the maps of YT-360 say it: things and stuff, one picture each."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from ambikit.errors import FileError
from ambikit.files.replacing import replacing
from ambikit_models.world.background import room_surfaces
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.panoramas import panorama_masks, panorama_rays
from ambikit_models.world.scenes import Scenes

__all__ = ["NOTHING", "STUFF", "segmentation_maps", "write_map"]

#: the value of a pixel that shows nothing of the kind
NOTHING = 255
#: what the room is made of, by number
STUFF = ("floor", "ceiling", "wall")


def segmentation_maps(
    config: WorldConfig, scenes: Scenes, height: int, times: Sequence[float]
) -> tuple[UInt8[np.ndarray, "frames height width"], UInt8[np.ndarray, "frames height width"]]:
    """The class of the object that each pixel of one scene shows, and the part of the room; 255 elsewhere.

    Parameters
    ----------
    config, scenes
        One scene as drawn, and its world.
    height
        Pixels; the width is twice that.
    times
        Seconds from the start of the clip.

    Examples
    --------
    >>> from ambikit_models.world.scenes import scene
    >>> things, stuff = segmentation_maps(WorldConfig(), scene(WorldConfig(), 0, 5), 32, [0.25])
    >>> bool(((things == NOTHING) != (stuff == NOTHING)).all())
    True
    """
    slots = panorama_masks(config, scenes, height, times=times)[0]
    kinds = np.append(scenes.objects.kind[0], NOTHING)  # slot −1 is the room
    things = kinds[slots].astype(np.uint8)
    surfaces = room_surfaces(scenes.room_seen[0].to("cpu"), panorama_rays(height).flatten(0, 1)[None, None])
    downwards = surfaces.direction[..., 2] < 0
    part = torch.where(surfaces.axis == 2, torch.where(downwards, 0, 1), 2).reshape(height, 2 * height).numpy()
    stuff = np.where(things == NOTHING, part, NOTHING).astype(np.uint8)
    return things, stuff


def write_map(path: str | Path, values: UInt8[np.ndarray, "height width"]) -> None:
    """Write a map as PNG whose three colours all carry the numbers, whole or not at all."""
    import av

    coder = av.CodecContext.create("png", "w")
    coder.height, coder.width = values.shape
    coder.pix_fmt, coder.time_base = "rgb24", 1
    try:
        frame = av.VideoFrame.from_ndarray(np.repeat(values[..., None], 3, axis=-1), format="rgb24")
        data = b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])
    except av.error.FFmpegError as error:
        raise FileError(
            f"got a map of {values.shape} for {path}, which failed ({error}); expected a picture"
        ) from error
    with replacing(path) as temporary:
        temporary.write_bytes(data)
