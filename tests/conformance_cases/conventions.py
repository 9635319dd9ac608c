"""Which channel is which, and how loud."""

import numpy as np
from scipy.special import eval_legendre

from tests.conformance_cases.sources import (
    AMBIX,
    CLOSED,
    FURSE,
    NAMES,
    PLACES,
    POLITIS,
    SCIPY,
    case,
    direction,
    first_order,
    radians,
    unit_vectors,
    waves,
)
from tests.oracles import furse_malham, real_spherical_harmonics


def conventions():
    azimuth, elevation = radians(PLACES)
    given = {"azimuth": azimuth, "elevation": elevation}
    yield case(
        "harmonics/first-order", "harmonics", "W Y Z X of ten directions: 1, sin a cos e, sin e, cos a cos e", AMBIX,
        {**given, "order": 1}, first_order(PLACES).T,
    )  # fmt: skip
    for order in (0, 2, 3, 5):
        yield case(
            f"harmonics/order-{order}", "harmonics", f"all channels of ten directions at order {order}", SCIPY,
            {**given, "order": order}, real_spherical_harmonics(azimuth, elevation, order),
        )  # fmt: skip
    pair = [(20, 30), (-65, -10)]
    cosine = float(np.prod(unit_vectors(pair), axis=0).sum())
    pair_azimuth, pair_elevation = radians(pair)
    for order in (4, 10, 20):
        yield case(
            f"harmonics/addition-theorem/order-{order}", "harmonics",
            "the products of two directions' harmonics, summed within a degree, are P_n(cos of their angle)",
            f"addition theorem of the spherical harmonics, {CLOSED}",
            {"azimuth": pair_azimuth, "elevation": pair_elevation, "order": order},
            [eval_legendre(n, cosine) for n in range(order + 1)], figure="products_per_degree",
        )  # fmt: skip
        yield case(
            f"harmonics/sum-of-squares/order-{order}", "harmonics",
            "in SN3D the squares within every degree add up to 1", f"addition theorem, {CLOSED}",
            {"azimuth": pair_azimuth[[0, 0]], "elevation": pair_elevation[[0, 0]], "order": order},
            np.ones(order + 1), figure="products_per_degree",
        )  # fmt: skip
    for (name, where), place in zip(NAMES.items(), PLACES):
        gains = np.round(first_order([place])[:, 0], 12)
        yield case(
            f"encode/{name}", "encode", f"a source {where}: which channels sound, and with which sign", AMBIX,
            {"signal": [1, 0.5], **direction(*place), "order": 1},
            np.outer(gains, [1, 0.5]),
        )  # fmt: skip
    yield case(
        "encode/order-3", "encode", "a source at azimuth −120°, elevation −30°, in sixteen channels", SCIPY,
        {"signal": [1, -0.25, 0.5], **direction(-120, -30), "order": 3},
        np.outer(waves([(-120, -30)], 3)[:, 0], [1, -0.25, 0.5]),
    )  # fmt: skip
    yield from conversions()
    yield from mirrors()


def conversions():
    sn3d, n3d = waves(PLACES, 3), real_spherical_harmonics(*radians(PLACES), 3, normalization="n3d").T
    fuma = furse_malham(*radians(PLACES)).T
    for order in (1, 3):
        count = (order + 1) ** 2
        signals = {"ambix": sn3d[:count], "n3d": n3d[:count], "fuma": fuma[:count]}
        for source, target in (
            ("ambix", "n3d"),
            ("n3d", "ambix"),
            ("ambix", "fuma"),
            ("fuma", "ambix"),
            ("fuma", "n3d"),
        ):
            yield case(
                f"convert/{source}-to-{target}/order-{order}", "convert",
                f"ten plane waves from {source} to {target}", FURSE if "fuma" in (source, target) else SCIPY,
                {"signal": signals[source], "source": source, "target": target}, signals[target],
            )  # fmt: skip
    root, letters = np.sqrt, "WXYZRSTUVKLMNOPQ"
    factors = [
        root(2), root(3), root(3), root(3), root(5), *[root(15) / 2] * 4, root(7), *[root(224 / 45)] * 2,
        *[root(35) / 3] * 2, *[root(35 / 8)] * 2,
    ]  # fmt: skip
    acn = [0, 3, 1, 2, 6, 7, 5, 8, 4, 12, 13, 11, 14, 10, 15, 9]
    expected = np.zeros((16, 16))
    expected[acn, np.arange(16)] = factors
    yield case(
        "convert/fuma-factors", "convert",
        f"each of the letters {letters} alone: to which channel and with which factor it goes", POLITIS,
        {"signal": np.eye(16), "source": "fuma", "target": "n3d"}, expected,
    )  # fmt: skip


def mirrors():
    planes = {
        "left_right": lambda a, e: (-a, e),
        "front_back": lambda a, e: (180 - a, e),
        "up_down": lambda a, e: (a, -e),
    }
    for plane, image in planes.items():
        yield case(
            f"mirror/{plane}", "mirror", "ten plane waves become those of the mirrored directions", SCIPY,
            {"signal": waves(PLACES, 4), "plane": plane}, waves([image(*place) for place in PLACES], 4),
        )  # fmt: skip
