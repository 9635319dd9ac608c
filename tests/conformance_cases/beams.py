"""Weights of beams, their figures, and what they hear."""

import numpy as np
from scipy.special import eval_legendre

from tests.conformance_cases.sources import CLOSED, PLACES, case, direction, unit_vectors, waves

SUPERCARDIOID = {
    1: ([1, 0.57735027], 3.7320508, 11.438951),
    2: ([1, np.sqrt(7) / 4, 0.25], 6.8302517, 24.04827),
    3: ([1, 0.72415747, 0.35825757, 0.09894466], 9.7440845, 37.689967),
    4: ([1, 0.76842262, 0.4408114, 0.17445384, 0.03783809], 12.597809, 51.809724),
    5: ([1, 0.80070968, 0.50498875, 0.24093484, 0.0795129, 0.01418615], 15.437595, 66.189939),
}
MAX_RE = {
    1: ([0.577350], 3.73205, 5.720, 0.577350),
    2: ([0.774597, 0.4], 7.87298, 8.961, 0.774597),
    3: ([0.861136, 0.612334, 0.304747], 13.40261, 11.272, 0.861136),
    4: ([0.906180, 0.731743, 0.501031, 0.245735], 20.31738, 13.079, 0.906180),
    5: ([0.932470, 0.804249, 0.628250, 0.422005, 0.205712], 28.61625, 14.566, 0.932470),
}
IN_PHASE = {1: [1, 1 / 3], 2: [1, 0.5, 0.1], 3: [1, 0.6, 0.2, 1 / 35]}
APPROXIMATE = {1: [0.574431], 2: [0.773976, 0.398557], 3: [0.860951, 0.611854, 0.303994]}
ELKO = "Elko, Differential microphone arrays (2004)"
DANIEL = "Daniel, Représentation de champs acoustiques (2000)"
ZOTTER = "Zotter and Frank, All-round Ambisonic panning and decoding (2012), eq. (10)"
FORTY = "eigenproblem of the half-sphere energies (Elko 2004) in 40-digit arithmetic"


def beams():
    for order in range(1, 6):
        n = np.arange(order + 1)
        supercardioid, directivity, front_to_back = SUPERCARDIOID[order]
        max_re, q, index, length = MAX_RE[order]
        yield weights("hypercardioid", order, np.ones(order + 1), f"{ELKO}: all a_n equal")
        yield figure("hypercardioid", order, "directivity_factor", (order + 1) ** 2, "(N + 1)², closed form")
        yield figure("cardioid", order, "directivity_factor", 2 * order + 1, "2 N + 1, closed form")
        binomials = np.cumprod(np.concatenate([[1], (order - n[:-1]) / (order + 2 + n[:-1])]))
        yield weights("cardioid", order, binomials, f"{DANIEL}: N! (N + 1)! / ((N + n + 1)! (N − n)!)")
        if order in IN_PHASE:
            np.testing.assert_allclose(binomials, IN_PHASE[order])
        yield weights("max_re", order, [1, *max_re], f"{DANIEL}: P_n(largest root of P_(N+1))", 1e-6)
        yield figure("max_re", order, "directivity_factor", q, DANIEL, 1e-5)
        yield figure("max_re", order, "directivity_index_db", index, DANIEL, 1e-3)
        yield figure("max_re", order, "energy_vector", length, f"{DANIEL}: the root itself", 1e-6)
        yield weights("supercardioid", order, supercardioid, FORTY, 1e-7)
        yield figure("supercardioid", order, "directivity_factor", directivity, FORTY, 2e-6)
        yield figure("supercardioid", order, "front_to_back_db", front_to_back, FORTY, 2e-6)
        if order in APPROXIMATE:
            yield weights("max_re_approximate", order, [1, *APPROXIMATE[order]], ZOTTER, 1e-6)
        for pattern in ("hypercardioid", "cardioid", "supercardioid", "max_re"):
            yield figure(pattern, order, "gain_ahead", 1.0, "definition")
    for pattern, omni, factor in (
        ("omni", 1, 1), ("subcardioid", 0.75, 1.7142857), ("cardioid", 0.5, 3), ("hypercardioid", 0.25, 4),
        ("supercardioid", (np.sqrt(3) - 1) / 2, 3.7320508), ("figure_eight", 0, 3),
    ):  # fmt: skip
        given = {"pattern": pattern, "order": 1}
        source = f"first-order family a + (1 − a) cos, {ELKO}"
        about = f"{pattern}: a = {omni:.5f}"
        yield case(f"beam_weights/first-order/{pattern}", "beam_weights", about, source, given, [omni, 1 - omni])
        yield figure(pattern, 1, "directivity_factor", factor, "1 / (a² + (1 − a)² / 3)", 1e-6, "first-order/")
    yield from steered()


def weights(pattern, order, expected, source, tolerance=1e-9):
    about = f"the order weights a_n / a_0 of g = Σ (2 n + 1) a_n P_n at order {order}"
    given = {"pattern": pattern, "order": order}
    name = f"beam_weights/{pattern}/order-{order}"
    return case(name, "beam_weights", about, source, given, expected, figure="weights_per_order", tolerance=tolerance)


def figure(pattern, order, what, expected, source, tolerance=1e-9, group=""):
    words = what.replace("_", "-")
    about = f"{words.replace('-', ' ')} of the {pattern} of order {order}, integrated numerically"
    given = {"pattern": pattern, "order": order}
    name = f"beam_weights/{group}{pattern}/order-{order}/{words}"
    return case(name, "beam_weights", about, source, given, float(expected), figure=what, tolerance=tolerance)


def steered():
    """Beams towards azimuth 40°, elevation 20° on plane waves all around: their gain is g(cos of the angle)."""
    target = (40, 20)
    cosines = unit_vectors(PLACES) @ unit_vectors([target])[0]
    gains = {
        ("hypercardioid", 1): 0.25 + 0.75 * cosines,
        ("cardioid", 1): 0.5 + 0.5 * cosines,
        ("cardioid", 2): (0.5 + 0.5 * cosines) ** 2,
        ("cardioid", 3): (0.5 + 0.5 * cosines) ** 3,
        ("hypercardioid", 3): sum((2 * n + 1) / 16 * eval_legendre(n, cosines) for n in range(4)),
    }
    for (pattern, order), expected in gains.items():
        yield case(
            f"beamform/{pattern}/order-{order}", "beamform",
            "a beam towards azimuth 40°, elevation 20° hears ten plane waves", CLOSED,
            {
                "signal": waves(PLACES, order),
                **direction(*target),
                "pattern": pattern,
            },
            expected,
        )  # fmt: skip
