"""What a detector found on the pictures of a clip, kept beside it."""

from pathlib import Path
from typing import Any

import numpy as np

from ambikit.files.replacing import replacing
from ambikit_models.media import read_frames
from ambikit_models.panorama.detection import Detections, Detector
from ambikit_models.preparation.records import as_line, checksum, read_records

__all__ = ["find_boxes", "read_boxes"]

_ANGLES = ("azimuth", "elevation", "width", "height")
#: seconds between the pictures that are looked at
_APART = 1.0


def find_boxes(root: Path, output: Path, clip: dict[str, Any], detector: Detector) -> dict[str, Any]:
    """Find the objects of a clip, unless that was done before; give the entry of the manifest.

    The detector sees the pictures of the recording itself, which are larger than those of the clip: one per second,
    from half a second on.
    """
    path = output / "boxes" / f"{clip['name']}.json"
    if not path.is_file() or read_records(path)[0].get("clip") != clip["checksums"]["pictures"]:
        times = np.arange(_APART / 2, clip["duration"], _APART)
        frames = read_frames(root / clip["source"]["pictures"], clip["start"] + times)
        found = [
            {"time": float(time), **_as_lists(detections)}
            for time, detections in zip(times, detector.detect(frames), strict=True)
        ]
        with replacing(path) as temporary:
            temporary.write_text(as_line({"clip": clip["checksums"]["pictures"], "pictures": found}), encoding="utf-8")
    count = sum(len(picture["label"]) for picture in read_records(path)[0]["pictures"])
    return {"path": f"boxes/{path.name}", "checksum": checksum(path), "count": count}


def read_boxes(path: str | Path, time: float) -> Detections:
    """The objects on the picture nearest to a time of a clip, seconds from its start."""
    pictures = read_records(path)[0]["pictures"]
    nearest = min(pictures, key=lambda picture: abs(picture["time"] - time))
    angles = (np.array(nearest[name], dtype=np.float64) for name in _ANGLES)
    return Detections(*angles, label=np.array(nearest["label"], dtype=str), score=np.array(nearest["score"], float))


def _as_lists(found: Detections) -> dict[str, list[Any]]:
    numbers = {name: [float(f"{v:.6g}") for v in getattr(found, name)] for name in (*_ANGLES, "score")}
    return {**numbers, "label": [str(word) for word in found.label]}
