"""What a network that works on sound is told besides: what frozen encoders see, or see and hear, in each moment."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ambikit.errors import AmbikitError, FileError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.encoders.frame_pictures import ResNetPictures
from ambikit_models.sound import SoundFeatures
from ambikit_models.sound.stereo_scene import stereo_as_scene

__all__ = [
    "AlignmentGuide",
    "CorrespondenceGuide",
    "Guide",
    "ImageNetGuide",
    "SideBySide",
    "Sight",
    "guide_of",
]

#: Pictures alone, or pictures together with the sound that is given.
Sight = Literal["video", "both"]

Video = Float[Tensor, "clips 3 frames rows columns"]
Sound = Float[Tensor, "clips channels time"]
Told = Float[Tensor, "clips width steps"]


@runtime_checkable
class Guide(Protocol):
    """Any function of pictures and the given sound, one channel or two; it is called without gradients."""

    def __call__(self, video: Video, sound: Sound, /) -> Told:
        """Features that divide the time of the clip evenly."""
        ...


class _Still(nn.Module):
    """In evaluation mode, whatever happens around it."""

    def train(self, mode: bool = True) -> Any:
        return super().train(False)


class CorrespondenceGuide(_Still):
    """The features of a network that tells left from right, or was taught another kind of correspondence.

    Parameters
    ----------
    network
        With ``see``, ``hear`` and ``fuse``.
    sound
        How it hears.
    senses
        ``"video"``: what it sees in every picture, as for upmixing in yang2020, section 5.2; ``"both"``: what it makes
        of picture and sound together, as for separation in section 5.3.
    """

    def __init__(self, network: CorrespondenceNetwork, sound: SoundFeatures, senses: Sight):
        super().__init__()
        self.network, self.sound, self.senses = network, sound, senses
        self.train(False)

    def forward(self, video: Video, sound: Sound) -> Told:
        """See, or see and hear."""
        seen = self.network.see(video)
        if self.senses == "video":
            return seen
        return self.network.fuse(seen, self.network.hear(features_of_ears(self.sound, sound), video.shape[2]))


class AlignmentGuide(_Still):
    """The maps of the video encoder of an aligning model, flattened over place and not pooled, moment by moment.

    With ``"both"`` the embedding of the sound stands beside them.

    Parameters
    ----------
    model
        Of the alignment family.
    sound
        How it hears.
    senses
        Whether the sound is heard.
    """

    def __init__(self, model: AlignmentModel, sound: SoundFeatures, senses: Sight):
        super().__init__()
        self.model, self.sound, self.senses = model, sound, senses
        self.train(False)

    def forward(self, video: Video, sound: Sound) -> Told:
        """See, or see and hear."""
        maps: Tensor = self.model.video_encoder.maps(video)  # pyright: ignore[reportCallIssue]
        seen = maps.transpose(1, 2).flatten(2).transpose(1, 2)
        if self.senses == "video":
            return seen
        heard = self.model.embed_audio(features_of_ears(self.sound, sound)[:, None])[:, 0]
        return torch.cat([seen, heard[..., None].expand(-1, -1, seen.shape[-1])], 1)


class ImageNetGuide(_Still):
    """ResNet-18 supervised on ImageNet, picture by picture, flattened over place ("supervised").

    Raises
    ------
    FileError
        If torchvision has no copy of the weights; nothing is downloaded.
    """

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import ResNet18_Weights

        weights = ResNet18_Weights.IMAGENET1K_V1
        path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
        if not path.is_file():
            raise FileError(
                f"got no weights of ResNet-18 in {path.parent}; expected {path.name}; put the file of torchvision there"
            )
        self.trunk = ResNetPictures("IMAGENET1K_V1")
        self.train(False)

    def forward(self, video: Video, sound: Sound) -> Told:
        """See."""
        return self.trunk(video).transpose(1, 2).flatten(2).transpose(1, 2)


class SideBySide(_Still):
    """Several guides at once ("ours + supervised"); each step has the features of all at that time."""

    def __init__(self, *guides: nn.Module):
        super().__init__()
        if not guides:
            raise AmbikitError("got no guide; expected one or more")
        self.guides = nn.ModuleList(guides)
        self.train(False)

    def forward(self, video: Video, sound: Sound) -> Told:
        """Ask all."""
        told = [guide(video, sound) for guide in self.guides]
        steps = max(one.shape[-1] for one in told)
        return torch.cat([functional.interpolate(one, steps, mode="linear") for one in told], 1)


def guide_of(system: System, senses: Sight) -> CorrespondenceGuide | AlignmentGuide:
    """The guide that a system of either family makes."""
    model, sound = system.model, system.recipe.sound
    if isinstance(model, CorrespondenceNetwork):
        return CorrespondenceGuide(model, sound, senses)
    return AlignmentGuide(model, sound, senses)


def features_of_ears(features: SoundFeatures, sound: Sound) -> Float[Tensor, "clips features bands steps"]:
    """The features of a left and a right channel, which are no longer to be decoded; one channel is given to both."""
    coincident: Any = {"binaural": "stereo", "binaural_gcc": "stereo_gcc"}.get(features.format, features.format)
    features = replace(features, format=coincident)
    scene = stereo_as_scene(sound.expand(-1, 2, -1), features.pattern)
    front = torch.zeros((), dtype=scene.dtype, device=scene.device)
    return features.view(features.prepare(scene), front, front)
