"""More scenes from each: turns and mirror images of sound, features and labels together; no picture is needed.

The 16 channel swaps (:func:`ambikit.acs`) exchange channels and signs, so they are exact also for finished features;
any other turn is one of the signal.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.symmetries import channel_map
from ambikit_models.seld.labels import Events

__all__ = ["move_events", "move_targets", "swap_channels", "swap_features", "swap_targets", "turn_scene"]

_MATRICES = np.stack([swap.matrix for swap in ambikit.CHANNEL_SWAPS])


def swap_channels(
    signal: Float[Tensor, "*batch channels time"], targets: Float[Tensor, "*clips 3 frames"], index: Any
) -> tuple[Float[Tensor, "*batch channels time"], Float[Tensor, "*clips 3 frames"]]:
    """Move sound and targets by one of the 16 channel swaps, a turn or mirror image of the scene.

    Parameters
    ----------
    signal
        First or higher order, ``(..., channels, time)``.
    targets
        ACCDOA or multi-ACCDOA vectors, ``(..., classes, 3, frames)`` or ``(..., tracks, classes, 3, frames)``.
    index
        0 to 15, as :func:`ambikit.acs` numbers them: one for all, or one per clip, ``(batch,)``.

    References
    ----------
    Mazzon et al., DCASE 2019; Wang et al., "A four-stage data augmentation approach to ResNet-Conformer based acoustic
    modeling for sound event localization and detection", IEEE/ACM TASLP 31 (2023).

    Examples
    --------
    A source on the left, turned by a quarter, is behind:

    >>> left = torch.tensor([[1.0], [1.0], [0.0], [0.0]])
    >>> signal, targets = swap_channels(left, torch.tensor([[[0.0], [1.0], [0.0]]]), 1)
    >>> signal[:, 0].tolist(), (targets[0, :, 0] + 0.0).tolist()
    ([1.0, 0.0, 0.0, -1.0], [-1.0, 0.0, 0.0])
    """
    return ambikit.acs(signal, index), swap_targets(targets, index)


def swap_features(features: Float[Tensor, "*batch 7 mel frames"], index: Any) -> Float[Tensor, "*batch 7 mel frames"]:
    """What :func:`ambikit.foa_features` gives of the swapped sound, from the features of the sound itself.

    The levels of Y, Z and X change places, the intensity changes places and signs: the transform need not be made
    again for every swap.

    Examples
    --------
    Left and right exchanged (8): the intensity to the left changes its sign, nothing else.

    >>> swap_features(torch.ones(7, 1, 1), 8).flatten().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 1.0]
    """
    if features.ndim < 3 or features.shape[-3] != 7:
        raise ShapeError(
            f"got features of shape {tuple(features.shape)}; expected (..., 7, mel, frames): log-mel W, Y, Z, X, then "
            "intensity x, y, z; make them with ambikit.foa_features"
        )
    index = _swap_index(index, features)
    sources, signs = (torch.as_tensor(table, device=features.device)[index] for table in _FEATURE_SWAPS)
    axes = features.ndim - 2 - index.ndim
    shape = (*index.shape, *(1,) * (axes - 1), 7, 1, 1)
    moved = torch.take_along_dim(features, sources.reshape(shape), -3)
    return moved * signs.to(features.dtype).reshape(shape)


def swap_targets(targets: Float[Tensor, "*clips 3 frames"], index: Any) -> Float[Tensor, "*clips 3 frames"]:
    """Targets of the swapped sound; ``index`` as in :func:`swap_channels`."""
    index = _swap_index(index, targets)
    return move_targets(targets, torch.as_tensor(_MATRICES, device=targets.device)[index])


def _swap_index(index: Any, like: Tensor) -> Int[Tensor, "*batch"]:
    """Numbers of swaps as a tensor; those that are given as a tensor are not looked at, as that would wait."""
    given = index if isinstance(index, Tensor) else np.asarray(index)
    whole = str(given.dtype).removeprefix("torch.").startswith(("int", "uint"))
    if not whole or (isinstance(given, np.ndarray) and ((given < 0) | (given > 15)).any()):
        raise AmbikitError(
            f"got index={index!r}; expected whole numbers from 0 to 15, as ambikit.acs has them; draw them, e.g. with "
            "torch.randint(16, (batch,))"
        )
    return torch.as_tensor(given, device=like.device).long()


def turn_scene(
    signal: Float[Tensor, "*batch channels time"],
    targets: Float[Tensor, "*clips 3 frames"],
    yaw: Any = 0.0,
    pitch: Any = 0.0,
    roll: Any = 0.0,
    *,
    rotation: Any = None,
    degrees: bool = False,
) -> tuple[Float[Tensor, "*batch channels time"], Float[Tensor, "*clips 3 frames"]]:
    """Turn sound and targets by any pose, of any order, as :func:`ambikit.rotate` does.

    Parameters
    ----------
    signal, targets
        As in :func:`swap_channels`.
    yaw, pitch, roll, rotation, degrees
        As in :func:`ambikit.rotate`: one pose for all, or one per clip.

    Examples
    --------
    >>> front = torch.tensor([[1.0], [0.0], [0.0], [1.0]])
    >>> signal, targets = turn_scene(front, torch.tensor([[[1.0], [0.0], [0.0]]]), yaw=90, degrees=True)
    >>> signal[:, 0].round(decimals=6).tolist(), targets[0, :, 0].round(decimals=6).abs().tolist()
    ([1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    """
    turned = ambikit.rotate(signal, yaw, pitch, roll, rotation=rotation, degrees=degrees)
    matrix = ambikit.rotation_matrix(yaw, pitch, roll, rotation=rotation, degrees=degrees)
    order = [3, 1, 2]  # the channels X, Y, Z
    return turned, move_targets(targets, torch.as_tensor(matrix[..., order, :][..., order], device=targets.device))


def move_targets(
    targets: Float[Tensor, "*clips 3 frames"], matrix: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*clips 3 frames"]:
    """Move the vectors of targets by 3 × 3 matrices that act on (x, y, z): one for all, or one per clip.

    The leading axes of ``matrix`` are those of ``targets``.
    """
    between = targets.ndim - matrix.ndim
    if between < 0 or targets.shape[-2] != 3 or matrix.shape[-2:] != (3, 3):
        raise ShapeError(
            f"got targets of shape {tuple(targets.shape)} and matrices of shape {tuple(matrix.shape)}; expected "
            "(batch, ..., classes, 3, frames) and (3, 3) or (batch, 3, 3); give one matrix per clip"
        )
    shape = (*matrix.shape[:-2], *(1,) * between, 3, 3)
    return matrix.to(targets.dtype).reshape(shape) @ targets


def move_events(events: Events, symmetry: ambikit.Symmetry | Float[np.ndarray, "3 3"]) -> Events:
    """Move labels by a symmetry of the axes, or by a rotation matrix that acts on (x, y, z).

    Examples
    --------
    >>> left = Events.of([(0, 0, 0, np.pi / 2, 0.0)])
    >>> move_events(left, ambikit.Symmetry.mirror("left_right")).azimuth.round(3).tolist()
    [-1.571]
    """
    if isinstance(symmetry, ambikit.Symmetry):
        azimuth, elevation = symmetry.move_angles(events.azimuth, events.elevation)
    else:
        vectors = ambikit.angles_to_vectors(events.azimuth, events.elevation) @ np.asarray(symmetry).T
        azimuth, elevation = ambikit.vectors_to_angles(vectors)
    return Events(events.frame, events.class_index, events.source, azimuth, elevation, events.distance)


def _feature_swaps() -> tuple[Int[np.ndarray, "16 7"], Float[np.ndarray, "16 7"]]:
    """For each swap, which feature channel each becomes and with which sign."""
    sources, signs = [], []
    for swap in ambikit.CHANNEL_SWAPS:
        levels, _ = channel_map(swap.axes, swap.signs, 1)
        sources.append([*levels, *(4 + axis for axis in swap.axes)])
        signs.append([1, 1, 1, 1, *swap.signs])
    return np.array(sources), np.array(signs, dtype=np.float64)


_FEATURE_SWAPS = _feature_swaps()
