"""Frozen embeddings of many clips, under the conditions that the binary tasks compare.

A model is asked once; every task is then a small head on stored numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import AmbikitError
from ambikit_models.batch import ClipSource
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.training.sampling import choose_viewpoints, generator_for, videos_of

__all__ = ["Condition", "Embedder", "Embeddings", "embed", "other_videos"]

#: What is played beside a clip's pictures: its own sound; the same turned about the vertical axis; the sound of
#: another clip; that of another clip, turned.
Condition = Literal["own", "own_turned", "other", "other_turned"]


@runtime_checkable
class Embedder(Protocol):
    """What the tasks need of a model; :class:`ambikit_models.alignment.AlignmentModel` has it."""

    video_to_audio: Callable[[Tensor], Tensor]
    embed_video: Callable[[Tensor], Tensor]
    embed_audio: Callable[[Tensor], Tensor]
    eval: Callable[[], Any]
    parameters: Callable[[], Any]


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of some clips at seeded viewpoints.

    Attributes
    ----------
    indices
        The clips, ``(clips,)``.
    viewpoints
        Where each was seen and heard from, ``(clips, views)``.
    video
        Of the crops, ``(clips, views, width)``.
    audio
        Of the sound in each condition, ``(clips, views, width)``.
    """

    indices: np.ndarray
    viewpoints: Viewpoints
    video: Float[Tensor, "clips views width"]
    audio: dict[str, Float[Tensor, "clips views audio_width"]]


@torch.no_grad()
def embed(
    model: Embedder,
    source: ClipSource,
    indices: Any,
    chooser: Any,
    *,
    conditions: tuple[Condition, ...] = ("own",),
    views: int = 4,
    seed: int = 0,
    block: int = 32,
    progress: Callable[[int], None] | None = None,
) -> Embeddings:
    """Embed clips at viewpoints that depend on the seed alone.

    The yaw of the turned conditions is uniform on (−π, π]: the protocol of morgado2020, in which small turns count
    as misaligned too, so that no model can reach 100 %. The other clip is of another video; each is heard once.

    Parameters
    ----------
    model
        In evaluation mode.
    source
        Where the clips come from.
    indices
        Which clips.
    chooser
        How viewpoints are chosen.
    conditions
        What to listen to.
    views
        Viewpoints per clip.
    seed
        Of viewpoints, turns and partners.
    block
        Clips at a time.
    progress
        Told the number of finished clips after every block.
    """
    model.eval()
    indices = np.asarray(indices)
    generator = generator_for(seed, 3)
    viewpoints = choose_viewpoints(chooser, views, source, indices, generator)
    yaw = torch.from_numpy(generator.uniform(-np.pi, np.pi, len(indices)))
    other = indices[other_videos(videos_of(source)[indices], generator)]
    device = next(model.parameters()).device
    video, audio = [], {condition: [] for condition in conditions}
    for start in range(0, len(indices), block):
        rows = slice(start, start + block)
        for number, condition in enumerate(conditions):
            batch = source.batch(
                indices[rows],
                viewpoints[rows],
                sound_indices=other[rows] if condition.startswith("other") else None,
                yaw=yaw[rows] if condition.endswith("turned") else None,
            ).to(device)
            if not np.array_equal(batch.index.cpu().numpy(), indices[rows]):
                raise AmbikitError(
                    "some clips could not be read and were replaced by others; expected readable clips in an "
                    "evaluation; choose them with source.subset(source.readable())"
                )
            if number == 0:
                video.append(model.embed_video(batch.video).cpu())
            audio[condition].append(model.embed_audio(batch.audio).cpu())
        if progress:
            progress(min(start + block, len(indices)))
    return Embeddings(indices, viewpoints, torch.cat(video), {k: torch.cat(v) for k, v in audio.items()})


def other_videos(videos: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A permutation that gives every clip one of another video.

    The clips are put in a random order with those of a video side by side, and moved on by the size of the largest
    video, so that no clip meets its own.
    """
    names, members, sizes = np.unique(videos, return_inverse=True, return_counts=True)
    if 2 * sizes.max() > len(videos):
        raise AmbikitError(
            f"got {len(videos)} clips of which {sizes.max()} are of one video; expected at most half of them, so that "
            "every clip can be paired with one of another video"
        )
    order = np.lexsort((generator.random(len(videos)), generator.permutation(len(names))[members]))
    partners = np.empty(len(videos), dtype=np.int64)
    partners[order] = np.roll(order, -sizes.max())
    return partners
