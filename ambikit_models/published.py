"""Weights that were trained with the published code of morgado2020, brought into our networks.

The repository pedro-morgado/AVSpatialAlignment has no licence, so nothing of it is here: only the names under which its
checkpoints keep their tensors, and what each of them is. It has no weights to download from us either; bring the file.
"""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ambikit.errors import FileError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.hub import Pretrained
from ambikit_models.presets import preset_path
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import TrainingConfig, load_yaml
from ambikit_models.training.overrides import override

__all__ = ["import_published"]

_FORMATS = {1: "mono", 2: "stereo", 4: "foa_log_mel"}
_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
#: theirs to ours: within a block of the video encoder, within one of the translations, and the heads
_VIDEO_BLOCK = {
    "spt_conv1": ("first.0", ("weight",)),
    "spt_bn1": ("first.1", _NORM),
    "tmp_conv1": ("first.3", ("weight",)),
    "tmp_bn1": ("first.4", _NORM),
    "spt_conv2": ("second.0", ("weight",)),
    "spt_bn2": ("second.1", _NORM),
    "tmp_conv2": ("second.3", ("weight",)),
    "out_bn": ("norm", _NORM),
    "res_conv": ("past", ("weight",)),
}
_TRANSLATION_BLOCK = {
    "attention.query": "query",
    "attention.key": "key",
    "attention.value": "value",
    "attention.dense": "output",
    "attention_norm": "attention_norm",
    "dense.0": "feed_forward.0",
    "dense.2": "feed_forward.2",
    "dense_norm": "feed_forward_norm",
}
_HEADS = {
    "video_head.projection.0": "video_head",
    "audio_head.projection.0": "audio_head",
    "video_pred_head.projection.0": "predicted_video_head",
    "audio_pred_head.projection.0": "predicted_audio_head",
    # of a checkpoint of correspondence
    "video_projection.projection.0": "video_head",
    "audio_projection.projection.0": "audio_head",
}


def import_published(
    path: str | Path, *, statistics: str | Path | None = None, output: str | Path | None = None
) -> Pretrained:
    """Load a checkpoint of the published code of morgado2020 (``checkpoint.pth.tar``) into our networks.

    Nothing in the file is executed: it is read as tensors and plain values. Encoders, translations and heads are taken
    over, the state of the optimiser is not. A checkpoint of correspondence has no translations; they stay random.

    Parameters
    ----------
    path
        The file.
    statistics
        The ``.npz`` of that repository with ``mean`` and ``std`` of its log-mel levels, 128 values each, for all
        channels. Its checkpoints do not hold them, and its networks expect levels that are standardised with them.
    output
        Also write the model there, as a training would have, so that ``ambikit-models evaluate`` can examine it.

    Returns
    -------
    The model in evaluation mode, with the recipe ``morgado2020_code`` for as many channels as it has.

    Raises
    ------
    FileError
        If the file cannot be read without executing what it says, or if its tensors do not fit; the first that is
        missing, left over or of another shape is named.
    """
    saved = _read(Path(path))
    theirs = {f"model.{name}": value for name, value in _tensors(saved, "model", path).items()}
    theirs |= {f"criterion.{name}": value for name, value in saved.get("train_criterion", {}).items()}
    first = theirs.get("model.audio_model.conv1.0.weight")
    channels = 0 if first is None or first.ndim != 4 else first.shape[1]
    if channels not in _FORMATS:
        raise FileError(
            f"got {path}, whose audio encoder has {channels} channels; expected 1, 2 or 4, the first convolution being "
            "named audio_model.conv1.0.weight; give a checkpoint of main-video-ssl.py"
        )
    recipe = load_yaml(TrainingConfig, preset_path("recipes", "morgado2020_code"))
    depth = len({name.split(".")[5] for name in theirs if "v2a_transformer.transformer" in name})
    predicts = any("video_pred_head" in name for name in theirs)
    settings = (f"sound.format={_FORMATS[channels]}", *([f"model.translation_depth={depth}"] if predicts else []))
    recipe = override(recipe, settings)
    model = recipe.model.build(recipe.sound)
    _fill(model, theirs, str(path))
    if statistics is not None:
        _standardize(model, Path(statistics))
    if output is not None:
        save_checkpoint(Path(output) / "checkpoints", model, None, recipe, recipe.steps)
    return Pretrained(model.eval(), recipe)


