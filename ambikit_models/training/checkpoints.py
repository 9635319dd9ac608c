"""Checkpoints: weights, recipe and optimiser state in one folder, written atomically, loaded without unpickling.

A checkpoint is a folder ``step-000400`` with ``weights.safetensors``, ``recipe.json`` and
``optimizer.safetensors``. It is written under another name and renamed when complete and on the disk, so a folder of
that name is always whole, and a failed save leaves the one before it untouched.
"""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import ambikit
from ambikit.errors import AmbikitError, FileError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.pretrained import pretrained_names, pretrained_path
from ambikit_models.training.config import TrainingConfig, from_mapping, to_mapping

__all__ = [
    "drop_old_checkpoints",
    "latest_checkpoint",
    "load_correspondence",
    "load_model",
    "load_network",
    "load_precision",
    "load_recipe",
    "make_folder",
    "resume",
    "save_checkpoint",
    "start_from",
]

_FORMAT = 1
_CONVENTIONS = "AmbiX (ACN, SN3D); azimuth counter-clockwise; aligned features; x front, y left, z up"
_KEPT = 2


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    config: TrainingConfig,
    step: int,
    clips: str = "",
    precision: dict[str, Any] | None = None,
) -> Path:
    """Save a checkpoint below ``folder`` and drop all but the newest ones; returns its path.

    ``clips`` is a word for the set of clips that was trained on, ``precision`` what the precision remembers: of
    float16 the scale of the loss.
    """
    target = folder / f"step-{step:06d}"
    partial = folder / f".{target.name}.partial"
    recipe = {
        "format": _FORMAT,
        "ambikit": ambikit.__version__,
        "conventions": _CONVENTIONS,
        "step": step,
        "clips": clips,
        "precision": precision or {},
        "config": to_mapping(config),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, partial / "weights.safetensors")
        if optimizer is not None:
            save_file(_optimizer_tensors(optimizer), partial / "optimizer.safetensors")
        (partial / "recipe.json").write_text(json.dumps(recipe, indent=1), encoding="utf-8")
        for path in (*partial.iterdir(), partial):
            _to_disk(path)
        if target.exists():
            shutil.rmtree(target)
        os.replace(partial, target)
        _to_disk(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise FileError(
            f"could not save the checkpoint {target}: {error}; earlier checkpoints are untouched; "
            "free some space or choose another output folder, then resume"
        ) from error
    drop_old_checkpoints(folder)
    return target


def drop_old_checkpoints(folder: Path) -> None:
    """Keep the newest checkpoints, and remove what a killed run left half written or half removed."""
    kept = _checkpoints(folder)[-_KEPT:]
    numbered = [path for path in folder.glob("step-*") if path.name[5:].isdecimal()]
    for old in (*numbered, *folder.glob(".step-*.partial")):
        if old not in kept:
            shutil.rmtree(old, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make an output folder, or say why it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"got the output folder {folder}, which cannot be made ({error}); expected a folder, new or old, in a "
            "writable place; choose another"
        ) from None


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint below ``folder``, or None."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def load_recipe(checkpoint: Path) -> tuple[TrainingConfig, int]:
    """The configuration and the step of a checkpoint."""
    path = checkpoint / "recipe.json"
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(
            f"got {checkpoint}, whose recipe cannot be read ({error}); expected a folder written by training, with "
            "weights.safetensors and recipe.json; pass the run's checkpoints/step-… folder, or one of "
            f"{', '.join(pretrained_names())}, which come with the package"
        ) from None
    if recipe.get("format") != _FORMAT:
        raise FileError(
            f"got a checkpoint of format {recipe.get('format')!r} in {checkpoint}; expected format {_FORMAT}; "
            f"load it with the ambikit that wrote it ({recipe.get('ambikit', 'unknown')})"
        )
    return from_mapping(TrainingConfig, recipe["config"], f"recipe of {checkpoint.name}"), recipe["step"]


def load_network(checkpoint: str | Path) -> tuple[AlignmentModel | CorrespondenceNetwork, TrainingConfig]:
    """Build the model that a checkpoint describes and fill in its weights, ready for evaluation.

    Parameters
    ----------
    checkpoint
        A checkpoint folder, the output folder of a run, whose newest checkpoint is taken, or the name of a model that
        comes with the package.
    """
    bundled = str(checkpoint) in pretrained_names() and not Path(checkpoint).exists()
    return _load(pretrained_path(str(checkpoint)) if bundled else Path(checkpoint))


def load_model(checkpoint: str | Path) -> tuple[AlignmentModel, TrainingConfig]:
    """The same for a model that embeds pictures and sounds to compare them."""
    model, config = load_network(checkpoint)
    if not isinstance(model, AlignmentModel):
        raise AmbikitError(
            f"got {checkpoint}, a model that tells whether a sound fits; expected one that embeds pictures and sounds "
            "to compare them; open it with load_correspondence"
        )
    return model, config


def load_correspondence(checkpoint: str | Path) -> tuple[CorrespondenceNetwork, TrainingConfig]:
    """The same for a network that tells left from right."""
    model, config = load_network(checkpoint)
    if not isinstance(model, CorrespondenceNetwork):
        raise AmbikitError(
            f"got {checkpoint}, a model that embeds pictures and sounds to be compared; expected one that was trained "
            "on flip, rotation, mismatch or shift; open it with load_model"
        )
    return model, config


def start_from(checkpoint: str | Path, model: nn.Module, config: TrainingConfig) -> None:
    """Give a model the weights, and the statistics of its features, of a training with the same networks and sound."""
    folder = _newest(Path(checkpoint))
    saved, _ = load_recipe(folder)
    parts = [{"model": to_mapping(c.model), "sound": to_mapping(c.sound)} for c in (saved, config)]
    for part in parts:
        part["model"].pop("video_weights", None)
    if different := _differences(*parts):
        raise AmbikitError(
            f"got start={str(checkpoint)!r}, of another recipe: {'; '.join(different)}; expected the same networks and "
            "features; change the recipe, or begin with random weights"
        )
    _fill(model, folder)


def load_precision(checkpoint: Path) -> dict[str, Any]:
    """What the precision remembered when a checkpoint was made; empty where there is nothing to remember."""
    return json.loads((checkpoint / "recipe.json").read_text(encoding="utf-8")).get("precision", {})


def resume(
    checkpoint: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    config: TrainingConfig,
    *,
    clips: str = "",
) -> None:
    """Bring model and optimiser to the state of a checkpoint made with the same configuration and clips."""
    saved, _ = load_recipe(checkpoint)
    before = json.loads((checkpoint / "recipe.json").read_text(encoding="utf-8")).get("clips", "")
    if before != clips:
        raise AmbikitError(
            f"got other clips than those of {checkpoint}; expected the same set; train on other clips in another "
            "output folder"
        )
    different = _differences(to_mapping(saved), to_mapping(config))
    if different:
        raise AmbikitError(
            f"got a checkpoint of another recipe, {checkpoint}: {'; '.join(different)}; expected the same "
            "configuration; train into another output folder, or load it with load_model"
        )
    _fill(model, checkpoint)
    if optimizer is not None:
        _restore_optimizer(optimizer, _read(checkpoint / "optimizer.safetensors"))


def _load(folder: Path) -> tuple[AlignmentModel | CorrespondenceNetwork, TrainingConfig]:
    folder = _newest(folder)
    config, _ = load_recipe(folder)
    # all weights are in the checkpoint
    model = replace(config, model=replace(config.model, video_weights=None)).build_model()
    _fill(model, folder)
    return model.eval(), config


def _newest(folder: Path) -> Path:
    """The newest checkpoint of a run, or the folder itself if it is one."""
    if (folder / "recipe.json").exists():
        return folder
    return latest_checkpoint(folder / "checkpoints") or latest_checkpoint(folder) or folder


def _checkpoints(folder: Path) -> list[Path]:
    found = [p for p in folder.glob("step-*") if (p / "recipe.json").exists() and p.name[5:].isdecimal()]
    return sorted(found, key=lambda p: int(p.name[5:]))


def _to_disk(path: Path) -> None:
    """Have a file or the names in a folder written through, so that they survive a power cut."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise FileError(
            f"could not read {path}: {error}; expected a complete safetensors file; remove this checkpoint and "
            "use the one before it"
        ) from None


def _fill(model: nn.Module, checkpoint: Path) -> None:
    weights = _read(checkpoint / "weights.safetensors")
    own = model.state_dict()
    wrong = sorted(set(own) ^ set(weights)) or [k for k in own if own[k].shape != weights[k].shape]
    if wrong:
        raise FileError(
            f"got weights in {checkpoint} that do not fit the model of their recipe, e.g. {wrong[0]!r}; "
            "expected the same names and shapes; the folder was put together from two runs"
        )
    model.load_state_dict(weights)


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    tensors = {f"{i}.{name}": value for i, values in state.items() for name, value in values.items()}
    return {name: value.contiguous() for name, value in tensors.items() if value is not None}  # SGD without momentum


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _differences(saved: Any, given: Any, where: str = "") -> list[str]:
    """The places where two mappings differ, in words."""
    if isinstance(saved, dict) and isinstance(given, dict):
        keys = [*saved, *(k for k in given if k not in saved)]
        return [d for k in keys for d in _differences(saved.get(k), given.get(k), f"{where}.{k}".lstrip("."))]
    if isinstance(saved, list) and isinstance(given, list) and len(saved) == len(given):
        return [d for i, (s, g) in enumerate(zip(saved, given)) for d in _differences(s, g, f"{where}[{i}]")]
    return [] if saved == given else [f"{where} is {given!r}, the checkpoint has {saved!r}"]
