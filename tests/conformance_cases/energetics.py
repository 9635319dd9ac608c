"""Intensity, diffuseness, the energy ratio, and differences between the ears."""

import numpy as np

from tests.conformance_cases.sources import (
    BACK,
    CLOSED,
    FRONT,
    LEFT,
    PLACES,
    case,
    first_order,
    plain,
    unit_vectors,
)

ENERGY = "Merimaa and Pulkki, Spatial impulse response rendering I (2005), for SN3D"
WALSH = np.array([[(-1) ** bin(i & j).count("1") for j in range(8)] for i in range(8)], float)


def energetics():
    wave = first_order(PLACES) * np.exp(1j * np.arange(len(PLACES))) * (1 + np.arange(len(PLACES)))
    vectors = unit_vectors(PLACES).T[..., None].round(12)
    for name, scale in (("", 1.0), ("/faint", 1e-6), ("/loud", 1e6)):
        yield case(
            f"intensity/plane-waves{name}", "intensity",
            "a plane wave in each of ten bins, of any level and phase: a unit vector towards its source", ENERGY,
            {"spectrum": scale * wave[..., None]}, vectors,
        )  # fmt: skip
    standing = first_order([FRONT])[..., None] + first_order([BACK])[..., None] + 0j
    yield case(
        "intensity/standing-wave", "intensity", "two equal waves from front and back: no flow", ENERGY,
        {"spectrum": standing}, np.zeros((3, 1, 1)),
    )  # fmt: skip
    yield case(
        "intensity/quadrature", "intensity", "waves from front and left, 90° apart in phase, do not interfere", ENERGY,
        {"spectrum": (first_order([FRONT]) + 1j * first_order([LEFT]))[..., None]}, [[[0.5]], [[0.5]], [[0]]],
    )  # fmt: skip
    yield case(
        "intensity/silence", "intensity", "where there is no energy there is no direction: 0, not NaN", "convention",
        {"spectrum": np.zeros((4, 2, 3)) + 0j}, np.zeros((3, 2, 3)),
    )  # fmt: skip
    yield case(
        "diffuseness/plane-wave", "diffuseness", "one plane wave: 0", ENERGY,
        {"spectrum": first_order([(30, 45)])[..., None] * np.array([1, 1j, -2, 0.5])}, [0],
    )  # fmt: skip
    for opening in (30, 60, 90, 120, 180):
        pair = first_order([(opening / 2, 0), (-opening / 2, 0)])
        yield case(
            f"diffuseness/two-waves/{opening}", "diffuseness",
            f"two equal uncorrelated waves {opening}° apart: 1 − cos({opening / 2:g}°)", f"{CLOSED} of {ENERGY}",
            {"spectrum": (pair @ np.array([[1, 1], [1, -1]]))[:, None] + 0j}, [1 - np.cos(np.radians(opening / 2))],
        )  # fmt: skip
    diffuse = np.array([[1], *[[np.sqrt(1 / 3)]] * 3]) * WALSH[1:5]
    yield case(
        "diffuseness/diffuse", "diffuseness", "isotropic sound: four uncorrelated channels, W as loud as the rest: 1",
        ENERGY, {"spectrum": diffuse[:, None] + 0j}, [1],
    )  # fmt: skip
    for decibels in (0, 6, 10):
        ratio = 10 ** (decibels / 10)
        mixture = first_order([(30, 45)]) * np.sqrt(ratio) * WALSH[0] + diffuse
        yield case(
            f"diffuseness/direct-to-diffuse/{decibels}-db", "diffuseness",
            f"a plane wave {decibels} dB above isotropic sound: 1 / (1 + ratio)", f"{CLOSED} of {ENERGY}",
            {"spectrum": mixture[:, None] + 0j}, [1 / (1 + ratio)],
        )  # fmt: skip
    yield case(
        "diffuseness/standing-wave", "diffuseness", "two equal coherent waves from front and back: 1", ENERGY,
        {"spectrum": standing * np.array([1, 1j, 2])}, [1],
    )  # fmt: skip


def energy_ratios():
    source = "Wang, Politis, Mesaros, Virtanen, IEEE J. Sel. Top. Signal Process. 16 (2022), eq. (13)"
    third = np.sqrt(1 / 3)
    diffuse = [[[300, 1, 0]], [[400, third, 0]], [[500, third, 0]], [[600, third, 0]]]
    w, y, z, x = diffuse

    def louder(channel, factor):
        return [[frequency, factor * amplitude, phase] for frequency, amplitude, phase in channel]

    wave = [[[440, float(gain), 0.3]] for gain in first_order([(30, 45)])[:, 0]]
    fields = {
        "plane-wave": ("one plane wave", wave, 1),
        "diffuse": ("isotropic sound", diffuse, 1),
        "n3d": ("isotropic sound in N3D", [w, *(louder(c, np.sqrt(3)) for c in (y, z, x))], 3),
        "fuma": ("isotropic sound with W 3 dB lower, as FuMa has it", [louder(w, np.sqrt(0.5)), y, z, x], 2),
        "x-y-w-z": ("X, Y, W, Z read as W, Y, Z, X", [x, y, w, z], 5),
        "w-y-exchanged": ("W and Y exchanged", [y, w, z, x], 5),
        "dipoles-exchanged": ("W, X, Y, Z read as W, Y, Z, X: the ratio cannot see it", [w, x, y, z], 1),
    }
    for name, (words, sines, expected) in fields.items():
        sound = {"sample_rate": 48000, "length": 24000, "sines": [plain_channels(channel) for channel in sines]}
        yield case(
            f"energy_ratio/{name}", "energy_ratio", f"{words}: the dipoles carry {expected} times the energy of W",
            source, {"signal": sound, "sample_rate": 48000}, float(expected), tolerance=1e-2,
        )  # fmt: skip


def plain_channels(channel):
    return [plain(sine) for sine in channel]


def interaural():
    spectrum = np.array([[[2.0]], [[1.0]]]) * np.exp(0.4j)
    for name, pair, decibels in (
        ("left-louder", spectrum, 20 * np.log10(2)),
        ("right-louder", spectrum[::-1], -20 * np.log10(2)),
        ("alike", np.array([[[1j]], [[1.0]]]), 0.0),
    ):
        yield case(
            f"level_difference/{name}", "level_difference", "20 log10 of left over right", CLOSED,
            {"spectrum": pair}, [[decibels]],
        )  # fmt: skip
    frequencies, delay = np.array([100.0, 500.0, 1000.0, 1500.0]), 300e-6
    left = np.ones(4) * np.exp(0.7j)
    right = left * np.exp(-2j * np.pi * frequencies * delay)
    phase = 2 * np.pi * frequencies * delay
    yield case(
        "phase_difference/right-later", "phase_difference", "right is 0.3 ms later: 2 π f τ, positive", CLOSED,
        {"spectrum": np.stack([left, right])[..., None]}, phase[:, None],
    )  # fmt: skip
    yield case(
        "phase_difference/left-later", "phase_difference", "left is 0.3 ms later: negative", CLOSED,
        {"spectrum": np.stack([right, left])[..., None]}, -phase[:, None],
    )  # fmt: skip
    far = np.array([2000.0, 3000.0])
    turns = 2 * np.pi * far * delay
    pair = np.stack([np.ones(2), np.exp(-1j * turns)])[..., None]
    yield case(
        "phase_difference/wrapped", "phase_difference", "beyond half a turn the phase is wrapped", CLOSED,
        {"spectrum": pair}, np.angle(np.exp(1j * turns))[:, None],
    )  # fmt: skip
