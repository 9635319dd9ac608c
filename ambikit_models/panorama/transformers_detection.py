"""Objects found by a detection transformer of the package transformers: D-FINE, RT-DETR and their relatives."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from ambikit.errors import AmbikitError, FileError, MissingExtraError, ShapeError
from ambikit_models.panorama.detection import Detections, boxes_to_detections

__all__ = ["TransformersDetector"]


class TransformersDetector:
    """Objects found by a detection transformer, such as D-FINE or RT-DETR.

    The package ``transformers`` stands under Apache-2.0, as do the networks of both papers in it; it is imported only
    when a detector is made, and installed with the extra ``ambikit[transformers]``. Nothing is downloaded: a network
    is read from a folder, or is given ready made, for example from its configuration with random weights. Like
    :class:`~ambikit_models.panorama.detection.YoloDetector` it looks at the equirectangular frame itself; on tiles
    with :class:`~ambikit_models.panorama.tiles.TiledDetector`.

    Parameters
    ----------
    network
        A folder written by ``save_pretrained``, or a model of ``transformers`` whose outputs are ``logits`` (one
        score per class and query, through a sigmoid) and ``pred_boxes`` (centre, width and height as parts of the
        picture).
    confidence
        Boxes with a lower score are dropped, in [0, 1].
    image_size
        Height and width of the network's input in pixels; frames are scaled to it.
    device
        Where the network runs.
    labels
        Keep only these classes; None keeps all.
    batch_size
        How many frames go through the network at once.

    Raises
    ------
    MissingExtraError
        If ``transformers`` is not installed.
    FileError
        If the folder holds no network.

    References
    ----------
    Y. Zhao et al., "DETRs beat YOLOs on real-time object detection", CVPR 2024 (RT-DETR); Y. Peng et al., "D-FINE:
    redefine regression task in DETRs as fine-grained distribution refinement", ICLR 2025.
    """

    def __init__(
        self,
        network: Any,
        *,
        confidence: float = 0.4,
        image_size: tuple[int, int] = (640, 640),
        device: Any = "cpu",
        labels: tuple[str, ...] | None = None,
        batch_size: int = 8,
    ) -> None:
        if not 0.0 <= confidence <= 1.0:
            raise AmbikitError(f"got confidence={confidence}; expected a score between 0 and 1")
        network = _load(Path(network)) if isinstance(network, str | Path) else network
        self.network = network.to(device).eval()
        self.confidence, self.image_size, self.device = confidence, image_size, device
        self.labels, self.batch_size = labels, batch_size

    def detect(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        """Find the objects of each equirectangular frame (red, green, blue): one :class:`Detections` per frame."""
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8:
            raise ShapeError(
                f"got frames of shape {frames.shape} and dtype {frames.dtype}; expected uint8 (n, height, width, 3), "
                "as ambikit_models.media.read_frames gives them"
            )
        found = []
        for start in range(0, len(frames), self.batch_size):
            found.extend(self._batch(frames[start : start + self.batch_size]))
        return found

    @torch.inference_mode()
    def _batch(self, frames: UInt8[np.ndarray, "n height width 3"]) -> list[Detections]:
        pixels = torch.from_numpy(np.ascontiguousarray(frames)).to(self.device).movedim(-1, 1).float() / 255
        pixels = torch.nn.functional.interpolate(pixels, self.image_size, mode="bilinear", antialias=True)
        outputs = self.network(pixel_values=pixels)
        score, kind = outputs.logits.sigmoid().max(-1)
        height, width = frames.shape[1:3]
        x, y, across, along = (outputs.pred_boxes * pixels.new_tensor([width, height, width, height])).unbind(-1)
        edges = torch.stack([x - across / 2, y - along / 2, x + across / 2, y + along / 2], -1)
        results = zip(edges.cpu().numpy(), score.cpu().numpy(), kind.cpu().numpy(), strict=True)
        return [self._detections(*result, width, height) for result in results]

    def _detections(
        self, edges: np.ndarray, score: np.ndarray, kind: np.ndarray, width: int, height: int
    ) -> Detections:
        names = self.network.config.id2label
        label = np.array([names[int(index)] for index in kind], dtype=str)
        kept = score >= self.confidence
        if self.labels is not None:
            kept &= np.isin(label, self.labels)
        edges = np.clip(edges[kept], 0, [width, height, width, height])
        return boxes_to_detections(edges, score[kept], label[kept], width, height)


def _load(folder: Path) -> Any:
    try:
        from transformers import AutoModelForObjectDetection  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MissingExtraError(
            "TransformersDetector needs the package transformers, which is not installed; "
            "install it with: pip install 'ambikit[transformers]', or give any other object with a detect method"
        ) from error
    if not (folder / "config.json").is_file():
        raise FileError(
            f"got {folder}, which holds no config.json; expected a folder written by save_pretrained; "
            "download a network once and save it there"
        )
    return AutoModelForObjectDetection.from_pretrained(folder, local_files_only=True)
