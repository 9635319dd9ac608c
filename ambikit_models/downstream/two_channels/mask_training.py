"""How networks that mask sound are trained, judged and listened to.

A U-Net makes a mask from the spectrum that is given and from what it is told of the pictures. It is trained with the
one training loop of all downstream tasks; the encoders that tell it stay as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.fitting import FitConfig, fit, seeded
from ambikit_models.downstream.probing.guides import Guide
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.two_channels.clips import TwoChannelClips
from ambikit_models.downstream.two_channels.masked_sound import Given, MaskNetwork, MaskTask, Riddle, partners
from ambikit_models.downstream.two_channels.unet import UNetConfig
from ambikit_models.training.sampling import generator_for

__all__ = ["Pictures", "judge", "learn", "mask_figures", "write_sounds"]

#: Which pictures are shown in a test: those of the clip, black ones, or those of another clip.
Pictures = Literal["own", "black", "other"]
_WORDS = {"own": "", "black": ", black pictures", "other": ", pictures of another clip"}


def learn(
    task: MaskTask,
    guide: Guide | None,
    clips: TwoChannelClips,
    config: FitConfig,
    *,
    network: UNetConfig | None = None,
    varied: bool = True,
    seed: int = 0,
    device: str | torch.device = "cpu",
    report: Callable[[int, int, float], None] | None = None,
) -> MaskNetwork:
    """Train a U-Net.

    Parameters
    ----------
    task
        What it shall learn.
    guide
        What it is told; None: nothing.
    clips
        To learn from.
    config
        How it is trained.
    network
        How large it is.
    varied
        Whether clips are read with a generator: other stretches, places and partners in every epoch.
    seed
        Of weights, order and variation.
    device
        Where to compute. A guide that is a module must be there.
    report
        Told epochs done, epochs of all and the mean loss after every epoch.

    Returns
    -------
    In evaluation mode.
    """
    generators: dict[int, np.random.Generator] = {}

    def batch(rows: Tensor, epoch: int) -> tuple[Given, Tensor]:
        if epoch not in generators:
            generators.clear()
            generators[epoch] = generator_for(seed, 13, epoch)
        riddle = task.riddles(clips, rows.numpy(), generators[epoch] if varied else None)
        target = task.spectrogram.analyse(riddle.target.to(device))
        return _given(task, guide, riddle, device), target

    first = task.riddles(clips, np.arange(1), None)
    told = _told(guide, first, device)
    with seeded(seed, device):
        made = MaskNetwork(task, 0 if told is None else told.shape[1], network).to(device).train()
        fit(made, len(clips), batch, config, task.loss, seed=seed, fewest=2, report=report)
    return made.eval().requires_grad_(False)


@torch.no_grad()
def judge(
    task: MaskTask,
    network: MaskNetwork | str,
    guide: Guide | None,
    clips: TwoChannelClips,
    *,
    pictures: Pictures = "own",
    block: int = 16,
) -> MeanScores:
    """Score a network on clips, or one of the bounds of the task by its name.

    Parameters
    ----------
    task, network, guide, clips
        What is asked, who answers, what the answer is helped by, and of which clips.
    pictures
        What is shown.
    block
        Clips at a time.
    """
    found: list[dict[str, np.ndarray]] = []
    for start in range(0, len(clips), block):
        rows = np.arange(start, min(start + block, len(clips)))
        riddle = _shown(task.riddles(clips, rows, None), clips, rows, pictures)
        if isinstance(network, str):
            estimate = task.bounds(riddle)[network]
        else:
            estimate = network(_given(task, guide, riddle, next(network.parameters()).device)).cpu()
        found.append(task.scores(estimate, riddle))
    return MeanScores.of({name: np.concatenate([one[name] for one in found]) for name in found[0]}, clips.groups)


def mask_figures(
    task: MaskTask,
    guides: Mapping[str, Guide | None],
    train: TwoChannelClips,
    test: TwoChannelClips,
    config: FitConfig,
    *,
    network: UNetConfig | None = None,
    seeds: Sequence[int] = (0,),
    controls: Sequence[Pictures] = ("black", "other"),
    device: str | torch.device = "cpu",
    tell: Tell | None = None,
    keep: Callable[[str, int, MaskNetwork], Any] | None = None,
) -> list[Figure]:
    """The rows of a table: one per guide and seed, the first with its controls, and the bounds.

    Parameters
    ----------
    task
        What is asked.
    guides
        What the networks are told, by name; the first is compared with all others.
    train, test
        To learn from, and to be judged by.
    config, network
        How the U-Nets are trained, and how large they are.
    seeds
        Of the U-Nets; they are not those of the training of the guides.
    controls
        What the first is shown as well.
    device
        Where to compute.
    tell
        Told about progress.
    keep
        Told name, seed and network of every row as it is done.
    """
    if not guides or not seeds:
        raise AmbikitError(f"got {len(guides)} guides and {len(seeds)} seeds; expected one of each at least")
    figures: list[Figure] = []
    for name, guide in guides.items():
        shown: list[Pictures] = ["own", *(controls if guide is not None and not figures else ())]
        scores: dict[Pictures, list[MeanScores]] = {pictures: [] for pictures in shown}
        for number, seed in enumerate(seeds):

            def report(done: int, total: int, loss: float, words: str = f"seed {number + 1} of {len(seeds)}") -> None:
                if tell:
                    tell(f"{task.name}: {name}", done, total, f"{words}, loss {loss:.4f}")  # noqa: B023 - called at once

            made = learn(task, guide, train, config, network=network, seed=seed, device=device, report=report)
            for pictures in shown:
                scores[pictures].append(judge(task, made, guide, test, pictures=pictures))
            if keep:
                keep(name, seed, made)
        for pictures in shown:
            figures += figures_of(name + _WORDS[pictures], task.senses, "U-Net", task.units, scores[pictures])
    bounds = task.bounds(task.riddles(test, np.arange(1), None))
    for name in bounds:
        figures += figures_of(name, "–", "–", task.units, [judge(task, name, None, test)])
    return figures


@torch.no_grad()
def write_sounds(
    folder: Path,
    task: MaskTask,
    network: MaskNetwork,
    guide: Guide | None,
    clips: TwoChannelClips,
    rows: Sequence[int],
    *,
    name: str = "estimate",
) -> list[Path]:
    """Write what was given, what was asked for and what came out, to listen to: WAV files of the same level.

    Returns
    -------
    The files: three of each clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    riddle = task.riddles(clips, np.asarray(rows), None)
    spectrum = network(_given(task, guide, riddle, next(network.parameters()).device)).cpu()
    estimate = task.spectrogram.synthesise(spectrum, riddle.target.shape[-1])
    paths = []
    for number, row in enumerate(rows):
        # one channel is the sum of two: at each ear it is as loud as half of it
        given = riddle.given[number] / (3 - riddle.given.shape[1])
        for word, sound in (("given", given), ("target", riddle.target[number]), (name, estimate[number])):
            paths.append(folder / f"{row:04}-{word}.wav")
            ambikit.write(paths[-1], sound.expand(2, -1).numpy(), clips.pictures.sample_rate)
    return paths


def _shown(riddle: Riddle, clips: TwoChannelClips, rows: np.ndarray, pictures: Pictures) -> Riddle:
    if pictures == "own":
        return riddle
    if pictures == "black":
        video = torch.zeros_like(riddle.video)
    else:
        video, _ = clips.read(partners(clips, rows, None))
    return replace(riddle, video=video)


def _told(guide: Guide | None, riddle: Riddle, device: str | torch.device) -> Tensor | None:
    if guide is None:
        return None
    heard = riddle.given if riddle.gain is None else riddle.given / riddle.gain
    with torch.no_grad():
        return guide(riddle.video.to(device), heard.to(device)).detach()


def _given(task: MaskTask, guide: Guide | None, riddle: Riddle, device: str | torch.device) -> Given:
    return Given(task.spectrogram.analyse(riddle.given.to(device)), _told(guide, riddle, device))
