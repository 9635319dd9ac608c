"""Pictures set upright: turned by the pose that their file states, so that they stand as their sound does."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ambikit.errors import FileError
from ambikit.files.containers import container_of, regular_file
from ambikit.files.metadata.facts import SpatialMetadata
from ambikit.files.metadata.reading import PARSERS, metadata_of
from ambikit.geometry.panorama_turns import turn_equirectangular

__all__ = ["set_upright", "statement_about_pictures"]


def statement_about_pictures(path: Any) -> SpatialMetadata:
    """What a video says of its pictures; nothing where its container knows no such words (AVI, say)."""
    path = regular_file(path)
    try:
        container = container_of(path)
    except FileError:
        return SpatialMetadata()
    return metadata_of(path, container) if container in PARSERS else SpatialMetadata()


def set_upright(
    picture: UInt8[np.ndarray, "height width 3"], said: SpatialMetadata, path: str | Path
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, turned by its file's pose; as it is where there is none.

    Raises
    ------
    FileError
        If there is a pose by which this picture cannot be turned, or one whose sense is not certain.
    """
    if not said.pose:
        return picture
    whole = said.bounds is None or not any(said.bounds)
    if said.projection != "equirectangular" or not whole or said.stereo not in (None, "mono") or not said.pose_certain:
        why = f"of projection {said.projection}, eyes {said.stereo or 'mono'}, bounds {said.bounds or 'none'}"
        why += "" if said.pose_certain else ", a pose in whose signs two specifications differ"
        raise FileError(
            f"got {path}, whose pictures are turned against the world by {said.pose} ({why}); expected whole "
            "equirectangular pictures for one eye with a certain pose; turn the video first, or read its "
            "frames as they are with upright=False"
        )
    return turn_equirectangular(picture, said.pose.yaw, said.pose.pitch, said.pose.roll)
