"""The class probe: can a linear layer read from a crop's embedding what is to be seen in it?"""

import numpy as np
from jaxtyping import Float
from torch import Tensor

from ambikit_models.downstream.probing.heads import LINEAR, fit_head
from ambikit_models.downstream.probing.statistics import Estimate, bootstrap

__all__ = ["average_precision", "evaluate_classes"]


def average_precision(scores: Float[np.ndarray, "examples"], positive: np.ndarray) -> float:
    """Area under the precision-recall steps: the mean precision at the rank of every positive example.

    Examples
    --------
    >>> average_precision(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]))  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    order = np.argsort(-scores, kind="stable")
    hits = positive[order].astype(bool)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean()) if hits.any() else float("nan")


def evaluate_classes(
    train_inputs: Float[Tensor, "clips views width"],
    train_classes: Float[Tensor, "clips views classes"],
    test_inputs: Float[Tensor, "tested views width"],
    test_classes: Float[Tensor, "tested views classes"],
    *,
    seed: int = 0,
) -> Estimate:
    """Mean average precision of a linear probe on frozen embeddings, with clips resampled for its interval.

    Parameters
    ----------
    train_inputs, test_inputs
        Embeddings of crops.
    train_classes, test_classes
        1 where a class is present in the crop, else 0.
    """
    head = fit_head(train_inputs.flatten(0, 1), train_classes.flatten(0, 1), LINEAR, seed=seed)
    scores = head(test_inputs).numpy()
    present = test_classes.numpy() > 0

    def mean_average_precision(clips: np.ndarray) -> float:
        chosen, truth = scores[clips].reshape(-1, scores.shape[-1]), present[clips].reshape(-1, scores.shape[-1])
        return float(np.nanmean([average_precision(chosen[:, c], truth[:, c]) for c in range(chosen.shape[-1])]))

    return bootstrap(mean_average_precision, len(scores), draws=100, seed=seed)
