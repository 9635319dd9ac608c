"""Does a network that was trained to find what is wrong with a sound find it in clips it has not seen?

Every clip is asked twice, with its own sound and with a changed one, and so are controls in which nothing can be right.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.batch import Batch, ClipSource
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.probing.engine import Figure, Tell, figures_of
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.statistics import Estimate, chance_probability
from ambikit_models.objectives.misalignment import Pretext
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.sound import SoundFeatures
from ambikit_models.training.config import Phase, TrainingConfig
from ambikit_models.training.pretexts import Misaligned
from ambikit_models.training.sampling import choose_viewpoints, generator_for

__all__ = ["CONTROLS", "Control", "PretextResult", "ask_pretext", "left_chance", "pretext_figures"]

#: ``none``. ``mirrored``: the pictures are mirrored without their sounds, so that of two sounds the other one is right.
#: ``silent``: silence is heard. ``mono``: what is the same in both channels is heard in both. ``another``: both sounds
#: are those of another clip.
Control = Literal["none", "mirrored", "silent", "mono", "another"]

#: The controls of each pretext.
CONTROLS: dict[Pretext, tuple[Control, ...]] = {
    "flip": get_args(Control),
    "rotation": ("none", "silent", "another"),
    "mismatch": ("none", "silent"),
    "shift": ("none", "silent", "another"),
}

_BLOCK = 32
#: probability below which a result is no chance
_SURE = 0.001


@dataclass(frozen=True)
class PretextResult:
    """What a network answered.

    Attributes
    ----------
    own, changed
        The logit that something is wrong of each clip, with its own sound and with the changed one.
    reversed
        Whether the changed sound is the right one.
    """

    own: np.ndarray
    changed: np.ndarray
    reversed: bool = False

    @property
    def correct(self) -> np.ndarray:
        """The share of right answers of each clip: 0, ½ or 1."""
        right, wrong = (self.changed, self.own) if self.reversed else (self.own, self.changed)
        return ((right <= 0).astype(float) + (wrong > 0)) / 2

    @property
    def chance(self) -> float:
        """The exact two-sided probability of the result if the changed sound seemed worse in half of the clips.

        Ties are split; where nothing is heard all are ties.
        """
        ties = int((self.own == self.changed).sum())
        wins = int((self.changed < self.own if self.reversed else self.changed > self.own).sum())
        return chance_probability(wins + ties // 2, len(self.own))


@torch.no_grad()
def ask_pretext(
    model: CorrespondenceNetwork,
    recipe: TrainingConfig,
    source: ClipSource,
    indices: np.ndarray,
    *,
    phase: Phase | None = None,
    controls: Sequence[Control] = ("none",),
    seed: int = 0,
    tell: Tell | None = None,
) -> dict[Control, PretextResult]:
    """Ask a network about clips, each with its own and with a changed sound from the same viewpoints.

    Parameters
    ----------
    model, recipe
        The network and what it was trained with.
    source, indices
        Clips.
    phase
        Which pretext and how many views; by default those of the last phase.
    controls
        Ask these: see :data:`Control`.
    seed
        Of viewpoints, moments and changes.
    tell
        Told about progress.
    """
    phase = phase or recipe.phases[-1]
    pretext = phase.pretext
    if pretext is None or len(indices) < 2:
        raise AmbikitError(
            f"got a phase of {phase.objective} and {len(indices)} clips; expected flip, rotation, mismatch or shift, "
            "and at least 2 clips"
        )
    if unknown := set(controls) - set(CONTROLS[pretext]):
        raise AmbikitError(f"got controls {sorted(unknown)} for {pretext}; expected some of {CONTROLS[pretext]}")
    model.eval()
    answers: dict[Control, list[np.ndarray]] = {control: [] for control in controls}
    blocks = np.array_split(np.asarray(indices), -(-len(indices) // _BLOCK))
    for number, rows in enumerate(blocks):
        if tell:
            tell(phase.objective, number, len(blocks), "asking")
        viewpoints = choose_viewpoints(recipe.viewpoints, phase.views, source, rows, generator_for(seed, 7, number))
        pair = [
            _load(pretext, recipe, phase, source, rows, viewpoints, np.full(len(rows), changed), seed, number)
            for changed in (False, True)
        ]
        for control in controls:
            heard = [_controlled(batch, control, recipe.sound, recipe.clip.duration) for batch in pair]
            answers[control].append(np.stack([_answers(model, batch) for batch in heard]))
    if tell:
        tell(phase.objective, len(blocks), len(blocks), "done")
    joined = {control: np.concatenate(parts, 1) for control, parts in answers.items()}
    return {control: PretextResult(*both, reversed=control == "mirrored") for control, both in joined.items()}


def pretext_figures(
    name: str,
    model: CorrespondenceNetwork,
    recipe: TrainingConfig,
    source: ClipSource,
    indices: np.ndarray,
    *,
    seed: int = 0,
    tell: Tell | None = None,
) -> list[Figure]:
    """Accuracies of a network and its controls, and the probability of each if it were chance."""
    pretext = recipe.phases[-1].pretext
    controls = () if pretext is None else CONTROLS[pretext]
    found = ask_pretext(model, recipe, source, indices, controls=controls, seed=seed, tell=tell)
    names = {control: pretext if control == "none" else f"{pretext}, {_WORDS[control]}" for control in controls}
    scores = MeanScores.of({names[c]: result.correct for c, result in found.items()}, np.arange(len(indices)))
    figures = figures_of(name, "both", "as trained", dict.fromkeys(names.values(), "%"), [scores])
    for control, result in found.items():
        p = result.chance
        figures.append(Figure(name, "both", "p of chance", str(names[control]), "1", (p,), Estimate(p, p, p)))
    return figures


def left_chance(figures: Sequence[Figure]) -> str:
    """How many networks do better than chance, in words."""
    asked = [f for f in figures if f.way == "p of chance" and "," not in f.name]
    accuracy = {f.subject: f.values[0] for f in figures if f.way == "as trained" and "," not in f.name}
    left = sum(f.values[0] < _SURE and accuracy[f.subject] > 0.5 for f in asked)
    return f"{left} of {len(asked)} left 50 % (exact binomial p < {_SURE})"


_WORDS = {
    "mirrored": "pictures mirrored",
    "silent": "silence",
    "mono": "both channels alike",
    "another": "another's sounds",
}


def _load(
    pretext: Pretext,
    recipe: TrainingConfig,
    phase: Phase,
    source: ClipSource,
    rows: np.ndarray,
    viewpoints: Viewpoints,
    misaligned: np.ndarray,
    seed: int,
    number: int,
) -> Batch:
    wrong = Misaligned.draw(
        pretext,
        generator_for(seed, 8, number),  # the same for both sounds
        source,
        rows,
        excerpt=recipe.clip.duration,
        turn=phase.turn,
        separation=phase.minimum_separation,
        misaligned=misaligned,
    )
    return wrong.load(source, rows, viewpoints, recipe.sound)


def _controlled(batch: Batch, control: Control, sound: SoundFeatures, duration: float) -> Batch:
    if control == "mirrored":
        return dataclasses.replace(batch, video=batch.video.flip(-1))
    if control == "silent":
        nothing = torch.zeros(4, round(duration * sound.sample_rate))
        silence = sound.view(sound.prepare(nothing), torch.tensor(0.0), torch.tensor(0.0))
        return dataclasses.replace(batch, audio=silence.to(batch.audio).expand(batch.audio.shape))
    if control == "mono":
        return dataclasses.replace(batch, audio=(batch.audio + sound.layout.mirror(batch.audio)) / 2)
    if control == "another":
        return dataclasses.replace(batch, audio=batch.audio.roll(1, 0))
    return batch


def _answers(model: CorrespondenceNetwork, batch: Batch) -> np.ndarray:
    device = next(model.parameters()).device
    video, audio = batch.video.flatten(0, 1).to(device), batch.audio.flatten(0, 1).to(device)
    logits: Tensor = model(video, audio)
    return logits.unflatten(0, (batch.clips, batch.views)).mean(1).numpy(force=True)
