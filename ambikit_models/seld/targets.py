"""What a network is taught and what its answers mean: ACCDOA vectors, whose length says whether a class sounds.

An ACCDOA vector (activity-coupled Cartesian direction of arrival) points to the source with components x, y, z; it
has length 1 while its class sounds and is 0 while not. Targets have the shape ``(classes, 3, frames)``. Multi-ACCDOA
has several of them, ``(tracks, classes, 3, frames)``, for sources of one class at the same time. Leading axes are
batch axes.
"""

from itertools import chain
from math import radians

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.seld.labels import Events

__all__ = ["accdoa_targets", "accdoa_to_events", "multi_accdoa_targets", "multi_accdoa_to_events"]


def accdoa_targets(events: Events, classes: int, frames: int) -> Float[Tensor, "classes 3 frames"]:
    """One vector per class and label frame; events after the last frame are left out.

    Raises
    ------
    AmbikitError
        If two sources of a class sound in the same frame, or a class number is too large.

    References
    ----------
    Shimada et al., "ACCDOA: activity-coupled Cartesian direction of arrival representation for sound event
    localization and detection", ICASSP 2021, section 2.

    Examples
    --------
    Class 1 on the left in the last of two frames:

    >>> accdoa_targets(Events.of([(1, 1, 0, np.pi / 2, 0.0)]), classes=2, frames=2)[1].round()
    tensor([[0., 0.],
            [0., 1.],
            [0., 0.]])
    """
    return multi_accdoa_targets(events, classes, frames, tracks=1)[0]


def multi_accdoa_targets(
    events: Events, classes: int, frames: int, *, tracks: int = 3
) -> Float[Tensor, "tracks classes 3 frames"]:
    """The vectors of all sources of a class, first come first, and 0 in the tracks that are left.

    Which track a network uses for which source does not matter: :func:`ambikit_models.seld.adpit.adpit_loss` fills
    the empty tracks with copies (A0; B0, B1; C0, C1, C2 in the paper) and takes the best permutation.

    Parameters
    ----------
    events
        Labels; those after the last frame are left out.
    classes, frames
        Numbers of classes and of label frames.
    tracks
        How many sources of one class may sound at once; the paper has 3.

    Raises
    ------
    AmbikitError
        If more sources of a class sound in a frame than there are tracks, or a class number is too large.

    References
    ----------
    Shimada et al., "Multi-ACCDOA: localizing and detecting overlapping sounds from the same class with auxiliary
    duplicating permutation invariant training", ICASSP 2022, section 2.

    Examples
    --------
    Two sources of class 0, in front and above:

    >>> events = Events.of([(0, 0, 0, 0.0, 0.0), (0, 0, 1, 0.0, np.pi / 2)])
    >>> multi_accdoa_targets(events, classes=1, frames=1)[:, 0, :, 0].round()
    tensor([[1., 0., 0.],
            [0., 0., 1.],
            [0., 0., 0.]])
    """
    events = events[(events.frame >= 0) & (events.frame < frames)]
    if len(events) and not 0 <= events.class_index.min() <= events.class_index.max() < classes:
        raise AmbikitError(
            f"got events of class {events.class_index.min()} to {events.class_index.max()}; expected classes from 0 to "
            f"{classes - 1}; raise classes or choose rows, events[events.class_index < {classes}]"
        )
    track = place_in_frame(events)
    if len(events) and track.max() >= tracks:
        row = int(track.argmax())
        raise AmbikitError(
            f"got {track[row] + 1} sources of class {events.class_index[row]} in frame {events.frame[row]}; expected "
            f"at most {tracks}; use multi_accdoa_targets with more tracks, or choose rows of the events"
        )
    targets = np.zeros((tracks, classes, 3, frames), np.float32)
    targets[track, events.class_index, :, events.frame] = ambikit.angles_to_vectors(events.azimuth, events.elevation)
    return torch.as_tensor(targets)


def place_in_frame(events: Events) -> np.ndarray:
    """For each row, how many rows before it have the same frame and class."""
    seen: dict[tuple[int, int], int] = {}
    place = np.zeros(len(events), np.int64)
    for row, key in enumerate(zip(events.frame.tolist(), events.class_index.tolist(), strict=True)):
        place[row] = seen.get(key, 0)
        seen[key] = place[row] + 1
    return place


def accdoa_to_events(vectors: Float[Tensor, "classes 3 frames"], *, threshold: float = 0.5) -> Events:
    """The events in the answer of a network: where a vector is longer than ``threshold``, in its direction.

    Examples
    --------
    >>> events = accdoa_to_events(torch.tensor([[[0.0, 0.2], [0.8, 0.2], [0.0, 0.2]]]))
    >>> events.frame.tolist(), np.degrees(events.azimuth).round(3).tolist()
    ([0], [90.0])
    """
    return multi_accdoa_to_events(vectors[None], threshold=threshold)


def multi_accdoa_to_events(
    vectors: Float[Tensor, "tracks classes 3 frames"], *, threshold: float = 0.5, unify: float = radians(15.0)
) -> Events:
    """The events in the answer of a network with several tracks, without the copies.

    A track sounds where its vector is longer than ``threshold``. Active vectors of a class that lie within ``unify``
    of each other, or are linked by others that do, are one source; its direction is that of their sum.

    Parameters
    ----------
    vectors
        The answer for one recording; clips of a batch are decoded one by one.
    threshold
        Length from which a class is said to sound.
    unify
        Angle in radians; the paper has 15°.

    Returns
    -------
    Events
        By frame and class; the sources of a class are numbered in each frame, and not followed from frame to frame.

    References
    ----------
    Shimada et al., ICASSP 2022, section 2.3.

    Examples
    --------
    Two tracks 10° apart are one source between them:

    >>> angles = torch.deg2rad(torch.tensor([20.0, 30.0]))
    >>> vectors = torch.stack([angles.cos(), angles.sin(), torch.zeros(2)], -1)[:, None, :, None]
    >>> np.degrees(multi_accdoa_to_events(vectors).azimuth).round(3).tolist()
    [25.0]
    """
    if vectors.ndim != 4 or vectors.shape[2] != 3:
        raise ShapeError(
            f"got vectors of shape {tuple(vectors.shape)}; expected (tracks, classes, 3, frames) with x, y, z on axis "
            "-2, for one recording; take the clips of a batch one by one"
        )
    values = vectors.detach().double().cpu().numpy().transpose(3, 1, 0, 2)  # frames, classes, tracks, xyz
    active = np.linalg.norm(values, axis=-1) > threshold
    rows = []
    for frame, kind in np.argwhere(active.any(-1)).tolist():
        found = _unified(values[frame, kind, active[frame, kind]], unify)
        azimuth, elevation = ambikit.vectors_to_angles(found)
        rows += [(frame, kind, source, azimuth[source], elevation[source]) for source in range(len(found))]
    return Events.of(rows)


def _unified(vectors: Float[np.ndarray, "active 3"], limit: float) -> Float[np.ndarray, "sources 3"]:
    """The sums of the groups of vectors that are linked by angles below the limit."""
    azimuth, elevation = ambikit.vectors_to_angles(vectors)
    near = ambikit.angular_distance(azimuth[:, None], elevation[:, None], azimuth, elevation) < limit
    groups: list[list[int]] = []
    for member in range(len(vectors)):
        linked = [group for group in groups if near[member, group].any()]
        groups = [group for group in groups if group not in linked] + [[member, *chain(*linked)]]
    return np.stack([vectors[sorted(group)].sum(0) for group in sorted(groups, key=min)])
