"""Decoders on uniform and uneven layouts, and panning."""

import numpy as np

from tests.conformance_cases.sources import (
    BACK,
    DOWN,
    FRONT,
    LEFT,
    PLACES,
    RIGHT,
    UP,
    case,
    direction,
    places_of,
    radians,
    unit_vectors,
    waves,
)

GOLDEN = (1 + np.sqrt(5)) / 2
OCTAHEDRON = [FRONT, LEFT, BACK, RIGHT, UP, DOWN]
CUBE = places_of([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (1, -1)])
RING = [(0, a, b * GOLDEN) for a in (1, -1) for b in (1, -1)]
ICOSAHEDRON = places_of([np.roll(corner, turn) for turn in range(3) for corner in RING])
DESIGNS = (("octahedron", OCTAHEDRON, 1), ("cube", CUBE, 1), ("icosahedron", ICOSAHEDRON, 2))
# A room with a wall of four loudspeakers on every side, and one whose upper layer is narrower than the lower.
WALLS = [(30, 0), (-30, 0), (90, 0), (-90, 0), (135, 0), (-135, 0), (45, 45), (-45, 45), (135, 45), (-135, 45)]
DOME = [(30, 0), (-30, 0), FRONT, (110, 0), (-110, 0), (30, 30), (-30, 30), (110, 30), (-110, 30), UP]


def loudspeakers():
    source = "Zotter and Frank, Ambisonics (2019), chapter 4: on spherical designs of degree 2 N all three are one"
    for name, layout, order in DESIGNS:
        azimuth, elevation = radians(layout)
        vectors, even = unit_vectors(PLACES), np.full(len(PLACES), (order + 1) ** 2 / len(layout))
        for method in ("sampling", "mode_matching", "energy_preserving"):
            given = {
                "azimuth": azimuth, "elevation": elevation, "order": order, "method": method,
                "waves": waves(PLACES, order).T, "sources": vectors,
            }  # fmt: skip
            for what, words, expected in (
                ("energy_over_amplitude", "energy over squared amplitude (N + 1)² / L", even),
                ("velocity_vectors", "rV of length 1 towards the source", vectors),
                ("energy_vectors", "rE of length N / (N + 1) towards the source", vectors * order / (order + 1)),
            ):  # fmt: skip
                yield case(
                    f"loudspeaker_decoder/{name}/{method}/{what.replace('_', '-')}", "loudspeaker_decoder",
                    f"ten plane waves through the {name}: {words}", source, given, expected, figure=what,
                )  # fmt: skip
    uneven = [(0, 0), (70, 10), (140, -20), (-80, 30), (-150, 5), (20, 70), (-40, -60)]
    azimuth, elevation = radians(uneven)
    yield case(
        "loudspeaker_decoder/uneven/energy_preserving/spread-of-energy", "loudspeaker_decoder",
        "on any layout of enough loudspeakers the energy is the same for all directions",
        "Zotter, Pomberger, Noisternig, Energy-preserving Ambisonic decoding (2012)",
        {"azimuth": azimuth, "elevation": elevation, "order": 1, "method": "energy_preserving",
         "waves": waves(PLACES, 1).T, "sources": unit_vectors(PLACES)}, 1.0, figure="spread_of_energy",
    )  # fmt: skip
    azimuth, elevation = radians(OCTAHEDRON)
    half, third = np.sqrt(1 / 2), np.sqrt(1 / 3)
    diagonal = float(np.degrees(np.arcsin(third)))
    for name, place, gains in (
        ("at-a-loudspeaker", LEFT, [0, 1, 0, 0, 0, 0]),
        ("between-two", (45, 0), [half, half, 0, 0, 0, 0]),
        ("between-three", (45, diagonal), [third, third, 0, 0, third, 0]),
        ("off-the-middle", (-30, 0), [np.sqrt(0.75), 0, 0, 0.5, 0, 0]),
    ):
        towards = {f"source_{key}": value for key, value in direction(*place).items()}
        yield case(
            f"panning_gains/{name}", "panning_gains", "gains of the six loudspeakers of an octahedron",
            "Pulkki, Virtual sound source positioning using vector base amplitude panning (1997)",
            {"azimuth": azimuth, "elevation": elevation, **towards}, gains,
        )  # fmt: skip


def weighted():
    for name, layout, order in DESIGNS:
        azimuth, elevation = radians(layout)
        vectors, root = unit_vectors(PLACES), np.polynomial.legendre.leggauss(order + 1)[0].max()
        given = {"azimuth": azimuth, "elevation": elevation, "order": order}
        heard = {"waves": waves(PLACES, order).T, "sources": vectors}
        for method in ("sampling", "mode_matching", "energy_preserving"):
            yield case(
                f"max_re_decoder/{name}/{method}/energy-vectors", "max_re_decoder",
                f"ten plane waves through the {name}: rE as long as the largest root of P_(N+1)",
                "Daniel, Représentation de champs acoustiques (2000), with the uniformity of the layout",
                {**given, "method": method, **heard}, vectors * root, figure="energy_vectors",
            )  # fmt: skip
    azimuth, elevation = radians(OCTAHEDRON)
    vectors, ratio = unit_vectors(PLACES), 2 / np.sqrt(3)
    given = {"azimuth": azimuth, "elevation": elevation, "order": 1, "method": "all_round"}
    closed = "panning on the octahedron is max(cos, 0), whose Legendre means are 1/4 and 1/6 (Zotter and Frank 2012)"
    for what, expected in (
        ("velocity_vectors", vectors * ratio / 3),
        ("energy_vectors", vectors * 4 * ratio / (6 + 2 * ratio**2)),
        ("energy_over_amplitude", np.full(len(PLACES), (6 + 2 * ratio**2) / 36)),
    ):
        yield case(
            f"max_re_decoder/octahedron/all_round/{what.replace('_', '-')}", "max_re_decoder",
            "AllRAD of first order on the octahedron: gains 1 + 2 cos / √3, up to the number of virtual loudspeakers",
            closed, {**given, "waves": waves(PLACES, 1).T, "sources": vectors}, expected, figure=what, tolerance=2e-3,
        )  # fmt: skip
    for name, layout in (("walls", WALLS), ("dome", DOME), ("cube", CUBE)):
        azimuth, elevation = radians(layout)
        across = np.array([1, -1, 1])
        distances = np.linalg.norm(unit_vectors(layout)[:, None] * across - unit_vectors(layout), axis=-1)
        mirrored = [(-a, e) for a, e in PLACES]
        for order in (1, 3):
            yield case(
                f"max_re_decoder/{name}/all_round/left-right/order-{order}", "max_re_decoder",
                "a layout that is its own mirror image: the mirrored wave plays from the mirrored loudspeakers",
                "symmetry", {
                    "azimuth": azimuth, "elevation": elevation, "order": order, "method": "all_round",
                    "waves": waves(PLACES, order).T, "mirrored_waves": waves(mirrored, order).T,
                    "partners": distances.argmin(1),
                }, 0.0, figure="left_right_difference", tolerance=1e-9,
            )  # fmt: skip
