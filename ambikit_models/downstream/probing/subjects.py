"""Who is examined: a trained model, the same before training, or any embedding from elsewhere.

A subject says which stretches of picture and sound it wants, makes its inputs of them, and embeds these.
"""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.probing.examples import Inputs
from ambikit_models.downstream.probing.fitting import seeded
from ambikit_models.sound.stereo_scene import stereo_as_scene
from ambikit_models.training.checkpoints import load_model, load_network
from ambikit_models.training.config import TrainingConfig

__all__ = ["Senses", "Subject", "System"]

#: What an embedding is made of; ``both`` puts the two side by side (early fusion).
Senses = Literal["audio", "video", "both"]


@runtime_checkable
class Subject(Protocol):
    """What a task needs to know of somebody who embeds."""

    name: str

    @property
    def sample_rate(self) -> int:
        """Hz of the sound."""
        ...

    @property
    def duration(self) -> float:
        """Seconds of sound at once."""
        ...

    @property
    def size(self) -> int:
        """Width and height of the pictures in pixels."""
        ...

    @property
    def frames(self) -> int:
        """Pictures at once."""
        ...

    @property
    def frame_rate(self) -> float:
        """Pictures per second."""
        ...

    def hear(self, windows: Float[Tensor, "pieces channels time"]) -> Float[Tensor, "pieces ..."]:
        """Make the inputs of sounds, first-order AmbiX or of two channels."""
        ...

    def see(self, pictures: Float[Tensor, "pieces 3 frames height width"]) -> Float[Tensor, "pieces ..."]:
        """Make the inputs of pictures."""
        ...

    def encoder(self, senses: Senses, steps: int | None = None) -> nn.Module:
        """A module from :class:`Inputs` to ``(examples, pieces, width)``, or with ``steps`` before the last axis."""
        ...


@dataclass(frozen=True)
class System:
    """A trained model with its recipe, of the alignment family or, where only its embeddings count, of the other."""

    name: str
    model: AlignmentModel | CorrespondenceNetwork
    recipe: TrainingConfig

    @classmethod
    def load(cls, checkpoint: str | Path, name: str | None = None) -> "System":
        """Open a checkpoint, or the newest of a run; named after its folder."""
        model, recipe = load_model(checkpoint)
        return cls(name or Path(checkpoint).resolve().name, model, recipe)

    @classmethod
    def embedding(cls, checkpoint: str | Path, name: str | None = None) -> "System":
        """The same, and networks that tell left from right too, for tasks that need no more than embeddings."""
        model, recipe = load_network(checkpoint)
        return cls(name or Path(checkpoint).resolve().name, model, recipe)

    def untrained(self, seed: int = 0) -> "System":
        """The same networks with random weights ("scratch").

        The statistics that standardise the sound features are kept: they describe the inputs and are not learned.
        """
        with seeded(seed):
            model = self.recipe.build_model()
        model.standardize.load_state_dict(self.model.standardize.state_dict())
        model.to(next(self.model.parameters()).device)
        return System(f"{self.name}, untrained", model.eval(), self.recipe)

    def kinetics(self, weights: str | None = "KINETICS400_V1") -> "System":
        """R(2+1)D-18 with torchvision's weights, supervised on Kinetics-400, in place of the video encoder.

        torchvision looks for the weights among its own files, and downloads them where they are not there.
        """
        from ambikit_models.encoders.video import R2Plus1DVideoEncoder

        model = copy.deepcopy(self.model)
        model.video_encoder = R2Plus1DVideoEncoder(weights).to(next(self.model.parameters()).device)
        return System("R(2+1)D-18, Kinetics", model.eval(), self.recipe)

    @property
    def sample_rate(self) -> int:
        """Hz of the sound."""
        return self.recipe.sound.sample_rate

    @property
    def duration(self) -> float:
        """Seconds of sound at once."""
        return self.recipe.clip.duration

    @property
    def size(self) -> int:
        """Width and height of the pictures in pixels."""
        return self.recipe.clip.size

    @property
    def frames(self) -> int:
        """Pictures at once."""
        return self.recipe.clip.frames

    @property
    def frame_rate(self) -> float:
        """Pictures per second."""
        return self.recipe.clip.frame_rate

    def hear(self, windows: Float[Tensor, "pieces channels time"]) -> Float[Tensor, "pieces features mel frames"]:
        """Features of the sounds as heard when looking to the front."""
        scene = stereo_as_scene(windows, self.recipe.sound.pattern) if windows.shape[-2] == 2 else windows
        front = torch.zeros((), dtype=scene.dtype)
        return self.recipe.sound.view(self.recipe.sound.prepare(scene), front, front)

    def see(
        self, pictures: Float[Tensor, "pieces 3 frames height width"]
    ) -> Float[Tensor, "pieces 3 frames height width"]:
        """The pictures, as they are."""
        return pictures

    def encoder(self, senses: Senses, steps: int | None = None) -> nn.Module:
        """The encoders of the model, which a tuned copy of them shares no weights with."""
        return _Encoder(self.model, senses, steps)


class _Encoder(nn.Module):
    def __init__(self, model: Any, senses: Senses, steps: int | None):
        super().__init__()
        self.model, self.senses, self.steps = model, senses, steps

    def forward(self, inputs: Inputs) -> Tensor:
        if self.senses == "video":
            return self.model.embed_video(_there(inputs.video, "pictures"))
        audio = _there(inputs.audio, "sound")
        if self.senses == "both":
            video = self.model.embed_video(_there(inputs.video, "pictures"))
            return torch.cat([video, self.model.embed_audio(audio)], -1)
        if self.steps is None:
            return self.model.embed_audio(audio)
        frames = self.model.embed_audio_frames(audio)
        pooled = nn.functional.adaptive_avg_pool1d(frames.flatten(0, 1).mT, self.steps).mT
        return pooled.unflatten(0, frames.shape[:2])


def _there(tensor: Tensor | None, words: str) -> Tensor:
    if tensor is None:
        raise AmbikitError(f"got examples without {words}; expected a task that has them; ask for the other sense")
    return tensor
