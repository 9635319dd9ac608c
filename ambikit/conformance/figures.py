"""What is compared where the result itself is not: figures of a matrix, of beam weights, of a decoder."""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FIGURES"]


def _values(result: Any, case: dict[str, Any]) -> Any:
    return result


def _products_per_degree(result: Any, case: dict[str, Any]) -> np.ndarray:
    """Σ_m of the harmonics of the first direction times those of the second, per degree: P_n(cos of their angle)."""
    product = result[0] * result[1]
    return np.array([product[n * n : (n + 1) ** 2].sum() for n in range(case["order"] + 1)])


def _departure_from_orthogonal(result: Any, case: dict[str, Any]) -> np.floating:
    return np.abs(result @ result.T - np.eye(len(result))).max()


def _outside_the_blocks(result: Any, case: dict[str, Any]) -> np.floating:
    """The largest entry that mixes two degrees."""
    degree = np.floor(np.sqrt(np.arange(len(result))))
    return np.abs(np.where(degree[:, None] == degree, 0.0, result)).max()


def _zonal_entries(result: Any, case: dict[str, Any]) -> np.ndarray:
    """The entries m = 0, m = 0 of each degree."""
    n = np.arange(case["order"] + 1)
    return result[n * (n + 1), n * (n + 1)]


def _gain(weights: np.ndarray, x: np.ndarray | float) -> np.ndarray | np.floating:
    return np.polynomial.legendre.legval(x, weights)


_NODES, _STEPS = np.polynomial.legendre.leggauss(200)


def _directivity_factor(result: Any, case: dict[str, Any]) -> np.floating:
    return 2 * _gain(result, 1.0) ** 2 / np.sum(_STEPS * _gain(result, _NODES) ** 2)


def _directivity_index_db(result: Any, case: dict[str, Any]) -> np.floating:
    return 10 * np.log10(_directivity_factor(result, case))


def _front_to_back_db(result: Any, case: dict[str, Any]) -> np.floating:
    front = np.sum(_STEPS * _gain(result, (_NODES + 1) / 2) ** 2)
    return 10 * np.log10(front / np.sum(_STEPS * _gain(result, (_NODES - 1) / 2) ** 2))


def _energy_vector(result: Any, case: dict[str, Any]) -> np.floating:
    energy = _STEPS * _gain(result, _NODES) ** 2
    return np.sum(energy * _NODES) / np.sum(energy)


def _gain_ahead(result: Any, case: dict[str, Any]) -> np.floating:
    return _gain(result, 1.0)


def _weights_per_order(result: Any, case: dict[str, Any]) -> np.ndarray:
    """a_n / a_0 where g = Σ (2 n + 1) a_n P_n: the weights as tables print them."""
    weights = result / (2 * np.arange(len(result)) + 1)
    return weights / weights[0]


def _panned(result: Any, case: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loudspeaker gains (sources, loudspeakers) of plane waves, unit vectors of loudspeakers and of the sources."""
    azimuth, elevation = case["azimuth"], case["elevation"]
    speakers = np.stack(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], -1
    )
    return case["waves"] @ result.T, speakers, case["sources"]


def _energy_over_amplitude(result: Any, case: dict[str, Any]) -> np.ndarray:
    gains, _, _ = _panned(result, case)
    return (gains**2).sum(-1) / gains.sum(-1) ** 2


def _velocity_vectors(result: Any, case: dict[str, Any]) -> np.ndarray:
    gains, speakers, _ = _panned(result, case)
    return (gains @ speakers) / gains.sum(-1)[:, None]


def _energy_vectors(result: Any, case: dict[str, Any]) -> np.ndarray:
    gains, speakers, _ = _panned(result, case)
    return (gains**2 @ speakers) / (gains**2).sum(-1)[:, None]


def _spread_of_energy(result: Any, case: dict[str, Any]) -> np.floating:
    """The largest energy over all sources, divided by the smallest."""
    energy = (_panned(result, case)[0] ** 2).sum(-1)
    return energy.max() / energy.min()


def _left_right_difference(result: Any, case: dict[str, Any]) -> np.floating:
    """The largest change when field and loudspeakers are both mirrored, relative to the largest gain."""
    gains, mirrored = case["waves"] @ result.T, case["mirrored_waves"] @ result.T
    return np.abs(mirrored[:, case["partners"].astype(int)] - gains).max() / np.abs(gains).max()


def _real_and_imaginary(result: Any, case: dict[str, Any]) -> np.ndarray:
    return np.stack([np.real(result), np.imag(result)])


def _interaural_delay_ms(result: Any, case: dict[str, Any]) -> np.ndarray:
    """How much later the right ear hears it, from the phases."""
    return 1e3 * np.angle(result[0] * np.conj(result[1])) / (2 * np.pi * case["frequency"])


#: From the result and the arguments of a call to the numbers that are compared.
FIGURES: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "values": _values,
    "products_per_degree": _products_per_degree,
    "departure_from_orthogonal": _departure_from_orthogonal,
    "outside_the_blocks": _outside_the_blocks,
    "zonal_entries": _zonal_entries,
    "directivity_factor": _directivity_factor,
    "directivity_index_db": _directivity_index_db,
    "front_to_back_db": _front_to_back_db,
    "energy_vector": _energy_vector,
    "gain_ahead": _gain_ahead,
    "weights_per_order": _weights_per_order,
    "energy_over_amplitude": _energy_over_amplitude,
    "velocity_vectors": _velocity_vectors,
    "energy_vectors": _energy_vectors,
    "spread_of_energy": _spread_of_energy,
    "left_right_difference": _left_right_difference,
    "real_and_imaginary": _real_and_imaginary,
    "interaural_delay_ms": _interaural_delay_ms,
}
