"""The model that tells left from right: two encoders that keep place and time, a fusion of both, and one answer."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit_models.encoders.audio import Standardize
from ambikit_models.encoders.frame_pictures import FramePictures
from ambikit_models.encoders.residual_audio import ResidualAudio

__all__ = ["CorrespondenceNetwork"]

Video = Float[Tensor, "clips 3 frames height width"]
Audio = Float[Tensor, "clips channels rows time"]


class CorrespondenceNetwork(nn.Module):
    """Says whether something is wrong with the sound of some pictures (yang2020, section 4 and figure 3a).

    Picture by picture, the features of what is seen, flattened over place, and of what is heard at that time are put
    side by side; convolutions over time fuse them, and a linear layer answers from the mean over time.

    Parameters
    ----------
    video_encoder
        From pictures to one vector per picture.
    audio_encoder
        From sound features to as many vectors.
    standardize
        Statistics of the sound features, applied before the audio encoders.
    mono_encoder
        A third stream, with an audio encoder of its own that hears one channel, in which left and right are the same
        ("+Mono audio").
    levels
        How many of the channels are levels in dB, these come first; with two of them, left and right, what the third
        stream hears is the level of their mean power, else the first one.
    width
        Size of what the fusion gives.
    frames_per_column
        Pictures per column of the sound features, for sounds without pictures.
    """

    def __init__(
        self,
        video_encoder: FramePictures,
        audio_encoder: ResidualAudio,
        standardize: Standardize,
        *,
        mono_encoder: ResidualAudio | None = None,
        levels: int = 2,
        width: int = 512,
        frames_per_column: float = 0.06,
    ):
        super().__init__()
        self.video_encoder, self.audio_encoder, self.mono_encoder = video_encoder, audio_encoder, mono_encoder
        self.standardize = standardize
        self.levels, self.width, self.frames_per_column = levels, width, frames_per_column
        heard = audio_encoder.width + (0 if mono_encoder is None else mono_encoder.width)
        self.fusion = nn.Sequential(
            _convolution(video_encoder.width + heard, width, stride=1),
            _convolution(width, width, stride=2),
            _convolution(width, width, stride=2),
        )
        self.classifier = nn.Linear(width, 1)

    def see(self, video: Video) -> Float[Tensor, "clips seen frames"]:
        """One vector per picture, in which it stands where things are."""
        return self.video_encoder(video)

    def hear(self, audio: Audio, frames: int | None = None) -> Float[Tensor, "clips heard frames"]:
        """One vector for the time of each picture.

        Parameters
        ----------
        audio
            The features of the sound.
        frames
            How many pictures it lasts; by default as many as were shown in training in that time.
        """
        if frames is None:
            frames = max(1, round(audio.shape[-1] * self.frames_per_column))
        heard = self.audio_encoder(self.standardize(audio), frames)
        if self.mono_encoder is None:
            return heard
        mono = (self._mono(audio) - self.standardize.mean[:1]) / self.standardize.deviation[:1]
        return torch.cat([heard, self.mono_encoder(mono, frames)], 1)

    def fuse(
        self, seen: Float[Tensor, "clips seen frames"], heard: Float[Tensor, "clips heard frames"]
    ) -> Float[Tensor, "clips width fused"]:
        """Picture and sound together, at about a quarter of the rate."""
        return self.fusion(torch.cat([seen, heard], 1))

    def answer(self, fused: Float[Tensor, "clips width fused"]) -> Float[Tensor, "clips"]:
        """The logit that something is wrong."""
        return self.classifier(fused.mean(-1))[:, 0]

    def forward(self, video: Video, audio: Audio) -> Float[Tensor, "clips"]:
        """The logit that something is wrong with the sound of some pictures: above 0 for yes."""
        return self.answer(self.fuse(self.see(video), self.hear(audio, video.shape[2])))

    def embed_video(
        self, video: Float[Tensor, "clips views 3 frames height width"]
    ) -> Float[Tensor, "clips views seen"]:
        """One vector per view, the mean of those of its pictures: for tasks that ask what is seen."""
        return self.see(video.flatten(0, 1)).mean(-1).unflatten(0, video.shape[:2])

    def embed_audio(self, audio: Float[Tensor, "clips views channels rows time"]) -> Float[Tensor, "clips views heard"]:
        """One vector per view, the mean over time: for tasks that ask what is heard."""
        return self.hear(audio.flatten(0, 1)).mean(-1).unflatten(0, audio.shape[:2])

    def embed_audio_frames(
        self, audio: Float[Tensor, "clips views channels rows time"]
    ) -> Float[Tensor, "clips views steps heard"]:
        """One vector for the time of each picture that would have been shown in training."""
        return self.hear(audio.flatten(0, 1)).transpose(1, 2).unflatten(0, audio.shape[:2])

    def _mono(self, audio: Audio) -> Float[Tensor, "clips 1 rows time"]:
        """The level of both channels together."""
        if self.levels != 2:
            return audio[:, :1]
        highest = audio[:, :2].amax(1, keepdim=True)
        power = (10 ** ((audio[:, :2] - highest) / 10)).mean(1, keepdim=True)
        return highest + 10 * power.log10()


def _convolution(inputs: int, outputs: int, *, stride: int) -> nn.Sequential:
    layers: list[Any] = [nn.Conv1d(inputs, outputs, 3, stride=stride, padding=1, bias=False)]
    return nn.Sequential(*layers, nn.BatchNorm1d(outputs), nn.ReLU())
