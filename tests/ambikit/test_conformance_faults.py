"""Each way to be wrong is noticed, by the cases that ask for it and by no others."""

from types import SimpleNamespace

import numpy as np
import pytest

import ambikit
from ambikit.conformance import NotOffered, load_cases, run
from ambikit.conformance.adapter import FUNCTIONS
from ambikit.conformance.adapters.ours import AmbikitNumPy

CASES = load_cases()
OURS = AmbikitNumPy()
OURS_METHODS = {"energy_preserving": "epad", "all_round": "allrad"}


def failed(report):
    return {*report.names("fail"), *report.names("error")}


def n3d(result, channels_first):
    scale = np.sqrt(2 * np.floor(np.sqrt(np.arange(result.shape[0 if channels_first else -1]))) + 1)
    return result * (scale[:, None] if channels_first else scale)


def transposed_above_first_order(matrix):
    turned = matrix.T.copy()
    turned[:4, :4] = matrix[:4, :4]
    return turned


def dcase_intensity(spectrum):
    w, *rest = spectrum
    y, z, x = rest
    energy = np.abs(w) ** 2 + sum(np.abs(c) ** 2 for c in rest) / 3
    return np.real(np.conj(w) * np.stack([x, y, z])) / np.where(energy == 0, 1, energy)


def diffuseness_of_means_of_ratios(spectrum):
    return 1 - np.sqrt((OURS.intensity(spectrum).mean(-1) ** 2).sum(0))


