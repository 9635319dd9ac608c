"""Studies (``studies/``) and the recipes of publications (``recipes/``) as YAML, by name."""

from importlib.resources import files
from pathlib import Path

from ambikit.errors import AmbikitError

__all__ = ["preset_names", "preset_path"]


def preset_names(kind: str) -> list[str]:
    """The names that come with the package, of ``"studies"`` or ``"recipes"``.

    Examples
    --------
    >>> "demo" in preset_names("studies"), "morgado2020" in preset_names("recipes")
    (True, True)
    """
    folder = files("ambikit_models.presets") / kind
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def preset_path(kind: str, name_or_path: str) -> Path:
    """Where a preset lies: one of the package by its name, or a YAML file of one's own by its path."""
    if name_or_path.endswith((".yaml", ".yml")):
        return Path(name_or_path)
    if name_or_path not in preset_names(kind):
        other = "recipes" if kind == "studies" else "studies"
        if name_or_path in preset_names(other):
            raise AmbikitError(
                f"got {name_or_path!r}, which is one of the {other}; expected one of the {kind} "
                f"({', '.join(preset_names(kind))}); run a study with: ambikit-models study NAME, and train a recipe "
                "on videos with: ambikit-models train DIR --recipe NAME"
            )
        raise AmbikitError(
            f"got preset {name_or_path!r}; expected one of {', '.join(preset_names(kind))}, or the path of a YAML file"
        )
    return Path(str(files("ambikit_models.presets") / kind / f"{name_or_path}.yaml"))
