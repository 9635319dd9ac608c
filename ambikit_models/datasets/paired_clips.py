"""Clips of panoramic video with spatial sound, read from files: what data sets of that kind share."""

from collections.abc import Sequence
from copy import copy
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.batch import Batch
from ambikit_models.datasets.broken_clips import BrokenClips
from ambikit_models.datasets.clip_reader import ClipFiles, ClipReader, Draw
from ambikit_models.media import read_frames
from ambikit_models.panorama.detection import Detections, Detector
from ambikit_models.panorama.motion import INTERVAL
from ambikit_models.panorama.projection import crop
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures

__all__ = ["ClipFiles", "PairedClips"]


class PairedClips:
    """Pairs of a panoramic video file and its sound file as a source of batches (see :class:`ClipSource`).

    Each row of a batch shows a short stretch of a clip (8 pictures in half a second) and plays a longer one around
    it (1 s) [1]_. Where in the clip lies the stretch, its *moment*, follows from ``seed``, the clip, and its
    viewpoints, unless the call says it: the same call always gives the same batch, on every process and after every
    restart, and new viewpoints bring new moments. At a moment that the call says the pictures lie in the middle of
    their sound.

    A clip that cannot be read is warned about once, noted in :attr:`skipped`, and its place is taken by the next
    readable clip that the batch does not hold already (or does, where there is no other); :attr:`Batch.index` tells
    which. A sound that is meant to be that of another clip stays that of another clip. Training says for each row which
    clips may take its place (``spare``), so that processes that share a batch replace as one would.

    Parameters
    ----------
    clips
        The files.
    sound
        The features; the sound is resampled to their rate. Sound of higher order is used to first order.
    size, frames, frame_rate
        Side of the views in pixels, pictures per row, pictures per second.
    sound_duration
        Seconds of sound per row; the pictures lie somewhere within them.
    moments
        How many moments of a clip are used at all, spread over it. Few of them stay in memory on a small data set;
        1 always takes the same.
    seed
        Decides the moments.
    detector
        Finds the objects for :class:`ObjectViewpoints`.
    source, channel_map
        Convention and order of the channels in the files, as in :func:`ambikit.read`.
    cache_bytes
        How much memory decoded pictures and sounds may take.

    Attributes
    ----------
    device
        Where views are cut and sounds analysed. None, to begin with: by compiled loops on the CPU, with the analysis
        kept in memory. A device, which may be set at any time: pictures and sounds go there as they are read, all else
        is done there, and batches lie there.

    References
    ----------
    .. [1] P. Morgado, Y. Li, N. Vasconcelos, "Learning Representations from Audio-Visual Spatial Alignment",
       NeurIPS 2020, section 5.1.
    """

    def __init__(
        self,
        clips: Sequence[ClipFiles],
        sound: SoundFeatures | None = None,
        *,
        size: int = 112,
        frames: int = 8,
        frame_rate: float = 16.0,
        sound_duration: float = 1.0,
        moments: int = 16,
        seed: int = 0,
        detector: Detector | None = None,
        source: Any = "ambix",
        channel_map: Any = "auto",
        cache_bytes: int = 2**30,
    ) -> None:
        if not sound_duration >= frames / frame_rate:
            raise AmbikitError(
                f"got sound_duration={sound_duration} s for {frames} pictures at {frame_rate} per second; expected at "
                f"least {frames / frame_rate} s, so that the pictures lie within the sound"
            )
        if moments < 1 or frames < 1:
            raise AmbikitError(f"got moments={moments} and frames={frames}; expected at least 1 of each")
        self.clips, self.sound = tuple(clips), sound or SoundFeatures()
        self.size, self.frames, self.frame_rate = size, frames, frame_rate
        self.sound_duration, self.moments, self.seed, self.detector = sound_duration, moments, seed, detector
        self.device: str | torch.device | None = None
        self._detections: dict[int, Detections] = {}
        self._broken = BrokenClips([clip.name for clip in self.clips])
        self._reader = self._reads(
            self.clips,
            self.sound,
            frames=frames,
            frame_rate=frame_rate,
            sound_duration=sound_duration,
            moments=moments,
            seed=seed,
            source=source,
            channel_map=channel_map,
            cache_bytes=cache_bytes,
        )

    #: says to training that :meth:`batch` takes ``spare``
    replaces = True

    #: what reads the files
    _reads = ClipReader

    @property
    def skipped(self) -> dict[str, str]:
        """Name of each clip that could not be read, and why."""
        return self._broken.skipped

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def identity(self) -> str:
        """A word for this set of clips: training refuses to go on with other clips than it began with."""
        return sha256("\n".join(clip.name for clip in self.clips).encode()).hexdigest()[:16]

    @property
    def videos(self) -> Int[np.ndarray, "clips"]:
        """Which video each clip was cut from, as a number: some videos have thousands of clips, most a few."""
        return np.unique([clip.video for clip in self.clips], return_inverse=True)[1].astype(np.int64)

    def readable(self) -> Int[np.ndarray, "chosen"]:
        """The clips whose files open and last long enough; each of the others is warned about, named and counted."""
        return np.flatnonzero(np.isfinite(self.seconds(np.arange(len(self)))))

    def subset(self, indices: Int[np.ndarray, "chosen"]) -> "PairedClips":
        """Some of the clips as a source of their own, with the same settings and memory of their own."""
        some = copy(self)
        some.clips = tuple(self.clips[index] for index in indices)
        some._reader, some._detections = self._reader.of(some.clips), {}
        some._broken = BrokenClips([clip.name for clip in some.clips])
        return some

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
        """Show and play some clips from some viewpoints: see :meth:`ClipSource.batch`.

        ``spare`` names for each row the clips to take in its place, in this order, before any other; −1 is none.
        """
        heard = indices if sound_indices is None else sound_indices
        if not 0 < len(indices) == len(heard) == viewpoints.clips:
            raise ShapeError(
                f"got {len(indices)} indices, {len(heard)} sound_indices and viewpoints of {viewpoints.clips} clips; "
                "expected one of each per clip, and at least one clip"
            )
        azimuth, elevation, field_of_view = (
            angle.numpy(force=True) for angle in (viewpoints.azimuth, viewpoints.elevation, viewpoints.field_of_view)
        )
        taken = {int(index) for index in (*indices, *heard)}
        before = [None] * len(indices) if spare is None else spare.tolist()
        views, sounds, index = [], [], []
        for row, drawn_from in enumerate(viewpoints.fingerprints()):
            # which views are seen and heard at the same moment
            angles = np.stack([azimuth[row], elevation[row], field_of_view[row]])
            draws, which = [drawn_from], None
            if moments is not None:
                said, which = np.unique(moments[row].double().numpy(force=True), return_inverse=True)
                draws = said.tolist()
            pairs, shown = self._pair(int(indices[row]), int(heard[row]), draws, taken, before[row])
            views.append(self._views([pictures for pictures, _ in pairs], angles, which))
            heard_then = torch.stack([sound for _, sound in pairs])
            sounds.append(heard_then if which is None else heard_then[which])
            index.append(shown)
        video, prepared = torch.stack(views).permute(0, 2, 3, 1, 4, 5), torch.stack(sounds)
        if self.device is not None:
            prepared = self.sound.prepare(prepared.to(self.device))
        turn = torch.as_tensor(0.0 if yaw is None else yaw, dtype=torch.float64).cpu().expand(len(index))
        # first the scene is turned to the left by yaw, then aligned: together a turn to the right by azimuth - yaw
        toward = (torch.from_numpy(azimuth) - turn[:, None]).float().to(prepared.device)
        audio = self.sound.view(prepared, toward, torch.from_numpy(elevation).float().to(prepared.device))
        return Batch(video.contiguous(), audio, torch.tensor(index), None if yaw is None else turn.float())

    def seconds(self, indices: Int[np.ndarray, "clips"]) -> Float[np.ndarray, "clips"]:
        """How long clips last; one that cannot be read counts as long, and its place will be taken by another."""
        lasting = [self._broken.attempt(int(index), partial(self._reader.duration, int(index))) for index in indices]
        return np.array([np.inf if seconds is None else seconds for seconds in lasting])

    def detections(self, index: int) -> Detections:
        """The objects on the picture in the middle of a clip; none where it cannot be read."""
        if self.detector is None:
            raise AmbikitError(
                "viewpoints on objects were asked for, but the data set has no detector; expected detector=…, for "
                "example ambikit_models.panorama.detection.YoloDetector()"
            )
        if index not in self._detections:
            frame = self._broken.attempt(
                index, lambda: read_frames(self.clips[index].pictures, [self._reader.duration(index) / 2])
            )
            nothing = Detections(*np.zeros((4, 0)), label=np.empty(0, str), score=np.zeros(0))
            self._detections[index] = nothing if frame is None else self.detector.detect(frame)[0]
        return self._detections[index]

    def soundtrack(self, index: int) -> Float[np.ndarray, "4 time"]:
        """The whole sound of a clip, for viewpoints that seek it; silence where it cannot be read."""
        signal = self._broken.attempt(index, partial(self._reader.whole, index))
        return np.zeros((4, round(self.sound_duration * self.sound.sample_rate))) if signal is None else signal[:4]

    def panoramas(self, index: int) -> UInt8[np.ndarray, "moments 2 height width 3"]:
        """Two pictures of each of four moments all over a clip, for viewpoints that look at the pictures.

        The two are :data:`~ambikit_models.panorama.motion.INTERVAL` apart. Black where the clip cannot be read.
        """
        share, apart = (np.arange(4)[:, None] + 0.5) / 4, np.array([-0.5, 0.5]) * INTERVAL

        def read() -> np.ndarray:
            times = np.maximum(share * self._reader.duration(index), INTERVAL / 2) + apart
            return read_frames(self.clips[index].pictures, times.ravel())

        frames = self._broken.attempt(index, read)
        return np.zeros((1, 2, 16, 32, 3), np.uint8) if frames is None else frames.reshape(4, 2, *frames.shape[1:])

    def _views(
        self, pictures: list[np.ndarray], angles: Float[np.ndarray, "3 views"], which: np.ndarray | None
    ) -> Float[torch.Tensor, "frames views 3 size size"]:
        """The crops of one clip: all of the same pictures, or each of those that ``which`` says."""
        groups = [slice(None)] if which is None else [np.flatnonzero(which == i) for i in range(len(pictures))]
        crops = []
        for seen, group in zip(pictures, groups, strict=True):
            given: list[Any] = [seen, *angles[:, None, group]]
            if self.device is not None:
                given = [torch.from_numpy(value).to(self.device) for value in given]
            frames, azimuth, elevation, field = given
            settings = {"field_of_view": field, "size": self.size, "normalized": True}
            crops.append(torch.as_tensor(crop(frames, azimuth, elevation, **settings)))
        return crops[0] if which is None else torch.cat(crops, 1)[:, np.argsort(np.concatenate(groups))]

    def _pair(
        self, shown: int, heard: int, draws: list[Draw], taken: set[int], spare: list[int] | None
    ) -> tuple[list[tuple[np.ndarray, torch.Tensor]], int]:
        """Pictures and sound of two clips at some moments, or of one, or of what replaces them."""
        sound_of = self._reader.prepared if self.device is None else self._reader.excerpt

        def both(i: int) -> list[tuple[np.ndarray, torch.Tensor]]:
            return [(self._reader.pictures(i, draw), sound_of(i, draw)) for draw in draws]

        if shown == heard:
            return self._broken.first(shown, both, taken, spare)
        pictures, shown = self._broken.first(
            shown, lambda i: [self._reader.pictures(i, draw) for draw in draws], taken, spare
        )
        sounds, _ = self._broken.first(
            heard, lambda i: [sound_of(i, draw) for draw in draws], taken, spare, other_than=shown
        )
        return list(zip(pictures, sounds, strict=True)), shown
