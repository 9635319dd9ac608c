"""Training of segmentation: a feature pyramid on the features of a model of the alignment family, or with it."""

import copy
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ambikit_models.alignment import AlignmentModel
from ambikit_models.downstream.probing.examples import Inputs, Varied
from ambikit_models.downstream.probing.fine_tuning import Frozen, fit_network
from ambikit_models.downstream.probing.fitting import FitConfig, seeded
from ambikit_models.downstream.probing.losses import Classes
from ambikit_models.downstream.probing.schedules import Cosine, MultiStep
from ambikit_models.downstream.segmentation.feature_pyramid import (
    PAPER_HEAD,
    SMALL_HEAD,
    FeaturePyramid,
    FeaturePyramidConfig,
)
from ambikit_models.downstream.segmentation.views import ViewConfig
from ambikit_models.training.colours import ColourJitter

__all__ = ["PAPER_SEGMENTATION", "WORLD_SEGMENTATION", "Beside", "SegmentationConfig", "train_segmentation"]

#: What is used beside the pictures of a view.
Beside = Literal["video", "video + audio", "video + audio + context"]


@dataclass(frozen=True)
class SegmentationConfig(FitConfig):
    """How segmentation is learned: by default as in supplementary A.2 of morgado2020."""

    epochs: int = 10
    batch: int = 20
    """Clips per step, four views each."""
    learning_rate: float = 1e-4
    weight_decay: float = 5e-4
    optimizer: Literal["adam", "adamw"] = "adam"
    schedule: Cosine | MultiStep = field(default_factory=lambda: MultiStep((5, 8)))
    head: FeaturePyramidConfig = PAPER_HEAD
    """The head."""
    views: ViewConfig = field(default_factory=lambda: ViewConfig(colours=ColourJitter(0.4, 0.4, 0.4, 0.2)))
    """Where views look and how they vary; the strengths of colours are those of the published code."""
    tuned: bool = False
    """Train encoders and translations too ("end-to-end")."""
    encoder_rate: float = 1.0
    """Learning rate of these as a share of that of the head."""

    def lasting(self, epochs: int) -> "SegmentationConfig":
        """The same with another number of epochs; decays move along."""
        schedule = self.schedule
        if isinstance(schedule, MultiStep):
            moved = tuple(max(1, round(m * epochs / self.epochs)) for m in schedule.milestones)
            schedule = replace(schedule, milestones=moved)
        return replace(self, epochs=epochs, schedule=schedule)


PAPER_SEGMENTATION = SegmentationConfig()

#: On the synthetic world, where colours tell classes and are not changed.
WORLD_SEGMENTATION = SegmentationConfig(
    epochs=20,
    batch=8,
    learning_rate=2e-3,
    weight_decay=1e-4,
    optimizer="adamw",
    schedule=Cosine(),
    head=SMALL_HEAD,
    views=ViewConfig(),
)


def train_segmentation(
    model: AlignmentModel,
    train: Varied,
    outputs: int,
    config: SegmentationConfig = PAPER_SEGMENTATION,
    beside: Beside = "video",
    *,
    seed: int = 0,
) -> nn.Module:
    """Train a head on a model's features, or a copy of the model with it; the model itself is left as it was.

    Returns
    -------
    Logits ``(examples, views, height, width, classes)`` from
    :class:`~ambikit_models.downstream.probing.examples.Inputs`, in evaluation mode.
    """
    encoder = _Encoder(copy.deepcopy(model), beside)
    device = next(model.parameters()).device
    shown, _ = train.pairs(np.arange(1))
    with torch.no_grad():
        stages, known = encoder.eval()(shown.to(device))
    shapes = [tuple(stage.shape[1:]) for stage in stages]
    extra = 0 if known is None else known.shape[-1]
    picture = tuple(shown.video.shape[-2:]) if shown.video is not None else None
    with seeded(seed, device):
        head = FeaturePyramid(shapes, outputs, config.head, extra=extra, picture=picture).to(device)  # pyright: ignore
        network = _Segmenter(encoder if config.tuned else Frozen(encoder), head)
        rates = [{"params": list(head.parameters())}]
        if config.tuned:
            rates.append({"params": list(encoder.parameters()), "lr": config.learning_rate * config.encoder_rate})
        return fit_network(network, train, config, loss=Classes(), seed=seed, rates=rates)


class _Encoder(nn.Module):
    """The stages of the pictures of all views, and what else is known of each view."""

    def __init__(self, model: AlignmentModel, beside: Beside):
        super().__init__()
        self.model, self.beside = model, beside

    def forward(self, inputs: Inputs) -> tuple[list[Tensor], Tensor | None]:
        model, video = self.model, inputs.video
        assert video is not None
        stages = model.video_encoder.stages(video.flatten(0, 1))
        if self.beside == "video":
            return stages, None
        audio = model.embed_audio(inputs.audio)
        known = [audio]
        if self.beside == "video + audio + context":
            seen = model.video_encoder.pooled(stages[-1]).unflatten(0, video.shape[:2])
            known += [model.video_to_audio(seen), model.audio_to_video(audio)]
        return stages, torch.cat(known, -1).flatten(0, 1)


class _Segmenter(nn.Module):
    def __init__(self, encoder: nn.Module, head: FeaturePyramid):
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, inputs: Inputs) -> Tensor:
        assert inputs.video is not None
        stages, known = self.encoder(inputs)
        return self.head(stages, known).unflatten(0, inputs.video.shape[:2])
