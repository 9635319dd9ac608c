"""The sounds of many scenes, rendered once and kept as their features need them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import FileError
from ambikit.files.replacing import replacing
from ambikit_models.sound import SoundFeatures
from ambikit_models.world.acoustics import render_sound
from ambikit_models.world.config import WorldConfig
from ambikit_models.world.scenes import scenes

__all__ = ["load_pool", "prepare_pool", "render_pool", "save_pool"]

_BLOCK = 64
_FORMAT = "ambikit world pool 1"


def render_pool(
    config: WorldConfig,
    seed: int,
    indices: np.ndarray,
    sound: SoundFeatures,
    *,
    workers: int = 2,
    device: str | torch.device = "cpu",
    progress: Callable[[int, int], Any] | None = None,
) -> Float[Tensor, "clips ..."]:
    """Render the sound of scenes and keep what the features need: :meth:`SoundFeatures.prepare` of each.

    On the CPU every scene is rendered by itself, in blocks of 64 shared out among ``workers`` processes of one
    thread each (a single block stays in this process): the result is the same bit for bit for any number of workers
    and in any company. On another device a block is rendered at once, in this process.

    ``progress(done, total)`` is called after every block.
    """
    indices = np.asarray(indices, dtype=np.int64)
    blocks = [indices[start : start + _BLOCK] for start in range(0, len(indices), _BLOCK)]
    rendered, done = [], 0
    for block in _rendered(config, seed, blocks, sound, workers, torch.device(device)):
        rendered.append(block)
        done += len(block)
        if progress is not None:
            progress(done, len(indices))
    return torch.cat(rendered)


def _rendered(
    config: WorldConfig, seed: int, blocks: list[np.ndarray], sound: SoundFeatures, workers: int, device: torch.device
) -> Iterator[Tensor]:
    if device.type != "cpu":
        for block in blocks:
            yield sound.prepare(render_sound(config, seed, scenes(config, seed, block), device=device))
    elif workers == 1 or len(blocks) == 1:
        yield from (torch.from_numpy(_one_by_one(config, seed, block, sound)) for block in blocks)
    else:
        from joblib import Parallel, delayed

        pieces = Parallel(n_jobs=workers, return_as="generator")(
            delayed(_one_by_one)(config, seed, block, sound) for block in blocks
        )
        yield from map(torch.from_numpy, pieces)


def _one_by_one(config: WorldConfig, seed: int, block: np.ndarray, sound: SoundFeatures) -> np.ndarray:
    """Render each scene by itself, on one thread, so that its neighbours cannot change the rounding."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        table = scenes(config, seed, block)
        parts = [sound.prepare(render_sound(config, seed, table[row])).numpy() for row in range(len(table))]
    finally:
        torch.set_num_threads(threads)
    return np.concatenate(parts)


def prepare_pool(signals: Float[Tensor, "clips 4 time"], sound: SoundFeatures) -> Float[Tensor, "clips ..."]:
    """Reduce rendered signals to what features need, with the result of :func:`render_pool` for them, bit for bit."""
    if signals.device.type != "cpu":
        return torch.cat([sound.prepare(block) for block in signals.split(_BLOCK)])
    return torch.cat([sound.prepare(signal) for signal in signals.split(1)])


def save_pool(
    path: str | Path, config: WorldConfig, seed: int, indices: np.ndarray, sound: SoundFeatures, prepared: Tensor
) -> None:
    """Write a pool with the recipe that made it; the file appears whole or not at all."""
    from safetensors.torch import save_file

    recipe = {"format": _FORMAT, "world": asdict(config), "seed": seed, "sound": asdict(sound)}
    tensors = {sound.keeps: prepared.cpu().contiguous(), "indices": torch.as_tensor(indices)}
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"recipe": json.dumps(recipe)})


def load_pool(path: str | Path) -> tuple[WorldConfig, int, np.ndarray, SoundFeatures, Tensor]:
    """Read what :func:`save_pool` wrote: world, seed, indices, features and what they keep. Nothing is rendered."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            recipe = json.loads((file.metadata() or {}).get("recipe", "{}"))
            if recipe.get("format") != _FORMAT:
                raise FileError(f"got {path}, which is no pool of rendered scenes; expected a file of WorldClips.save")
            sound = SoundFeatures(**recipe["sound"])
            prepared, indices = file.get_tensor(sound.keeps), file.get_tensor("indices").numpy()
        world = {name: tuple(value) if isinstance(value, list) else value for name, value in recipe["world"].items()}
        return WorldConfig(**world), recipe["seed"], indices, sound, prepared
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise FileError(f"got {path}: {error}; expected a file of WorldClips.save; render the pool again") from error
