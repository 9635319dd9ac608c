"""The one engine of all downstream tasks: a subject, a task, a way to learn it, some seeds; it returns figures."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import ClassVar, Literal, cast

import numpy as np
from torch import Tensor, nn

from ambikit.errors import AmbikitError
from ambikit_models.downstream.probing.examples import Examples, Part, Split, encode
from ambikit_models.downstream.probing.fine_tuning import TuningConfig, fine_tune
from ambikit_models.downstream.probing.heads import HeadConfig, fit_head
from ambikit_models.downstream.probing.losses import Classes, Loss
from ambikit_models.downstream.probing.scores import Scores
from ambikit_models.downstream.probing.statistics import Estimate, bootstrap, over_seeds
from ambikit_models.downstream.probing.subjects import Senses, Subject

__all__ = ["Figure", "Task", "Tell", "Way", "evaluate", "figures_of"]

#: A head on frozen embeddings, or a tuned encoder.
Way = HeadConfig | TuningConfig

#: Told a part, how much of it is done, of how much, and a few words.
Tell = Callable[[str, int, int, str], None]


class Task(ABC):
    """What is asked, of which examples, and how the answers are judged."""

    #: in tables
    name: ClassVar[str]
    #: "%" of right answers, more is better; "°" of error, less is better; "dB", more is better; "L1" of a distance,
    #: less is better; "1" for other scores
    units: ClassVar[dict[str, str]]
    #: what the subject may use
    senses: ClassVar[tuple[str, ...]]
    #: whose mean is made small
    loss: Loss = Classes()
    #: size of an answer
    outputs: int

    @abstractmethod
    def splits(self, subject: Subject) -> list[Split]:
        """The examples as the subject wants them, fold by fold."""

    @abstractmethod
    def score(self, answers: Tensor, test: Examples) -> Scores:
        """Judge the answers to the test examples of a fold, ``(examples, pieces, ..., outputs)``."""

    def encoder(self, subject: Subject, senses: str) -> nn.Module:
        """What embeds the examples."""
        return subject.encoder(cast(Senses, senses))

    def baselines(self, subject: Subject, splits: Sequence[Split]) -> dict[str, list[Tensor]]:
        """Answers of methods that learn nothing, fold by fold."""
        return {}


@dataclass(frozen=True)
class Figure:
    """One figure in a row of a table."""

    subject: str
    senses: str
    way: str
    """``"frozen"``, ``"tuned"``, …, or ``"–"`` where nothing is learned."""
    name: str
    unit: Literal["%", "°", "dB", "L1", "1"]
    values: tuple[float, ...]
    """One per seed."""
    interval: Estimate
    """The mean of the seeds; its interval is a bootstrap over the units and says nothing about seeds."""
    per_unit: tuple[float, ...] | None = field(default=None, repr=False)
    """The score of each unit, a mean over the seeds; for paired comparisons."""
    of_class: str | None = None
    """The class that it is about, if it is about a single one."""

    @property
    def seeds(self) -> Estimate:
        """The mean of the seeds, and its interval over them; it says nothing about the sampling of units."""
        return over_seeds(np.array(self.values))


def evaluate(
    task: Task,
    subject: Subject,
    ways: Mapping[str, Way],
    *,
    seeds: Sequence[int] = (0,),
    tell: Tell | None = None,
) -> list[Figure]:
    """Examine a subject.

    Parameters
    ----------
    task
        What is asked.
    subject
        Who is asked.
    ways
        How it may learn the task, by name: heads on frozen embeddings, tuned encoders.
    seeds
        Of heads, orders and variations; they are not those of the subject's own training.
    tell
        Told about progress.
    """
    splits = task.splits(subject)
    figures = []
    for name, answers in task.baselines(subject, splits).items():
        figures += figures_of(name, "audio", "–", task.units, [_judged(task, answers, splits)])
    for senses in task.senses:
        encoder = task.encoder(subject, senses)
        stored: dict[int, Tensor] = {}

        def say(epoch: int, epochs: int, loss: float, senses: str = senses) -> None:
            if tell:
                tell(f"{task.name}: tuning", epoch, epochs, f"{senses}, loss {loss:.3f}")

        for way, config in ways.items():
            scores = []
            for number, seed in enumerate(seeds):
                if tell:
                    tell(f"{task.name}: {subject.name}", number, len(seeds), f"{senses}, {way}")
                answers = [_answers(encoder, split, task, config, seed, stored, say) for split in splits]
                scores.append(_judged(task, answers, splits))
            if tell:
                tell(f"{task.name}: {subject.name}", len(seeds), len(seeds), f"{senses}, {way}")
            figures += figures_of(subject.name, senses, way, task.units, scores)
    return figures


def figures_of(
    subject: str, senses: str, way: str, units: Mapping[str, str], scores: Sequence[Scores], *, draws: int = 200
) -> list[Figure]:
    """The figures of scores with several seeds, with intervals over their units."""
    everything = np.arange(len(scores[0]))
    each = [score.figures(everything) for score in scores]
    per_unit = [score.per_unit() for score in scores]
    figures = []
    for name, unit in units.items():

        def statistic(rows: np.ndarray, name: str = name) -> float:
            return float(np.mean([score.figures(rows)[name] for score in scores]))

        parts = [found[name] for found in per_unit if name in found]
        figures.append(
            Figure(
                subject,
                senses,
                way,
                name,
                unit,  # pyright: ignore[reportArgumentType]
                tuple(found[name] for found in each),
                bootstrap(statistic, len(everything), draws=draws),
                tuple(np.mean(parts, 0).tolist()) if parts else None,
            )
        )
    return figures


def _judged(task: Task, answers: Sequence[Tensor], splits: Sequence[Split]) -> Scores:
    judged = [task.score(answer, split.test) for answer, split in zip(answers, splits, strict=True)]
    return reduce(lambda one, other: one.joined(other), judged)


def _answers(
    encoder: nn.Module,
    split: Split,
    task: Task,
    config: Way,
    seed: int,
    stored: dict[int, Tensor],
    report: Callable[[int, int, float], None],
) -> Tensor:
    if isinstance(config, HeadConfig):
        inputs = _embedded(encoder, split.train, stored)
        head = fit_head(inputs, split.train.targets, config, loss=task.loss, outputs=task.outputs, seed=seed)
        return head(_embedded(encoder, split.test, stored))
    if not any(True for _ in encoder.parameters()):
        raise AmbikitError("got an embedding from elsewhere to be tuned; expected frozen embeddings only for it")
    network = fine_tune(encoder, split.train, task.outputs, config, loss=task.loss, seed=seed, report=report)
    return encode(network, split.test, block=_block(split.test))


def _embedded(encoder: nn.Module, examples: Examples, stored: dict[int, Tensor]) -> Tensor:
    """The embeddings of examples; those of all folds of a set are made once."""
    whole = examples.whole if isinstance(examples, Part) else examples
    if id(whole) not in stored:
        stored[id(whole)] = encode(encoder, whole, block=_block(whole))
    return stored[id(whole)][examples.rows] if isinstance(examples, Part) else stored[id(whole)]


def _block(examples: Examples) -> int:
    return max(1, 64 // examples.targets.shape[1])
