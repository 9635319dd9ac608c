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


def loudspeakers():
    golden = (1 + np.sqrt(5)) / 2
    octahedron = [FRONT, LEFT, BACK, RIGHT, UP, DOWN]
    cube = places_of([(x, y, z) for x in (1, -1) for y in (1, -1) for z in (1, -1)])
    ring = [(0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    icosahedron = places_of([np.roll(corner, turn) for turn in range(3) for corner in ring])
    source = "Zotter and Frank, Ambisonics (2019), chapter 4: on spherical designs of degree 2 N all three are one"
    for name, layout, order in (("octahedron", octahedron, 1), ("cube", cube, 1), ("icosahedron", icosahedron, 2)):
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
    azimuth, elevation = radians(octahedron)
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
