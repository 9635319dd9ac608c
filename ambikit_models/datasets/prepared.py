"""Clips that ``ambikit-models prepare`` has made, as a data set."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.paired_clips import ClipFiles, PairedClips
from ambikit_models.panorama.detection import Detections
from ambikit_models.preparation.boxes import read_boxes
from ambikit_models.preparation.prepare import MANIFEST
from ambikit_models.preparation.records import read_records
from ambikit_models.preparation.selection import Selection, select
from ambikit_models.sound import SoundFeatures

__all__ = ["PreparedClips"]


class PreparedClips(PairedClips):
    """The clips of a folder with a manifest, see :func:`ambikit_models.preparation.prepare.prepare`.

    Where boxes were found, viewpoints on objects use them and no detector is needed.

    Parameters
    ----------
    root
        The folder that holds ``manifest.jsonl``.
    split
        Name of a list of recordings in the folder, one per line, e.g. ``"train"`` for ``train.txt``; None takes all.
    sound, **settings
        As in :class:`PairedClips`.
    selection, seed
        Which clips, by the verdict on their sound: see :func:`ambikit_models.preparation.selection.select`.

    Attributes
    ----------
    records
        The lines of the manifest, one per clip.

    Raises
    ------
    FileError
        If the manifest or the split are missing or hold no clip.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        sound: SoundFeatures | None = None,
        *,
        selection: Selection = "all",
        **settings: Any,
    ) -> None:
        self.root = Path(root)
        records = self._every_record()
        if split is not None:
            wanted = _names(self.root / f"{split}.txt")
            records = [record for record in records if record["video"] in wanted]
        if not records:
            of_split = "" if split is None else f" of the split {split!r}"
            raise FileError(
                f"got {self.root}, whose list has no clip{of_split}; expected at least one; set_aside.jsonl says what "
                "was set aside when it was prepared, and why"
            )
        if selection != "all":
            records = select(records, selection, seed=settings.get("seed", 0))
        self.records = records
        super().__init__([self._files_of(record) for record in self.records], sound, **settings)

    def subset(self, indices: Int[np.ndarray, "chosen"]) -> "PreparedClips":
        """Some of the clips as a source of their own, with the same settings and memory of their own."""
        part = super().subset(indices)
        assert isinstance(part, PreparedClips)
        part.records = [self.records[index] for index in indices]
        return part

    def detections(self, index: int) -> Detections:
        """The objects in the middle of a clip, as they were found when it was prepared; else by the detector."""
        boxes = self.records[index].get("boxes")
        if boxes is None:
            if self.detector is None:
                raise AmbikitError(
                    f"got {self.clips[index].name} without boxes; expected them for viewpoints on objects; prepare "
                    "again with a detector (--yolo-weights), or give detector=…"
                )
            return super().detections(index)
        if index not in self._detections:
            self._detections[index] = read_boxes(self._boxes_of(index), self.records[index]["duration"] / 2)
        return self._detections[index]

    def _every_record(self) -> list[dict[str, Any]]:
        return read_records(self.root / MANIFEST)

    def _files_of(self, record: dict[str, Any]) -> ClipFiles:
        return ClipFiles(record["name"], record["video"], self.root / record["pictures"], self.root / record["sound"])

    def _boxes_of(self, index: int) -> Path:
        return self.root / self.records[index]["boxes"]["path"]


def _names(path: Path) -> set[str]:
    if not path.is_file():
        raise FileError(f"got a split without its list {path}; expected a text file with one name of a video per line")
    return set(path.read_text(encoding="utf-8").split())
