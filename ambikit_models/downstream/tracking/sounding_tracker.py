"""Boxes around what sounds, from a second of sound and a picture of another moment (yang2020, section 5.1)."""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.probing.examples import Inputs, encode
from ambikit_models.downstream.probing.fine_tuning import Frozen, TuningConfig, fit_network
from ambikit_models.downstream.probing.fitting import seeded
from ambikit_models.downstream.tracking.anchor_boxes import YoloLoss, anchors_of, boxes_of
from ambikit_models.downstream.tracking.box_scores import BoxScores
from ambikit_models.downstream.tracking.tracked_objects import TrackedObjects
from ambikit_models.sound import SoundFeatures

__all__ = ["Given", "SoundingTracker", "TrackerConfig", "fit_tracker", "score_boxes", "usual_box"]

#: of a factor of e in power
_DECIBELS = 10 / math.log(10)

#: What a tracker gets: sound in which left and right are the same, the sound, the picture, or sound and picture.
Given = Literal["mono", "stereo", "picture", "both"]


@dataclass(frozen=True)
class TrackerConfig:
    """How a tracker is built and trained; no figure of it is in the paper."""

    grid: int = 8
    """Rows and columns of cells, a power of 2 from 4 on."""
    anchors: int = 3
    """Usual shapes of boxes, learned from those to train on."""
    width: int = 64
    """Channels of the deconvolutions at the end; each before has twice as many, up to 8 times."""
    steps: int = 6
    """Stretches in which the sound is embedded."""
    training: TuningConfig = field(default_factory=lambda: TuningConfig(epochs=20, batch=32, weight_decay=1e-4))
    """How it is trained."""

    def __post_init__(self) -> None:
        if self.grid < 4 or self.grid & (self.grid - 1) or min(self.anchors, self.width, self.steps) < 1:
            raise AmbikitError(f"got {self}; expected a grid of 4, 8, 16, … cells and positive numbers")


class SoundingTracker(nn.Module):
    """The features of sound and picture side by side, one vector, and deconvolutions from it to a grid of boxes
    (figure 3b).

    Parameters
    ----------
    senses
        From :class:`Inputs` to features, ``(examples, width)`` each.
    widths
        Their widths.
    anchors
        Widths and heights of the usual boxes.
    config
        How large it is.
    """

    def __init__(
        self,
        senses: list[nn.Module],
        widths: list[int],
        anchors: Float[Tensor, "anchors 2"],
        config: TrackerConfig,
    ):
        super().__init__()
        self.senses = nn.ModuleList(senses)
        self.register_buffer("anchors", anchors)
        doublings = (config.grid // 4).bit_length() - 1
        sizes = [config.width * 2 ** min(3, doublings - i) for i in range(doublings + 1)]
        layers = _deconvolution(sum(widths), sizes[0], stride=1, padding=0)
        for inputs, outputs in pairwise(sizes):
            layers += _deconvolution(inputs, outputs, stride=2, padding=1)
        self.deconvolutions = nn.Sequential(*layers, nn.Conv2d(sizes[-1], 5 * len(anchors), 1))

    def forward(self, inputs: Inputs) -> Float[Tensor, "examples rows columns anchors 5"]:
        """Answer for every cell and shape, see :func:`~ambikit_models.downstream.tracking.anchor_boxes.boxes_of`."""
        vector = torch.cat([sense(inputs) for sense in self.senses], 1)
        cells = self.deconvolutions(vector[..., None, None])
        return cells.permute(0, 2, 3, 1).unflatten(-1, (-1, 5))


def fit_tracker(
    network: CorrespondenceNetwork,
    sound: SoundFeatures,
    given: Given,
    train: TrackedObjects,
    config: TrackerConfig,
    *,
    frozen: bool = False,
    seed: int = 0,
    report: Callable[[int, int, float], None] | None = None,
) -> SoundingTracker:
    """Train a tracker that begins with copies of the networks that see and hear.

    Parameters
    ----------
    network
        Whose copies are tuned; it is left as it was.
    sound
        What it hears.
    given
        What the tracker gets.
    train
        Examples, which vary where they can.
    config
        How it is built and trained.
    frozen
        Whether the networks that see and hear stay as they are.
    seed
        Of the deconvolutions, the order and the variation.
    report
        Told epochs done, epochs of all and the mean loss after every epoch.
    """
    device = next(network.parameters()).device
    parts: list[nn.Module] = []
    if given != "picture":
        parts.append(_Hearing(copy.deepcopy(network), config.steps, sound if given == "mono" else None))
    if given in ("picture", "both"):
        parts.append(_Seeing(copy.deepcopy(network)))
    first = train.inputs(np.arange(1)).to(device)
    with torch.no_grad():
        widths = [part.eval()(first).shape[1] for part in parts]
    sizes = train.targets[..., 2:].flatten(0, -2)
    anchors = torch.from_numpy(anchors_of(sizes[sizes.isfinite().all(-1)].numpy(), config.anchors)).float()
    with seeded(seed, device):
        made = SoundingTracker([Frozen(part) for part in parts] if frozen else parts, widths, anchors, config)
        made.to(device)
        rate = config.training.learning_rate
        rates = [
            {"params": made.deconvolutions.parameters()},
            {"params": made.senses.parameters(), "lr": rate * config.training.encoder_rate},
        ]
        fit_network(made, train, config.training, loss=YoloLoss(anchors), seed=seed, rates=rates, report=report)
    return made


def score_boxes(tracker: SoundingTracker, test: TrackedObjects) -> BoxScores:
    """Find boxes and judge them."""
    boxes, sure = boxes_of(encode(tracker, test, block=32), tracker.anchors.cpu())
    return BoxScores.of(boxes.flatten(1, -2), sure.flatten(1), test.targets, test.groups)


def usual_box(train: TrackedObjects, test: TrackedObjects) -> BoxScores:
    """The scores of one box for all pictures: the mean of those to learn from. What needs neither ears nor eyes."""
    known = train.targets.flatten(0, -2)
    mean = known[known.isfinite().all(-1)].mean(0)
    boxes = mean.expand(len(test), 1, 4)
    return BoxScores.of(boxes, torch.ones(len(test), 1), test.targets, test.groups)


class _Hearing(nn.Module):
    """What is heard in each stretch, side by side; without left and right where ``mono`` says which features these are.

    What is the same in a mirror is left: the mean power of levels and of their mirror image, the mean of all else.
    """

    def __init__(self, network: CorrespondenceNetwork, steps: int, mono: SoundFeatures | None):
        super().__init__()
        self.network, self.steps, self.mono = network, steps, mono

    def forward(self, inputs: Inputs) -> Tensor:
        assert inputs.audio is not None
        audio = inputs.audio[:, 0]
        if self.mono is not None:
            layout = self.mono.layout
            mirrored, levels = layout.mirror(audio), layout.levels
            both = torch.stack([audio[:, :levels], mirrored[:, :levels]])
            power = (both / _DECIBELS).logsumexp(0) - math.log(2)
            audio = torch.cat([power * _DECIBELS, (audio[:, levels:] + mirrored[:, levels:]) / 2], 1)
        return self.network.hear(audio, self.steps).flatten(1)


class _Seeing(nn.Module):
    """What is seen in the picture."""

    def __init__(self, network: CorrespondenceNetwork):
        super().__init__()
        self.network = network

    def forward(self, inputs: Inputs) -> Tensor:
        assert inputs.video is not None
        return self.network.see(inputs.video[:, 0]).flatten(1)


def _deconvolution(inputs: int, outputs: int, *, stride: int, padding: int) -> list[nn.Module]:
    layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=stride, padding=padding, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]
