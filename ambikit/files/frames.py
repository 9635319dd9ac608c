"""One picture out of a video: the frame in its middle."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from ambikit.errors import FileError
from ambikit.files.containers import container_of
from ambikit.files.media import open_media
from ambikit.files.upright import set_upright, statement_about_pictures

__all__ = ["middle_frame"]


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
        return set_upright(found.to_ndarray(format="rgb24"), statement_about_pictures(path), path)
