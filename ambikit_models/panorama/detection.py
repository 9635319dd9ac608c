"""Where the objects are: boxes on the panorama as directions."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped, UInt8

from ambikit import pixels_to_angles
from ambikit.errors import AmbikitError, FileError, MissingExtraError, ShapeError

__all__ = ["Detections", "Detector", "YoloDetector", "boxes_to_detections"]


@dataclass(frozen=True)
class Detections:
    """The objects of one frame, as arrays of shape ``(count,)``.

    Attributes
    ----------
    azimuth, elevation
        The direction of the centre of each box in radians, azimuth to the left.
    width, height
        The extent of the box in azimuth and in elevation, radians. Near the poles the great-circle width is
        smaller: ``width * cos(elevation)``.
    label
        The name of each object's class.
    score
        The detector's confidence in [0, 1].
    """

    azimuth: Float[np.ndarray, "count"]
    elevation: Float[np.ndarray, "count"]
    width: Float[np.ndarray, "count"]
    height: Float[np.ndarray, "count"]
    label: Shaped[np.ndarray, "count"]
    score: Float[np.ndarray, "count"]

    def __len__(self) -> int:
        return self.azimuth.shape[0]

    def __getitem__(self, chosen: Any) -> "Detections":
        """Some of the objects: a slice, a mask or an array of indices."""
        fields = (self.azimuth, self.elevation, self.width, self.height, self.label, self.score)
        return Detections(*(values[chosen] for values in fields))


@runtime_checkable
class Detector(Protocol):
    """Anything that finds objects on panoramas."""

    def detect(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        """Find the objects of each equirectangular frame (red, green, blue): one :class:`Detections` per frame."""
        ...


def boxes_to_detections(boxes: Any, score: Any, label: Any, width: int, height: int) -> Detections:
    """Read boxes drawn on an equirectangular frame as directions.

    Parameters
    ----------
    boxes
        ``(count, 4)``: left, top, right and bottom edge in pixels, counted from the edge of the frame (0) to the
        opposite edge (``width``, ``height``).
    score, label
        Confidence and class name of each box, ``(count,)``.
    width, height
        The size of the frame in pixels.

    Examples
    --------
    A box around the middle of the left half lies at the left:

    >>> found = boxes_to_detections([[40, 40, 60, 60]], [0.9], ["dog"], width=200, height=100)
    >>> np.degrees(found.azimuth).tolist(), np.degrees(found.elevation).tolist(), np.degrees(found.width).tolist()
    ([90.0], [0.0], [36.0])
    """
    edges = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    score, label = np.asarray(score, dtype=np.float64), np.asarray(label, dtype=str)
    if not len(edges) == len(score) == len(label):
        raise ShapeError(
            f"got {len(edges)} boxes, {len(score)} scores and {len(label)} labels; expected one of each per object"
        )
    left, top, right, bottom = edges.T
    # edges are counted from the rim of the first pixel, pixel indices from its centre
    azimuth, elevation = pixels_to_angles((left + right) / 2 - 0.5, (top + bottom) / 2 - 0.5, width, height)
    return Detections(
        azimuth=azimuth,
        elevation=elevation,
        width=(right - left) * (2 * np.pi / width),
        height=(bottom - top) * (np.pi / height),
        label=label,
        score=score,
    )


class YoloDetector:
    """Objects found by a YOLO network on the equirectangular frame itself, as published [1]_.

    The network comes from the package ``ultralytics``, which stands under the **AGPL-3.0**: it is imported only when
    a detector is made, and installed only with the extra ``ambikit[yolo]``. Unless the environment says otherwise,
    ``YOLO_OFFLINE=true`` is set for it: it then neither downloads anything nor reports its use.

    An object cut by the left and right rim of the frame counts as two; objects near the poles are distorted and
    often missed.

    Parameters
    ----------
    weights
        A file of trained weights (``.pt``), or a ``.yaml`` that describes an architecture, which gives an untrained
        network (for tests).
    confidence
        Boxes with a lower score are dropped, in [0, 1].
    image_size
        The longer side of the network's input, pixels; frames are scaled to it.
    device
        Where the network runs; None lets it choose.
    labels
        Keep only these classes; None keeps all.
    batch_size
        How many frames go through the network at once.

    Raises
    ------
    MissingExtraError
        If ``ultralytics`` is not installed.
    FileError
        If the weights are not found and downloading is off.

    References
    ----------
    .. [1] S. Wang, A. Politis, A. Mesaros, T. Virtanen, "Self-supervised learning of audio representations from
       audio-visual data using spatial alignment", IEEE JSTSP 2022, section III-D.
    """

    def __init__(
        self,
        weights: str | Path = "yolo11n.pt",
        *,
        confidence: float = 0.25,
        image_size: int = 640,
        device: Any = None,
        labels: tuple[str, ...] | None = None,
        batch_size: int = 16,
    ) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise AmbikitError(f"got confidence={confidence}; expected a score between 0 and 1")
        self.confidence, self.image_size, self.device = confidence, image_size, device
        self.labels, self.batch_size = labels, batch_size
        self.network = _load(str(weights))

    def detect(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        """Find the objects of each equirectangular frame (red, green, blue): one :class:`Detections` per frame."""
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ShapeError(
                f"got frames of shape {frames.shape} and dtype {frames.dtype}; expected uint8 (n, height, width, 3), "
                "as ambikit_models.media.read_frames gives them"
            )
        found = []
        for start in range(0, len(frames), self.batch_size):
            # ultralytics expects blue, green, red, as OpenCV has it
            images = [np.ascontiguousarray(frame[..., ::-1]) for frame in frames[start : start + self.batch_size]]
            results = self.network.predict(
                images, conf=self.confidence, imgsz=self.image_size, device=self.device, verbose=False
            )
            found.extend(self._detections(result) for result in results)
        return found

    def _detections(self, result: Any) -> Detections:
        height, width = result.orig_shape
        boxes = result.boxes
        label = [result.names[int(index)] for index in boxes.cls.tolist()]
        found = boxes_to_detections(boxes.xyxy.cpu().numpy(), boxes.conf.cpu().numpy(), label, width, height)
        return found if self.labels is None else found[np.isin(found.label, self.labels)]


def _load(weights: str) -> Any:
    os.environ.setdefault("YOLO_OFFLINE", "true")
    try:
        with np.printoptions():  # importing ultralytics changes how the whole program prints its arrays
            from ultralytics import YOLO
            from ultralytics.utils import SETTINGS
    except ImportError as error:
        raise MissingExtraError(
            "YoloDetector needs the package ultralytics (AGPL-3.0), which is not installed; "
            "install it with: pip install 'ambikit[yolo]', or give any other object with a detect method"
        ) from error
    known = Path(weights).exists() or (Path(SETTINGS["weights_dir"]) / weights).exists() or weights.endswith(".yaml")
    if not known and os.environ["YOLO_OFFLINE"].lower() == "true":
        raise FileError(
            f"got weights={weights!r}, which is not there; expected a file of YOLO weights; put it there, or set the "
            "environment variable YOLO_OFFLINE=false to let ultralytics download it"
        )
    return YOLO(weights, task="detect")
