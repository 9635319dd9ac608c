"""Boxes told from a grid of cells and a few usual shapes, and the loss of YOLOv2.

A box is its centre x, y, its width and its height, in parts of the picture, x from the left, y from above. A network
answers for each cell and each usual shape (anchor) with five numbers: place in the cell, size, and confidence.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ambikit.errors import ShapeError

__all__ = ["YoloLoss", "anchors_of", "boxes_of", "overlap"]

Boxes = Float[Tensor, "*#batch 4"]

#: searches for the usual shapes, of which the best is taken
_SEARCHES = 20


def overlap(first: Boxes, second: Boxes) -> Float[Tensor, "..."]:
    """Intersection over union of boxes.

    Examples
    --------
    Two squares, one half over the other: 1 of 3 parts is shared.

    >>> overlap(torch.tensor([0.25, 0.5, 0.5, 0.5]), torch.tensor([0.5, 0.5, 0.5, 0.5]))
    tensor(0.3333)
    """
    low = torch.maximum(first[..., :2] - first[..., 2:] / 2, second[..., :2] - second[..., 2:] / 2)
    high = torch.minimum(first[..., :2] + first[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2)
    shared = (high - low).clamp(min=0).prod(-1)
    union = first[..., 2:].prod(-1) + second[..., 2:].prod(-1) - shared
    return torch.where(union > 0, shared / torch.where(union > 0, union, 1.0), 0.0)


def anchors_of(
    sizes: Float[np.ndarray, "boxes 2"], count: int, *, seed: int = 0, rounds: int = 100
) -> Float[np.ndarray, "count 2"]:
    """The usual widths and heights of boxes: k-means with 1 − IoU as the distance (redmon2017, section 2).

    Parameters
    ----------
    sizes
        Widths and heights of the boxes to learn from.
    count
        How many shapes; fewer are returned where the boxes have fewer sizes.
    seed
        Of the boxes that the search begins with.
    rounds
        At most.

    Returns
    -------
    From the smallest to the largest area.

    Examples
    --------
    >>> anchors_of(np.array([[0.1, 0.1], [0.5, 0.9], [0.1, 0.1], [0.5, 0.9]]), 2).tolist()
    [[0.1, 0.1], [0.5, 0.9]]
    """
    different = np.unique(sizes, axis=0)
    generator = np.random.default_rng(seed)
    # two shapes may begin in one heap of sizes and never leave it: the best of many searches
    found = [
        _clustered(sizes, different[generator.permutation(len(different))[:count]], rounds) for _ in range(_SEARCHES)
    ]
    centres = max(found, key=lambda shapes: _shared(sizes, shapes).max(-1).mean())
    return centres[np.argsort(centres.prod(-1), kind="stable")]


def _clustered(
    sizes: Float[np.ndarray, "boxes 2"], centres: Float[np.ndarray, "count 2"], rounds: int
) -> Float[np.ndarray, "count 2"]:
    """One search from where it begins."""
    members = np.full(len(sizes), -1)
    for _ in range(rounds):
        nearest = _shared(sizes, centres).argmax(-1)
        if np.array_equal(nearest, members):
            break
        members = nearest
        for number in np.unique(members):
            centres[number] = sizes[members == number].mean(0)
    return centres


def _shared(
    sizes: Float[np.ndarray, "boxes 2"], centres: Float[np.ndarray, "count 2"]
) -> Float[np.ndarray, "boxes count"]:
    """Intersection over union of boxes with one corner in common."""
    shared = np.minimum(sizes[:, None], centres).prod(-1)
    return shared / (sizes.prod(-1)[:, None] + centres.prod(-1) - shared)


def boxes_of(
    outputs: Float[Tensor, "*pictures rows columns anchors 5"], anchors: Float[Tensor, "shapes 2"]
) -> tuple[Float[Tensor, "*pictures rows columns anchors 4"], Float[Tensor, "*pictures rows columns anchors"]]:
    r"""The boxes that the answers of a network mean, and how sure it is of each, 0 to 1.

    .. math:: x = (\sigma(t_x) + j) / N, \quad y = (\sigma(t_y) + i) / M, \quad
        w = a_w e^{t_w}, \quad h = a_h e^{t_h}, \quad c = \sigma(t_o)

    for the cell in row i of M and column j of N.

    Examples
    --------
    >>> boxes, sure = boxes_of(torch.zeros(1, 2, 1, 5), torch.tensor([[0.2, 0.4]]))
    >>> boxes[0, 1, 0], sure[0, 1]
    (tensor([0.7500, 0.5000, 0.2000, 0.4000]), tensor([0.5000]))
    """
    if outputs.shape[-2] != len(anchors):
        raise ShapeError(f"got answers for {outputs.shape[-2]} shapes and {len(anchors)} shapes; expected as many")
    rows, columns = outputs.shape[-4:-2]
    row, column = torch.meshgrid(
        torch.arange(rows, device=outputs.device), torch.arange(columns, device=outputs.device), indexing="ij"
    )
    cell = torch.stack([column, row], -1)[:, :, None]
    centre = (outputs[..., :2].sigmoid() + cell) / torch.tensor([columns, rows], device=outputs.device)
    size = anchors.to(outputs) * outputs[..., 2:4].exp()
    return torch.cat([centre, size], -1), outputs[..., 4].sigmoid()


@dataclass(frozen=True)
class YoloLoss:
    r"""How far the answers are from the true boxes, for one class of objects.

    Every true box is the duty of one answer: of the cell that holds its centre, and of the shape that overlaps it most
    when both are centred alike. That answer is told place, size and how well its box overlaps the true one; all others
    are told 0, but for those whose boxes overlap a true one well enough:

    .. math:: \lambda_c \sum_d \left[(\sigma(t_x) - \hat x)^2 + (\sigma(t_y) - \hat y)^2 +
        (t_w - \hat t_w)^2 + (t_h - \hat t_h)^2\right] + \lambda_o \sum_d (\sigma(t_o) - \text{IoU})^2 +
        \lambda_n \sum_{others} \sigma(t_o)^2

    with :math:`\hat x, \hat y` in the cell and :math:`\hat t_w = \log(w / a_w)`; the mean over pictures. The paper says
    how boxes are told ([1]_, section 2) and has the sum of squares and its weights from its predecessor ([2]_,
    equation 3); neither prints from which overlap on an answer is let off.

    Parameters
    ----------
    anchors
        Widths and heights of the shapes.
    coordinates, object, no_object
        The weights :math:`\lambda_c, \lambda_o, \lambda_n`.
    enough
        IoU above which an answer that is nobody's duty is told nothing.

    References
    ----------
    .. [1] J. Redmon, A. Farhadi, "YOLO9000: Better, Faster, Stronger", CVPR 2017.
    .. [2] J. Redmon et al., "You Only Look Once: Unified, Real-Time Object Detection", CVPR 2016.
    """

    anchors: Float[Tensor, "anchors 2"]
    coordinates: float = 5.0
    object: float = 1.0
    no_object: float = 0.5
    enough: float = 0.6

    def __call__(
        self,
        outputs: Float[Tensor, "pictures rows columns anchors 5"],
        targets: Float[Tensor, "pictures boxes 4"],
        /,
    ) -> Tensor:
        """Compare answers with boxes; a box of NaN is none."""
        anchors = self.anchors.to(outputs)
        boxes, sure = boxes_of(outputs, anchors)
        known = targets.isfinite().all(-1)
        truth = torch.where(known[..., None], targets, 0.5)
        cells = torch.tensor([outputs.shape[2], outputs.shape[1]], device=outputs.device)
        place = truth[..., :2] * cells
        cell = torch.minimum(place.floor().clamp(min=0), cells - 1).long()
        centred = torch.zeros_like(anchors)
        shape = overlap(
            torch.cat([torch.zeros_like(truth[..., :2]), truth[..., 2:]], -1)[..., None, :],
            torch.cat([centred, anchors], -1),
        ).argmax(-1)
        duty = (torch.arange(len(outputs), device=outputs.device)[:, None], cell[..., 1], cell[..., 0], shape)
        mine = outputs[duty]
        reached = overlap(boxes[duty], truth).detach()
        wanted = torch.cat([place - cell, (truth[..., 2:] / anchors[shape]).log()], -1)
        told = torch.cat([mine[..., :2].sigmoid(), mine[..., 2:4]], -1)
        coordinates = ((told - wanted) ** 2).sum(-1)
        confidence = (sure[duty] - reached) ** 2
        best = torch.where(
            known[:, None, None, None], overlap(boxes.detach()[..., None, :], truth[:, None, None, None]), 0.0
        ).amax(-1)
        let_off = best > self.enough
        let_off = let_off.index_put(tuple(index[known] for index in torch.broadcast_tensors(*duty)), known.new_ones(()))
        beside = torch.where(let_off, 0.0, sure**2).sum()
        mean = torch.where(known, self.coordinates * coordinates + self.object * confidence, 0.0).sum()
        return (mean + self.no_object * beside) / len(outputs)
