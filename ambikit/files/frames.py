"""Pictures out of a video: a decoded frame as it is shown, and the frame in the middle."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from ambikit.errors import FileError
from ambikit.files.containers import container_of
from ambikit.files.media import open_media
from ambikit.files.upright import set_upright, statement_about_pictures

__all__ = ["middle_frame", "rgb_of"]


def middle_frame(path: Path) -> UInt8[np.ndarray, "height width 3"]:
    """The frame that is on the screen in the middle of a video, set upright by the pose that the file states.

    Raises
    ------
    FileError
        If the file holds no pictures, or none that can be decoded, or none that its pose can turn.
    MissingExtraError
        Without PyAV.
    """
    found = None
    with open_media(path, container_of(path)) as file:
        import av

        streams = [stream for stream in file.streams.video if stream.codec_context]
        if not streams:
            raise FileError(f"got {path}, which holds no pictures; expected a video; take the file with the pictures")
        middle = (file.duration or 0) / 2 / av.time_base  # seconds after the start of the file
        try:
            start = (file.start_time or 0) / av.time_base
            file.seek(round((start + middle) * av.time_base))
            for frame in file.decode(streams[0]):
                if found is not None and frame.time is not None and frame.time - start > middle:
                    break  # the one before is on the screen
                found = frame
        except (av.error.FFmpegError, ValueError, MemoryError) as error:
            if found is None:
                raise FileError(
                    f"got {path}, whose pictures cannot be decoded ({error}); expected an undamaged video; copy or "
                    "download it again"
                ) from error
        if found is None:
            raise FileError(f"got {path}, whose pictures are empty; expected at least one frame; check the file")
        return set_upright(rgb_of(found), statement_about_pictures(path), path)


def rgb_of(frame: Any, height: int | None = None, width: int | None = None) -> UInt8[np.ndarray, "_ _ 3"]:
    """A decoded frame as it is shown, of its own size or another: turned and flipped as its display matrix says.

    Cameras that are held upright or overhead store their pictures lying or head down, and such a matrix. Turns by
    quarters and flips are followed, other angles to the nearest of them.
    """
    found = [data for data in frame.side_data if data.type.name == "DISPLAYMATRIX"]
    along, across, down, below = (
        1,
        0,
        0,
        1,
    )  # a picture's point (x, y) is shown at (along x + down y, across x + below y)
    if found:
        along, across, _, down, below = (int(value) for value in np.frombuffer(found[0], np.int32, 5))
    lying = abs(across) > abs(along)
    if height is not None or width is not None:
        size = {"width": height, "height": width} if lying else {"width": width, "height": height}
        frame = frame.reformat(**size, format="rgb24", interpolation="AREA")
    picture = frame.to_ndarray(format="rgb24")
    if lying:
        picture = picture.transpose(1, 0, 2)
    row_sense, column_sense = (across, down) if lying else (below, along)
    return np.ascontiguousarray(picture[:: -1 if row_sense < 0 else 1, :: -1 if column_sense < 0 else 1])
