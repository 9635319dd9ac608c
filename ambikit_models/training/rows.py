"""The rows of the papers' tables: what to train, what to examine it on, and what was reported."""

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import yaml

from ambikit.errors import AmbikitError
from ambikit_models.presets import preset_path
from ambikit_models.training.config import TrainingConfig, from_mapping, load_yaml
from ambikit_models.training.overrides import override

__all__ = ["Row", "published_row", "published_rows"]


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Examples
    --------
    >>> row = published_row("morgado2020-s3d-hard")
    >>> row.table, row.reported["AVSA-Bin, 4 views"], row.training().phases[0].candidates
    ('S3d', 77.71, 'own_views')
    """

    name: str
    """Short and unique."""
    paper: str
    """Who reports it."""
    table: str
    """In which table; those of a supplement begin with S."""
    row: str
    """Its words there."""
    tasks: dict[str, list[str]]
    """What ``ambikit-models evaluate`` examines it on, and the ways of learning that the figures are of."""
    recipe: str | None = None
    """The recipe; None for a system that is not ours."""
    set: tuple[str, ...] = ()
    """Changes of the recipe, as for ``ambikit-models train --set``."""
    trained: bool = True
    """Whether there is a training before the evaluation; else the networks are examined as they begin."""
    world: tuple[str, ...] = ()
    """Changes of the synthetic world that it needs there, as for ``ambikit-models train --world-set``."""
    note: str = ""
    """What the paper leaves open, and how it is read here."""
    reported: dict[str, float] = field(default_factory=dict)
    """The paper's figures in percent, as far as its text has them."""

    def training(self) -> TrainingConfig:
        """The configuration that the row is trained with."""
        if self.recipe is None:
            raise AmbikitError(
                f"got the row {self.name}, whose system is not ours to train; expected another; {self.note}"
            )
        return override(load_yaml(TrainingConfig, preset_path("recipes", self.recipe)), self.set)


@lru_cache(maxsize=1)
def published_rows() -> tuple[Row, ...]:
    """All rows, in the order of the papers."""
    text = (files("ambikit_models.presets") / "rows.yaml").read_text(encoding="utf-8")
    return from_mapping(tuple[Row, ...], yaml.safe_load(text), "rows.yaml")


def published_row(name: str) -> Row:
    """The row of that name."""
    rows = {row.name: row for row in published_rows()}
    if name not in rows:
        raise AmbikitError(f"got the row {name!r}; expected one of {', '.join(rows)}")
    return rows[name]
