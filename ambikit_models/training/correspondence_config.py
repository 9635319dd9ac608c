"""The declaration of a network that tells left from right."""

from dataclasses import dataclass
from typing import Literal

from ambikit.errors import AmbikitError
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.encoders.audio import Standardize
from ambikit_models.encoders.frame_pictures import (
    FramePictures,
    MixedConvolutionPictures,
    ResNetPictures,
    SmallPictures,
)
from ambikit_models.encoders.residual_audio import ResidualAudio
from ambikit_models.sound import SoundFeatures

__all__ = ["CorrespondenceConfig"]


@dataclass(frozen=True)
class CorrespondenceConfig:
    """The networks of yang2020 (section 4), for the objectives flip, rotation, mismatch and shift."""

    video: Literal["small", "resnet18", "mc3_18"] = "small"
    """What sees: three convolutions for small pictures, the paper's ResNet-18, picture by picture, or its MCx with
    convolutions over time ("Motion")."""
    video_weights: str | None = None
    """Weights of torchvision to begin with: IMAGENET1K_V1 for resnet18 ("pretrained on ImageNet"), KINETICS400_V1 for
    mc3_18; downloaded by torchvision."""
    audio: Literal["small", "residual"] = "small"
    """What hears: residual blocks with squeeze-and-excitation, of up to 64 channels or of up to 512."""
    mono: bool = False
    """Have a third stream that hears one channel, in which left and right are the same ("+Mono audio")."""
    grid: int = 4
    """Rows and columns of the features of a picture, which are flattened. small has an eighth of the pixels, resnet18 a
    32nd, 8 for 256 pixels, mc3_18 a 16th; more are averaged to this."""
    width: int = 64
    """Size of the vectors of picture, sound and both; 512 for the networks of the paper, which does not say."""

    def build(self, sound: SoundFeatures, frame_rate: float) -> CorrespondenceNetwork:
        """Make the network with random weights for the given sound features and pictures per second."""
        if min(self.grid, self.width) < 1:
            raise AmbikitError(f"got grid={self.grid} and width={self.width}; expected at least 1 of each")
        sizes = (16, 32, 64) if self.audio == "small" else (64, 128, 256, 512)
        levels = sound.layout.levels
        return CorrespondenceNetwork(
            FramePictures(self._trunk(), self.grid, self.width),
            ResidualAudio(sound.channels, sound.rows, sizes, self.width),
            # left and right alike, or their exchange would be heard in the statistics
            Standardize(sound.channels, sound.rows, shared=levels if levels == 2 else 0),
            mono_encoder=ResidualAudio(1, sound.rows, sizes, self.width) if self.mono else None,
            levels=levels,
            width=self.width,
            frames_per_column=frame_rate * sound.hop,
        )

    def _trunk(self) -> SmallPictures | ResNetPictures | MixedConvolutionPictures:
        if self.video == "small":
            if self.video_weights is not None:
                raise AmbikitError(
                    f"got video_weights={self.video_weights!r} for the video encoder 'small'; expected resnet18 or "
                    "mc3_18, which torchvision has weights for; set model.video"
                )
            return SmallPictures()
        kind = ResNetPictures if self.video == "resnet18" else MixedConvolutionPictures
        try:
            return kind(self.video_weights)
        except (KeyError, ValueError, OSError, RuntimeError) as error:  # no such weights, or no way to get them
            raise AmbikitError(
                f"got video_weights={self.video_weights!r}, which torchvision could not load ({error}); expected the "
                f"name of weights of its {self.video}; without a network put the file into the folder checkpoints of "
                "torch.hub.get_dir()"
            ) from None