# What is broken, which function it replaces, and some of the cases that must notice.
MUTATIONS = {
    "azimuth clockwise": (
        "harmonics", lambda a, e, n: OURS.harmonics(-a, e, n), ["harmonics/first-order", "harmonics/order-5"],
    ),
    "zenith for elevation": (
        "harmonics", lambda a, e, n: OURS.harmonics(a, np.pi / 2 - e, n), ["harmonics/first-order"],
    ),
    "degrees for radians": (
        "harmonics", lambda a, e, n: OURS.harmonics(np.degrees(a), np.degrees(e), n), ["harmonics/first-order"],
    ),
    "N3D for SN3D": (
        "harmonics", lambda a, e, n: n3d(OURS.harmonics(a, e, n), False),
        ["harmonics/first-order", "harmonics/sum-of-squares/order-20"],
    ),
    "Condon-Shortley phase": (
        "harmonics",
        lambda a, e, n: OURS.harmonics(a, e, n) * (-1) ** np.concatenate([np.arange(-k, k + 1) for k in range(n + 1)]),
        ["harmonics/first-order", "harmonics/order-3"],
    ),
    "wrong above order 4": (
        "harmonics", lambda a, e, n: OURS.harmonics(a, e, n) * (np.arange((n + 1) ** 2) != 30),
        ["harmonics/order-5", "harmonics/sum-of-squares/order-10"],
    ),
    "W X Y Z for W Y Z X": (
        "encode", lambda s, a, e, n: OURS.encode(s, a, e, n)[[0, 3, 1, 2, *range(4, (n + 1) ** 2)]],
        ["encode/left", "encode/front", "encode/up"],
    ),
    "elevation downwards": ("encode", lambda s, a, e, n: OURS.encode(s, a, -e, n), ["encode/up", "encode/down"]),
    "FuMa with a full W": (
        "convert",
        lambda s, a, b: OURS.convert(s * np.where(np.arange(len(s)) + 3 * (a != "fuma"), 1, np.sqrt(2))[:, None], a, b),
        ["convert/fuma-to-ambix/order-1", "convert/fuma-factors"],
    ),
    "FuMa without the factors of order 3": (
        "convert",
        lambda s, a, b: OURS.convert(s, a, b) * (1 + 0.005 * (np.arange(len(s)) > 8))[:, None],
        ["convert/fuma-factors", "convert/ambix-to-fuma/order-3"],
    ),
    "reflected in the wrong plane": (
        "mirror", lambda s, p: OURS.mirror(s, {"left_right": "front_back"}.get(p, p)), ["mirror/left_right"],
    ),
    "yaw to the right": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, -y, p, r), ["rotate/yaw+90/order-1", "rotate/yaw+90/order-7"],
    ),
    "pitch upwards": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, y, -p, r), ["rotate/pitch+90/order-1", "rotate/resonance/right"],
    ),
    "roll the other way": (
        "rotate", lambda s, y, p, r: OURS.rotate(s, y, p, -r), ["rotate/roll+90/order-3", "rotate/resonance/back"],
    ),
    "the inverse": (
        "rotate", lambda s, y, p, r: OURS.rotation_matrix(y, p, r, round(len(s) ** 0.5) - 1).T @ s,
        ["rotate/yaw+90/order-1", "rotate/any-pose/order-5"],
    ),
    "another order of the turns": (
        "rotate", lambda s, y, p, r: OURS.rotate(OURS.rotate(OURS.rotate(s, y, 0, 0), 0, p, 0), 0, 0, r),
        ["rotate/sequence", "rotate/any-pose/order-1"],
    ),
    "the inverse above first order": (
        "rotation_matrix", lambda y, p, r, n: transposed_above_first_order(OURS.rotation_matrix(y, p, r, n)),
        ["rotation_matrix/any-pose/order-2", "rotation_matrix/yaw-closed-form/order-3"],
    ),
    "a matrix of x, y, z": (
        "rotation_matrix",
        lambda y, p, r, n: OURS.rotation_matrix(y, p, r, n)[np.ix_(*[[0, 3, 1, 2, *range(4, (n + 1) ** 2)]] * 2)],
        ["rotation_matrix/yaw+90", "rotation_matrix/saf"],
    ),
    "a rotation that loses energy": (
        "rotation_matrix", lambda y, p, r, n: OURS.rotation_matrix(y, p, r, n) * (1 - 1e-6),
        ["rotation_matrix/departure-from-orthogonal/order-10", "rotation_matrix/zonal/order-12"],
    ),
    "the published order of aligning": (
        "align", lambda s, a, e: OURS.rotate(OURS.rotate(s, 0, e, 0), -a, 0, 0), ["align/azimuth+120/elevation+45"],
    ),
    "aligned, but the horizon tilts": (
        "align", lambda s, a, e: OURS.rotate(OURS.align(s, a, e), 0, 0, 0.3), ["align/azimuth+60/elevation+30"],
    ),
    "max-rE by rule of thumb": (
        "beam_weights", lambda p, n: OURS.beam_weights("max_re_approximate" if p == "max_re" else p, n),
        ["beam_weights/max_re/order-1", "beam_weights/max_re/order-2/energy-vector"],
    ),
    "supercardioid taken for max-rE": (
        "beam_weights", lambda p, n: OURS.beam_weights("max_re" if p == "supercardioid" else p, n),
        ["beam_weights/supercardioid/order-2", "beam_weights/supercardioid/order-3/front-to-back-db"],
    ),
    "order weights without 2 n + 1": (
        "beam_weights", lambda p, n: (lambda b: b / b.sum())(OURS.beam_weights(p, n) / (2 * np.arange(n + 1) + 1)),
        ["beam_weights/hypercardioid/order-1/directivity-factor", "beam_weights/first-order/cardioid"],
    ),
    "gain 2 ahead": (
        "beam_weights", lambda p, n: 2 * OURS.beam_weights(p, n), ["beam_weights/cardioid/order-1/gain-ahead"],
    ),
    "a beam of N3D channels": (
        "beamform", lambda s, a, e, p: OURS.beamform(n3d(s, True), a, e, p), ["beamform/hypercardioid/order-1"],
    ),
    "intensity along the flow": ("intensity", lambda s: -OURS.intensity(s), ["intensity/plane-waves"]),
    "intensity as Y, Z, X": ("intensity", lambda s: OURS.intensity(s)[[1, 2, 0]], ["intensity/plane-waves"]),
    "DCASE's energy": ("intensity", dcase_intensity, ["intensity/plane-waves", "intensity/quadrature"]),
    "a small constant below the line": (
        "intensity", lambda s: OURS.intensity(s) * (np.abs(s[:1]) ** 2 / (np.abs(s[:1]) ** 2 + 1e-8)),
        ["intensity/plane-waves/faint"],
    ),
    "NaN in silence": (
        "intensity", lambda s: OURS.intensity(s) / np.where(np.abs(s).sum(0) == 0, np.nan, 1), ["intensity/silence"],
    ),
    "mean of the ratios": (
        "diffuseness", diffuseness_of_means_of_ratios,
        ["diffuseness/two-waves/60", "diffuseness/direct-to-diffuse/0-db"],
    ),
    "diffuseness of N3D": (
        "diffuseness", lambda s: OURS.diffuseness(n3d(s.reshape(4, -1), True).reshape(s.shape)),
        ["diffuseness/plane-wave", "diffuseness/direct-to-diffuse/6-db"],
    ),
    "amplitudes for energies": (
        "energy_ratio", lambda s, f: np.sqrt(OURS.energy_ratio(s, f)), ["energy_ratio/n3d", "energy_ratio/x-y-w-z"],
    ),
    "ears exchanged": (
        "level_difference", lambda s: OURS.level_difference(s[::-1]), ["level_difference/left-louder"],
    ),
    "phase of right minus left": (
        "phase_difference", lambda s: -OURS.phase_difference(s), ["phase_difference/right-later"],
    ),
    "a decoder without weights": (
        "max_re_decoder",
        lambda a, e, n, m: ambikit.loudspeaker_decoder(
            ambikit.Layout(a, e), n, OURS_METHODS.get(m, m), weighting="basic"
        ).matrix,
        ["max_re_decoder/octahedron/sampling/energy-vectors", "max_re_decoder/octahedron/all_round/velocity-vectors"],
    ),
    "a decoder with weights by rule of thumb": (
        "max_re_decoder",
        lambda a, e, n, m: OURS.max_re_decoder(a, e, n, m) * np.where(np.arange((n + 1) ** 2) > 0, 0.995, 1),
        ["max_re_decoder/cube/mode_matching/energy-vectors"],
    ),
    "one loudspeaker louder than its partner": (
        "max_re_decoder",
        lambda a, e, n, m: OURS.max_re_decoder(a, e, n, m) * (1 + 1e-3 * (np.arange(len(a)) == 1))[:, None],
        ["max_re_decoder/walls/all_round/left-right/order-1", "max_re_decoder/cube/all_round/left-right/order-3"],
    ),
    "ears on the wrong sides": (
        "head_response", lambda *given: OURS.head_response(*given)[::-1],
        ["head_response/azimuth+90/elevation+0", "head_response/delay-of-long-waves/azimuth-60"],
    ),
    "time backwards": (
        "head_response", lambda *given: np.conj(OURS.head_response(*given)),
        ["head_response/azimuth-20/elevation+30", "head_response/delay-of-long-waves/azimuth+15"],
    ),
    "ears without a head": (
        "head_response",
        lambda a, e, f, r, c: np.exp(2j * np.pi * f * r / c * np.sin(a) * np.cos(e) * np.array([[1], [-1]])),
        ["head_response/azimuth+45/elevation+0", "head_response/delay-of-long-waves/azimuth+90"],
    ),
    "phase in full turns": (
        "phase_difference", lambda s: OURS.phase_difference(s) % (2 * np.pi), ["phase_difference/left-later"],
    ),
}  # fmt: skip


