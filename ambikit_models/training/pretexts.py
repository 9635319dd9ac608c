"""What is done to the sound of a clip so that it no longer fits the picture: the pretext tasks of yang2020."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch, ClipSource
from ambikit_models.objectives.misalignment import Pretext
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.moments import choose_moments

__all__ = ["Misaligned"]


@dataclass(frozen=True)
class Misaligned:
    """Which sounds of a batch are changed, and how.

    Only one of the last three is there, according to the pretext; ``flip`` needs none.
    """

    pretext: Pretext
    misaligned: Bool[np.ndarray, "clips"]
    """The clips whose sound is changed; the others keep theirs."""
    heard: Int[np.ndarray, "clips"] | None = None
    """``mismatch``: whose sound is heard."""
    yaw: Float[np.ndarray, "clips"] | None = None
    """``rotation``: by how many radians the sound is turned to the left; 0 for the clips that keep theirs."""
    moments: Float[np.ndarray, "clips 2"] | None = None
    """``shift``: when the pictures begin, and when a sound begins that is changed, from 0 to 1."""

    @classmethod
    def draw(
        cls,
        pretext: Pretext,
        generator: np.random.Generator,
        source: ClipSource,
        indices: Int[np.ndarray, "clips"],
        *,
        excerpt: float,
        turn: float | None = None,
        separation: float | None = None,
        misaligned: Bool[np.ndarray, "clips"] | None = None,
    ) -> "Misaligned":
        """Draw for a whole batch; each clip is changed with a probability of one half.

        Parameters
        ----------
        pretext
            What is done.
        generator
            Decides everything.
        source, indices
            The clips; a sound that takes the place of another comes from another of them.
        excerpt
            Seconds of a clip that are seen and heard at once.
        turn
            Of ``rotation``, in radians; None: any, uniform on the circle.
        separation
            Of ``shift``: least seconds between the beginnings of picture and sound; by default an excerpt's length.
        misaligned
            Which clips are changed, in place of drawing it.
        """
        clips = len(indices)
        if misaligned is None:
            misaligned = generator.random(clips) < 0.5
        if pretext == "mismatch":
            if clips < 2:
                raise AmbikitError("got one clip for the pretext mismatch; expected at least 2; raise clips")
            others = np.roll(indices, int(generator.integers(1, clips)))
            return cls(pretext, misaligned, heard=np.where(misaligned, others, indices))
        if pretext == "rotation":
            angles = generator.uniform(-np.pi, np.pi, clips) if turn is None else np.full(clips, float(turn))
            return cls(pretext, misaligned, yaw=np.where(misaligned, angles, 0.0))
        if pretext == "shift":
            moments = choose_moments(source, indices, generator, 2, excerpt=excerpt, separation=separation)
            return cls(pretext, misaligned, moments=moments)
        return cls(pretext, misaligned)

    def __getitem__(self, rows: slice) -> "Misaligned":
        """What is done to some of the clips."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return Misaligned(**{k: v[rows] if isinstance(v, np.ndarray) else v for k, v in values.items()})

    def load(
        self,
        source: ClipSource,
        indices: Int[np.ndarray, "clips"],
        viewpoints: Viewpoints,
        sound: SoundFeatures,
        **settings: Any,
    ) -> Batch:
        """Show some clips and play what was made of their sounds.

        Parameters
        ----------
        source, indices, viewpoints
            As for :meth:`~ambikit_models.batch.ClipSource.batch`.
        sound
            The features of the source.
        **settings
            More of what the source takes, one entry per clip.
        """
        if self.pretext == "mismatch":
            batch = source.batch(indices, viewpoints, sound_indices=self.heard, **settings)
        elif self.yaw is not None:
            batch = source.batch(indices, viewpoints, yaw=torch.from_numpy(self.yaw), **settings)
        elif self.moments is not None:
            batch = self._shifted(source, indices, viewpoints, self.moments, settings)
        else:
            batch = source.batch(indices, viewpoints, **settings)
        misaligned = torch.from_numpy(self.misaligned).to(batch.audio.device)
        if self.pretext == "flip":
            audio = batch.audio.clone()
            audio[misaligned] = sound.layout.mirror(audio[misaligned])
            batch = dataclasses.replace(batch, audio=audio)
        return dataclasses.replace(batch, misaligned=misaligned)

    def _shifted(
        self, source: ClipSource, indices: np.ndarray, viewpoints: Viewpoints, moments: np.ndarray, settings: Any
    ) -> Batch:
        """Pictures of one moment, and the sound of another where it is changed."""
        when = torch.from_numpy(moments)[:, :, None].expand(-1, -1, viewpoints.views)
        batch = source.batch(indices, viewpoints, moments=when[:, 0], **settings)
        rows = np.flatnonzero(self.misaligned)
        if not rows.size:
            return batch
        shown = batch.index.numpy(force=True)[rows]  # not always what was asked for: files may be broken
        some = {name: value[rows] for name, value in settings.items()}
        later = source.batch(shown, viewpoints[rows], moments=when[rows, 1], **some)
        audio = batch.audio.clone()
        audio[torch.from_numpy(rows).to(audio.device)] = later.audio
        return dataclasses.replace(batch, audio=audio)
