"""Ordinary videos with two-channel sound as a source of batches: FAIR-Play and YouTube-ASMR, for training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch
from ambikit_models.datasets.fair_play import FairPlay
from ambikit_models.datasets.paired_clips import PairedClips
from ambikit_models.datasets.squares import squared
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.datasets.stereo_reader import StereoReader
from ambikit_models.datasets.youtube_asmr import YouTubeASMR
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures

__all__ = ["StereoClips", "open_stereo", "stereo_recordings"]


class StereoClips(PairedClips):
    """Pictures that have a left and a right, with the sound of a left and a right channel [1]_.

    All of a picture is shown, squeezed into a square, or in training a random part of it; moments, broken files and
    memory are as in :class:`PairedClips`. Viewpoints say nothing but when the draws change: there is one per clip. The
    two channels become the scene whose stereo decode they are, so that the formats ``stereo``, ``stereo_icf`` and
    ``stereo_gcc`` hear exactly them. Other formats have no meaning here and are refused, as are turns of the sound.

    Parameters
    ----------
    clips
        The files.
    sound
        The features, of one of these formats.
    shown
        Which part of the width and height is shown, at a random place: 7/8 as is usual in training, 1 for all of it.
        Yang2020 crops at random and does not say how much.
    **settings
        As in :class:`PairedClips`; by default those of yang2020: 18 pictures of 256 × 256 at 6 Hz in 3 seconds.

    References
    ----------
    .. [1] K. Yang, B. Russell, J. Salamon, "Telling Left from Right: Learning Spatial Correspondence of Sight and
       Sound", CVPR 2020, section 4.
    """

    _reads = StereoReader

    def __init__(
        self,
        clips: Sequence[StereoClip],
        sound: SoundFeatures | None = None,
        *,
        shown: float = 7 / 8,
        **settings: Any,
    ) -> None:
        sound = sound or SoundFeatures("stereo", sample_rate=16000)
        if not sound.format.startswith("stereo"):
            raise AmbikitError(
                f"got sound in the format {sound.format!r} for recordings of two channels; expected stereo, stereo_icf "
                "or stereo_gcc; set sound.format"
            )
        if not 0 < shown <= 1:
            raise AmbikitError(f"got shown={shown}; expected a part of the picture above 0, at most 1")
        self.shown = shown
        settings = {"size": 256, "frames": 18, "frame_rate": 6.0, "sound_duration": 3.0, **settings}
        super().__init__([clip.files for clip in clips], sound, **settings)

    def batch(
        self,
        indices: Int[np.ndarray, "clips"],
        viewpoints: Viewpoints,
        *,
        sound_indices: Int[np.ndarray, "clips"] | None = None,
        yaw: Any = None,
        moments: Float[torch.Tensor, "clips views"] | None = None,
        spare: Int[np.ndarray, "clips tries"] | None = None,
    ) -> Batch:
        """Show and play some clips: see :meth:`ClipSource.batch`."""
        if yaw is not None:
            raise AmbikitError(
                "got a turn of the sound for recordings of two channels; expected none, as they cannot be turned; "
                "train on flip, mismatch or shift, or on first-order sound"
            )
        if viewpoints.views != 1:
            raise AmbikitError(
                f"got {viewpoints.views} views of ordinary pictures; expected 1; set the views of the phase to 1"
            )
        # the sound is heard to the front; what is left of the viewpoints is a number, which draws place and moment
        numbers = torch.tensor(viewpoints.fingerprints(), dtype=torch.float64)[:, None]
        front = Viewpoints(torch.zeros_like(numbers), torch.zeros_like(numbers), numbers)
        return super().batch(indices, front, sound_indices=sound_indices, moments=moments, spare=spare)

    def _views(
        self, pictures: list[np.ndarray], angles: Float[np.ndarray, "3 views"], which: np.ndarray | None
    ) -> Float[torch.Tensor, "frames views 3 size size"]:
        """The chosen part of the pictures, red, green, blue in [0, 1]."""
        places = np.random.default_rng((self.seed, int(angles[2, 0]))).random(2)
        height, width = pictures[0].shape[1:3]
        rows, columns = (max(1, round(self.shown * side)) for side in (height, width))
        top, left = (int(place * (1 + free)) for place, free in zip(places, (height - rows, width - columns)))
        part = pictures[0][:, top : top + rows, left : left + columns]
        return squared(part, self.size, device=self.device or "cpu")[:, None]


def stereo_recordings(data: Path, part: str, *, allow_missing: bool) -> tuple[StereoClip, ...] | None:
    """The clips of a folder that is FAIR-Play or YouTube-ASMR; None if it looks like neither.

    Parameters
    ----------
    data
        The folder.
    part
        ``"train"``, ``"val"`` or ``"test"``, for FAIR-Play with the number of a split if it is not 1: ``"3/train"``.
    allow_missing
        Leave out files of FAIR-Play that are not there. Those of YouTube-ASMR are left out in any case: videos vanish.
    """
    if (data / "binaural_audios").is_dir() and (data / "splits").is_dir():
        number, _, name = part.rpartition("/")
        if not (number.isdecimal() or not number):
            raise AmbikitError(f"got the list {part!r}; expected train, val or test, or e.g. 3/train for split 3")
        return FairPlay(data, int(number or 1), name, allow_missing=allow_missing).items
    if (data / f"{part}.csv").is_file() and any((base / "video").is_dir() for base in (data, data / "data")):
        return YouTubeASMR(data, part, allow_missing=True).items
    return None


def open_stereo(
    data: str | Path, part: str | None, sound: SoundFeatures | None = None, **settings: Any
) -> StereoClips | None:
    """Open a folder as FAIR-Play or as YouTube-ASMR; None if it looks like neither.

    Parameters
    ----------
    data
        The folder.
    part
        ``"train"``, ``"val"`` or ``"test"``; None is train. For FAIR-Play with the number of a split if it is not 1:
        ``"3/train"``. Files that are not there are left out.
    sound, **settings
        As in :class:`StereoClips`.
    """
    recordings = stereo_recordings(Path(data), part or "train", allow_missing=True)
    return None if recordings is None else StereoClips(recordings, sound, **settings)