class Broken:
    """Ours, with one function replaced."""

    def __init__(self, function, replacement):
        setattr(self, function, replacement)

    def __getattr__(self, name):
        return getattr(OURS, name)


@pytest.mark.parametrize("name", MUTATIONS)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_what_is_broken_is_found(name):
    function, replacement, noticing = MUTATIONS[name]
    found = failed(run(Broken(function, replacement)))
    assert set(noticing) <= found
    assert all(one.split("/")[0] == function for one in found)  # and nothing else is blamed


def test_every_function_of_ours_has_been_broken():
    """Except those for loudspeakers, which are broken below through a decoder of their own."""
    assert {function for function, _, _ in MUTATIONS.values()} == set(FUNCTIONS) - {
        "loudspeaker_decoder",
        "panning_gains",
    }


class TestLoudspeakers:
    """A plain sampling decoder and panning between two, as a second implementation; then broken."""

    @staticmethod
    def sampling(azimuth, elevation, order, method):
        if method != "sampling":
            raise NotOffered("sampling only")
        return n3d(n3d(OURS.harmonics(azimuth, elevation, order), False), False)

    def names(self, decoder):
        return run(SimpleNamespace(loudspeaker_decoder=decoder))

    def test_a_sampling_decoder(self):
        report = self.names(self.sampling)
        assert report.conforms
        assert len(report.names("pass")) == 9

    def test_sn3d_weights_are_found(self):
        found = self.names(lambda a, e, n, m: OURS.harmonics(a, e, n))
        assert "loudspeaker_decoder/octahedron/sampling/velocity-vectors" in failed(found)
        assert "loudspeaker_decoder/icosahedron/sampling/energy-over-amplitude" in failed(found)

    def test_energy_that_is_not_preserved_is_found(self):
        found = self.names(lambda a, e, n, m: self.sampling(a, e, n, "sampling"))
        assert failed(found) == {"loudspeaker_decoder/uneven/energy_preserving/spread-of-energy"}

    def test_panning_with_amplitudes_that_add_up_to_one_is_found(self):
        expected = {case.name: np.array(case.expected) for case in CASES if case.function == "panning_gains"}

        def pan(azimuth, elevation, a, e):
            return next(
                g / g.sum() for n, g in expected.items() if np.allclose(g, self.nearest(azimuth, elevation, a, e))
            )

        found = failed(run(SimpleNamespace(panning_gains=pan)))
        assert found == set(expected) - {"panning_gains/at-a-loudspeaker"}

    @staticmethod
    def nearest(azimuth, elevation, a, e):
        """On an octahedron the gains are the coordinates of the source."""
        gains = np.clip(ambikit.angles_to_vectors(azimuth, elevation) @ ambikit.angles_to_vectors(a, e), 0, None)
        return np.where(gains < 1e-12, 0, gains)
