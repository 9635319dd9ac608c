"""AVC-Bin and AVSA-Bin: does this sound belong to these pictures, and does it come from where they show it?

The protocol of morgado2020, section 5.2: frozen encoders, one head per crop, the scores of a clip's crops
averaged. Every test clip is asked twice, once with the right sound and once with a wrong one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ambikit_models.downstream.probing.embeddings import Embedder, Embeddings
from ambikit_models.downstream.probing.heads import HeadConfig, fit_head
from ambikit_models.downstream.probing.statistics import Estimate, chance_probability, mean_over_scenes

__all__ = ["CONDITIONS", "BinaryResult", "BinaryTask", "evaluate_binary"]

#: ``avc``: own sound against another clip's. ``avsa``: own sound against the same, turned. ``shuffled``: the
#: control of avsa, in which both sounds come from another clip, so that nothing can be right.
BinaryTask = Literal["avc", "avsa", "shuffled"]

#: The sounds that each task calls right and wrong.
CONDITIONS = {"avc": ("own", "other"), "avsa": ("own", "own_turned"), "shuffled": ("other", "other_turned")}


@dataclass(frozen=True)
class BinaryResult:
    """The outcome of a binary task on the test clips.

    Attributes
    ----------
    accuracy
        For each number of viewpoints, the share of right answers.
    correct
        For each number of viewpoints, the share of right answers per test clip: 0, ½ or 1.
    chance
        For each number of viewpoints, the exact two-sided probability of the result if the right sound won
        against the wrong one in half of the clips (ties are split).
    """

    accuracy: dict[int, Estimate]
    correct: dict[int, np.ndarray]
    chance: dict[int, float]


def evaluate_binary(
    model: Embedder,
    train: list[Embeddings],
    test: Embeddings,
    task: BinaryTask,
    *,
    translated: bool = False,
    views: tuple[int, ...] = (1, 4),
    head: HeadConfig | None = None,
    seed: int = 0,
) -> BinaryResult:
    """Train a head on the embeddings of some clips and test it on others.

    Parameters
    ----------
    model
        Needed for its translation only.
    train
        Embeddings of the head's training clips, one entry per draw of viewpoints.
    test
        Embeddings of the test clips.
    task
        What is asked.
    translated
        Compare the sound with the sound that the translation predicts from all crops, instead of with the crop.
    views
        How many viewpoints are averaged in the test. The head is the same for all of them, trained on the crops of
        the largest number, so that more viewpoints do not also mean more training.
    """
    right, wrong = CONDITIONS[task]
    most = max(views)
    inputs, targets = [], []
    for embeddings in train:
        for condition, target in ((right, 1.0), (wrong, 0.0)):
            pairs = _pairs(model, embeddings, condition, most, translated).flatten(0, 1)
            inputs.append(pairs)
            targets.append(torch.full((len(pairs), 1), target))
    fitted = fit_head(torch.cat(inputs), torch.cat(targets), head or HeadConfig(), seed=seed)
    accuracy, correct, chance = {}, {}, {}
    for count in views:
        score_right = fitted(_pairs(model, test, right, count, translated)).mean((1, 2)).numpy()
        score_wrong = fitted(_pairs(model, test, wrong, count, translated)).mean((1, 2)).numpy()
        correct[count] = ((score_right > 0).astype(float) + (score_wrong <= 0)) / 2
        accuracy[count] = mean_over_scenes(correct[count])
        ties = score_right == score_wrong
        wins = int((score_right > score_wrong).sum() + ties.sum() // 2)
        chance[count] = chance_probability(wins, len(ties))
    return BinaryResult(accuracy, correct, chance)


@torch.no_grad()
def _pairs(model: Embedder, embeddings: Embeddings, condition: str, views: int, translated: bool) -> Tensor:
    """Concatenated features per crop, ``(clips, views, 2 · width)``."""
    video = embeddings.video[:, :views]
    if translated:
        device = next(model.parameters()).device
        video = model.video_to_audio(video.to(device)).cpu()
    return torch.cat([video, embeddings.audio[condition][:, :views]], dim=-1)
