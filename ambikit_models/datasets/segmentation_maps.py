"""Segmentation maps of panoramic video: which class of things and of stuff each pixel shows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from ambikit.errors import FileError, MissingExtraError, ShapeError

__all__ = ["SegmentationMaps", "read_segmentation"]

_NAME = re.compile(r"(things|stuff|confidence)-(\d+)\.png")


@dataclass(frozen=True)
class SegmentationMaps:
    """The maps of a clip.

    Attributes
    ----------
    things, stuff
        The class of each pixel, 255 for none, ``(maps, height, width)``.
    times
        Seconds from the first map, ``(maps,)``.
    confidence
        How sure the teacher was of each pixel, in 255ths; None where nothing is said.
    """

    things: UInt8[np.ndarray, "maps height width"]
    stuff: UInt8[np.ndarray, "maps height width"]
    times: Float[np.ndarray, "maps"]
    confidence: UInt8[np.ndarray, "maps height width"] | None = None


def read_segmentation(folder: str | Path, *, rate: float = 4.0, at: Sequence[float] | None = None) -> SegmentationMaps:
    """Read ``things-0000.png``, ``stuff-0000.png`` and so on; the numbers stand in the red channel.

    Maps that are there for things or for stuff alone are left out. Whether YT-360 counts from 0 or from 1 is
    unverified: times count from the first number that is there. Of maps of one's own ``confidence-0000.png`` may say
    how sure the teacher was; they are used where every map has one.

    Parameters
    ----------
    folder
        That of one clip.
    rate
        Maps per second; YT-360 has 4.
    at
        Seconds: read only the map that is nearest to each; None reads all.

    Raises
    ------
    FileError
        If there is no such folder, it holds no pair of maps, or one of them cannot be read.
    ShapeError
        If maps differ in size.
    """
    found: dict[str, dict[int, Path]] = {"things": {}, "stuff": {}, "confidence": {}}
    for path in Path(folder).iterdir() if Path(folder).is_dir() else ():
        if match := _NAME.fullmatch(path.name):
            found[match[1]][int(match[2])] = path
    numbers = sorted(found["things"].keys() & found["stuff"].keys())
    if not numbers:
        raise FileError(f"got {folder}, which holds no pair of maps; expected things-0000.png, stuff-0000.png, …")
    times = (np.array(numbers) - numbers[0]) / rate
    if at is not None:
        chosen = np.abs(times[:, None] - np.asarray(at, np.float64)).argmin(0)
        numbers, times = [numbers[place] for place in chosen], times[chosen]
    sure = all(number in found["confidence"] for number in numbers)
    kinds = ("things", "stuff", "confidence") if sure else ("things", "stuff")
    maps = [[_red(found[kind][number]) for number in numbers] for kind in kinds]
    sizes = {values.shape for of_kind in maps for values in of_kind}
    if len(sizes) > 1:
        raise ShapeError(f"got maps of the sizes {sorted(sizes)} in {folder}; expected one size for all; restore them")
    things, stuff, *confidence = (np.stack(of_kind) for of_kind in maps)
    return SegmentationMaps(things, stuff, times, *confidence)


def _red(path: Path) -> UInt8[np.ndarray, "height width"]:
    try:
        import av
    except ImportError as error:
        raise MissingExtraError(
            f"got {path}, which needs PyAV; expected the extra media; install it with: pip install 'ambikit[media]'"
        ) from error
    try:
        with av.open(str(path)) as file:
            frame = next(file.decode(video=0))
            # swscale would stretch the range of grey
            values = frame.to_ndarray() if frame.format.name == "gray" else frame.to_ndarray(format="rgb24")[..., 0]
    except (av.error.FFmpegError, StopIteration, ValueError) as error:
        raise FileError(f"got {path}, which is no map ({error}); expected a PNG of 8 bits; restore it") from error
    return np.ascontiguousarray(values)