def _read(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        raise FileError(
            f"could not read {path} as tensors and plain values ({reason}); expected a checkpoint of torch.save; "
            "nothing in it is executed, so that one with objects of its own cannot be read"
        ) from None
    if not isinstance(saved, dict):
        raise FileError(f"got {path} with a {type(saved).__name__}; expected a dictionary with the entry 'model'")
    return saved


def _tensors(saved: dict[str, Any], entry: str, path: Any) -> dict[str, Tensor]:
    """The entry of a checkpoint, without what a wrapper for several devices has put before the names."""
    found = saved.get(entry)
    if not isinstance(found, dict):
        raise FileError(f"got {path} with the entries {sorted(map(str, saved))}; expected one named {entry!r}")
    return {name.removeprefix("module."): value for name, value in found.items()}


def _fill(model: AlignmentModel, theirs: dict[str, Tensor], path: str) -> None:
    ours, used = model.state_dict(), set()
    for name, target in _names(model):
        if name not in theirs:
            continue
        # their spectrograms are (time, mel), ours (mel, time)
        turned = target.startswith("audio_encoder") and theirs[name].ndim == 4
        value = theirs[name].mT if turned else theirs[name]
        if value.shape != ours[target].shape:
            raise FileError(
                f"got {path} with {name} of shape {tuple(value.shape)}; expected {tuple(ours[target].shape)}; only the "
                "networks of the paper fit: R2Plus1D of depth 18, Conv2D of depth 10, transformers with one head"
            )
        ours[target] = value
        used.add((name, target))
    missing = [n for n, target in _names(model) if target.split(".")[0].endswith("encoder") and (n, target) not in used]
    left = sorted(set(theirs) - {name for name, _ in used})
    if missing or left:
        words = f"without {missing[0]}" if missing else f"with {left[0]}, of which we know nothing"
        raise FileError(
            f"got {path} {words} ({len(missing)} missing, {len(left)} left over); expected the names of "
            "Cur-Loc4-TransfD2 or InstDisc; other systems of that repository have parts that we have not"
        )
    model.load_state_dict(ours)


def _names(model: AlignmentModel) -> Iterator[tuple[str, str]]:
    """Pairs of their names and ours."""
    for kind, ours in (("video", "stem"), ("audio", "layers.0")):
        yield f"model.{kind}_model.conv1.0.weight", f"{kind}_encoder.{ours}.0.weight"
        for part in _NORM:
            yield f"model.{kind}_model.conv1.1.{part}", f"{kind}_encoder.{ours}.1.{part}"
    own = model.state_dict()
    for block in range(8):
        before = f"model.video_model.conv{2 + block // 2}x.{block % 2}"
        for theirs, (ours, parts) in _VIDEO_BLOCK.items():
            for part in parts:
                if (target := f"video_encoder.blocks.{block}.{ours}.{part}") in own:
                    yield f"{before}.{theirs}.{part}", target
    for layer in range(8):
        before, number = f"model.audio_model.block{1 + layer // 2}", 1 + layer % 2
        yield f"{before}.conv{number}.weight", f"audio_encoder.layers.{1 + layer}.0.weight"
        for part in _NORM:
            yield f"{before}.bn{number}.{part}", f"audio_encoder.layers.{1 + layer}.1.{part}"
    for theirs, ours in (("v2a", "video_to_audio"), ("a2v", "audio_to_video")):
        blocks = len(getattr(model, ours).blocks)
        for block, (part, target), kind in (
            (b, pair, k) for b in range(blocks) for pair in _TRANSLATION_BLOCK.items() for k in ("weight", "bias")
        ):
            name = f"criterion.losses.0.{theirs}_transformer.transformer.{block}.{part}.{kind}"
            yield name, f"{ours}.blocks.{block}.{target}.{kind}"
    for theirs, ours in _HEADS.items():
        for kind in ("weight", "bias"):
            yield f"criterion.losses.0.{theirs}.{kind}", f"{ours}.{kind}"


def _standardize(model: AlignmentModel, path: Path) -> None:
    """Take over the statistics of 10 log₁₀ of magnitudes, which are half of our decibels."""
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, deviation = (torch.from_numpy(np.asarray(file[name], np.float32)) for name in ("mean", "std"))
    except (OSError, KeyError, ValueError) as error:
        raise FileError(f"could not read {path} ({error}); expected an .npz with mean and std") from None
    bands = model.standardize.mean.shape[1]
    if mean.shape != (bands,) or deviation.shape != (bands,):
        raise FileError(
            f"got {path} with mean and std of shapes {tuple(mean.shape)} and {tuple(deviation.shape)}; expected "
            f"({bands},), one per mel band; take the file for 24 kHz, 257 bins and 128 bands"
        )
    model.standardize.mean.copy_(2 * mean[:, None].expand_as(model.standardize.mean))
    # the published code divides by the deviation plus 1e-5: these are its numbers, not a guard of ours
    model.standardize.deviation.copy_(2 * (deviation + 1e-5)[:, None].expand_as(model.standardize.deviation))
