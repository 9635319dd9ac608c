"""Trained models that come with the package: weights, recipe and a card in a folder each."""

from importlib.resources import files
from pathlib import Path

__all__ = ["pretrained_names", "pretrained_path"]


def pretrained_names() -> list[str]:
    """The names of the models.

    Examples
    --------
    >>> pretrained_names()
    ['world-foaiv']
    """
    return sorted(p.name for p in files("ambikit_models.pretrained").iterdir() if (p / "recipe.json").is_file())


def pretrained_path(name: str) -> Path:
    """The folder of a model, which is a checkpoint."""
    return Path(str(files("ambikit_models.pretrained") / name))
