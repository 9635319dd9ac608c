from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import eval_legendre

from ambikit import (
    Layout,
    angles_to_vectors,
    decode_loudspeakers,
    decoder_report,
    encode,
    fibonacci_grid,
    gauss_legendre_grid,
    loudspeaker_decoder,
    mirror,
    rotate,
    vbap,
    vectors_to_angles,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

METHODS = ["sampling", "mode_matching", "epad", "allrad"]
WEIGHTINGS = ["basic", "max_re", "in_phase"]
UNIFORM = [
    ("tetrahedron", 1),
    ("octahedron", 1),
    ("cube", 1),
    ("icosahedron", 2),
    ("dodecahedron", 2),
    ("snub_cube", 3),
]
AZIMUTH, ELEVATION = fibonacci_grid(300)
SPHERE = angles_to_vectors(AZIMUTH, ELEVATION)
CIRCLE = np.linspace(-np.pi, np.pi, 73)


def gains_of(decoder, azimuth=AZIMUTH, elevation=ELEVATION):
    """Loudspeaker signals of plane waves, encoded by harmonics that are not ours."""
    return real_spherical_harmonics(azimuth, elevation, decoder.order) @ decoder.matrix.T


def order_weights(weighting, order):
    """a_n on the sphere as the literature prints them."""
    n = np.arange(order + 1)
    if weighting == "basic":
        return np.ones(order + 1)
    if weighting == "max_re":
        return eval_legendre(n, {1: 0.5773502692, 2: 0.7745966692, 3: 0.8611363116}[order])
    return np.array({1: [1, 1 / 3], 2: [1, 0.5, 0.1], 3: [1, 0.6, 0.2, 1 / 35]}[order])


def circle_weights(weighting, order):
    """a_n on the circle: N!² / ((N + n)! (N − n)!) in phase, cos(nπ / (2N + 2)) max-rE."""
    n = np.arange(order + 1)
    if weighting == "in_phase":
        return np.array({1: [1, 1 / 2], 2: [1, 2 / 3, 1 / 6], 3: [1, 3 / 4, 3 / 10, 1 / 20]}[order])
    return np.ones(order + 1) if weighting == "basic" else np.cos(n * np.pi / (2 * order + 2))


class TestUniformLayouts:
    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    @pytest.mark.parametrize(("name", "order"), UNIFORM)
    @pytest.mark.parametrize("method", ["sampling", "mode_matching", "epad"])
    def test_three_methods_are_one_panning_function(self, method, name, order, weighting):
        """g = 1/L Σ (2n + 1) a_n P_n(cos γ), γ the angle between source and loudspeaker."""
        decoder = loudspeaker_decoder(name, order, method, weighting=weighting)
        cosine = SPHERE @ decoder.layout.vectors.T
        a = order_weights(weighting, order)
        expected = sum((2 * n + 1) * a[n] * eval_legendre(n, cosine) for n in range(order + 1)) / len(decoder.layout)
        assert_close(gains_of(decoder), expected, factor=1e3)  # the roots have ten digits

    @pytest.mark.parametrize(("name", "order"), UNIFORM)
    def test_amplitude_energy_and_both_vectors(self, name, order):
        count = len(Layout.named(name))
        for weighting in ("basic", "max_re"):
            report = decoder_report(loudspeaker_decoder(name, order, "sampling", weighting=weighting))
            assert_close(report.amplitude, np.ones(2000))
            a = order_weights(weighting, order)
            energy = np.sum((2 * np.arange(order + 1) + 1) * a**2) / count
            assert_close(report.energy, np.full(2000, energy), factor=1e3)
            assert_close(report.velocity_vector, a[1] * directions_of(report), factor=1e3)
            assert report.direction_error.max() < 1e-9 or name == "tetrahedron"
            if name != "tetrahedron":  # degree 2 N + 1 is needed for the energy vector
                length = order / (order + 1) if weighting == "basic" else a[1]
                assert_close(report.energy_length, np.full(2000, length), factor=1e3)
        if (name, order) in (("icosahedron", 2), ("snub_cube", 3)):
            basic = decoder_report(loudspeaker_decoder(name, order, "epad", weighting="basic"))
            assert basic.energy.mean() == pytest.approx({2: 0.75, 3: 2 / 3}[order], rel=1e-12)

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    @pytest.mark.parametrize("order", [1, 2, 3])
    @pytest.mark.parametrize("method", ["sampling", "mode_matching", "epad"])
    @pytest.mark.parametrize("extra", [1, 2])
    def test_polygons(self, method, order, weighting, extra):
        """g = 1/L (1 + 2 Σ a_n cos n(φ − φ_l)): on the circle, not on the sphere."""
        count = 2 * order + extra
        decoder = loudspeaker_decoder(Layout.polygon(count, 0.3), order, method, weighting=weighting)
        across = CIRCLE[:, None] - np.array(decoder.layout.azimuth)
        a = circle_weights(weighting, order)
        expected = (1 + 2 * sum(a[n] * np.cos(n * across) for n in range(1, order + 1))) / count
        assert_close(gains_of(decoder, CIRCLE, 0 * CIRCLE), expected)

    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_vectors_of_polygons(self, order):
        """|rV| is 1, never 1.5; |rE| is 2N/(2N + 1) and with max-rE cos(π / (2N + 2))."""
        for weighting, length in (("basic", 2 * order / (2 * order + 1)), ("max_re", np.cos(np.pi / (2 * order + 2)))):
            decoder = loudspeaker_decoder(Layout.polygon(2 * order + 2), order, "sampling", weighting=weighting)
            report = decoder_report(decoder)
            assert report.azimuth.shape == (360,)
            assert_close(report.amplitude, np.ones(360))
            assert_close(report.velocity_length, np.full(360, circle_weights(weighting, order)[1]))
            assert_close(report.energy_length, np.full(360, length))
            assert np.degrees(report.direction_error).max() < 1e-9

    def test_only_horizontal_channels_are_used_on_the_horizon(self):
        matrix = loudspeaker_decoder("7.1", 3).matrix
        used = np.abs(matrix).max(axis=0) > 0
        assert np.flatnonzero(used).tolist() == [0, 1, 3, 4, 8, 9, 15]


def directions_of(report):
    return angles_to_vectors(report.azimuth, report.elevation)


class TestMethods:
    @pytest.mark.parametrize(
        ("layout", "order"),
        [(Layout.fibonacci(20), 3), ("22.2", 2), ("5.1.4", 1), ("7.1", 2), (Layout.polygon(9), 4), ("dodecahedron", 3)],
    )
    def test_mode_matching_gives_the_channels_back(self, layout, order):
        """Encoding the loudspeakers again; on the horizon the channels with m = ±n."""
        decoder = loudspeaker_decoder(layout, order, "mode_matching", weighting="basic")
        layout = decoder.layout
        again = real_spherical_harmonics(layout.azimuth, layout.elevation, order).T @ decoder.matrix
        if layout.is_horizontal:
            n = np.sqrt(np.arange((order + 1) ** 2)).astype(int)
            m = np.arange((order + 1) ** 2) - n * (n + 1)
            keep = np.abs(m) == n
            again = again[np.ix_(keep, keep)]
        assert_close(again, np.eye(len(again)))

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    @pytest.mark.parametrize(("layout", "order"), [("22.2", 3), ("5.1.4", 1), ("7.1.4", 2), (Layout.fibonacci(40), 5)])
    @pytest.mark.filterwarnings("ignore:got layout '7.1.4'")
    def test_epad_is_equally_loud_everywhere(self, layout, order, weighting):
        for preserve in ("energy", "amplitude"):
            decoder = loudspeaker_decoder(layout, order, "epad", weighting=weighting, preserve=preserve)
            energy = (gains_of(decoder) ** 2).sum(-1)
            assert_close(energy, np.full(len(energy), 1.0 if preserve == "energy" else energy[0]))

    @given(seed=st.integers(0, 10**6), order=st.integers(1, 3))
    def test_epad_on_any_layout_that_has_enough(self, seed, order):
        generator = np.random.default_rng(seed)
        count = (order + 1) ** 2 + int(generator.integers(0, 5))
        vectors = Layout.fibonacci(count).vectors + generator.normal(size=(count, 3)) / 4
        layout = Layout(*vectors_to_angles(vectors))
        decoder = loudspeaker_decoder(layout, order, "epad", preserve="energy")
        assert_close((gains_of(decoder) ** 2).sum(-1), np.ones(300))
        ring = Layout.polygon(2 * order + 1 + int(generator.integers(0, 4)))
        ring = Layout(ring.azimuth + generator.uniform(-0.2, 0.2, len(ring)))
        decoder = loudspeaker_decoder(ring, order, "epad", preserve="energy")
        assert_close((gains_of(decoder, CIRCLE, 0 * CIRCLE) ** 2).sum(-1), np.ones(len(CIRCLE)))

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_allrad_on_an_octahedron_in_closed_form(self, order, weighting):
        """Panning there is max(cos γ, 0), whose Legendre coefficients are 1/4, 1/6, 1/16, 0."""
        decoder = loudspeaker_decoder("octahedron", order, weighting=weighting)
        mean, a = [1 / 4, 1 / 6, 1 / 16, 0.0], order_weights(weighting, order)
        cosine = SPHERE @ decoder.layout.vectors.T
        expected = sum((2 * n + 1) * a[n] * mean[n] * eval_legendre(n, cosine) for n in range(order + 1)) / (6 / 4)
        assert np.abs(gains_of(decoder) - expected).max() < 2e-3 * expected.max()

    @pytest.mark.parametrize("weighting", WEIGHTINGS)
    def test_allrad_on_a_square_in_closed_form(self, weighting):
        """Panning there is max(cos φ, 0), whose Fourier means are 1/π, 1/4, 1/(3π), 0."""
        layout = Layout.polygon(4)
        decoder = loudspeaker_decoder(layout, 3, weighting=weighting)
        a, mean = circle_weights(weighting, 3), [1 / np.pi, 1 / 4, 1 / (3 * np.pi), 0.0]
        across = CIRCLE[:, None] - np.array(layout.azimuth)
        expected = mean[0] + 2 * sum(a[n] * mean[n] * np.cos(n * across) for n in range(1, 4))
        expected = expected / (4 * mean[0])
        assert np.abs(gains_of(decoder, CIRCLE, 0 * CIRCLE) - expected).max() < 1e-4

    @pytest.mark.parametrize("layout", ["22.2", "cube", "5.1.4"])
    def test_allrad_of_high_order_is_panning(self, layout):
        above = np.radians(20) < ELEVATION
        gains = gains_of(loudspeaker_decoder(layout, 24))[above]
        gains = gains / np.sqrt((gains**2).sum(-1, keepdims=True))
        panned = vbap(layout, AZIMUTH[above], ELEVATION[above])
        assert (gains * panned).sum(-1).min() > 0.93

    @pytest.mark.parametrize(
        ("layout", "order", "loudness", "error"),
        [("22.2", 3, 4.0, 10), ("7.1.4", 3, 4.0, 30), ("5.1.4", 2, 4.0, 30), ("cube", 1, 1.0, 6)],
    )
    def test_allrad_is_gentle_above_the_horizon(self, layout, order, loudness, error):
        azimuth, elevation = AZIMUTH[ELEVATION >= 0], ELEVATION[ELEVATION >= 0]
        report = decoder_report(loudspeaker_decoder(layout, order), azimuth, elevation)
        assert np.ptp(report.energy_db) < loudness
        assert np.degrees(report.direction_error).max() < error

    def test_missing_directions_are_shared_or_lost(self):
        below = [
            decoder_report(
                loudspeaker_decoder("5.1.4", 3, imaginary=imaginary, preserve="energy"), [0.0], [-np.pi / 2]
            ).energy[0]
            for imaginary in ("share", "discard")
        ]
        assert below[0] > 0.5
        assert below[1] < 0.25

    @pytest.mark.parametrize("method", METHODS)
    def test_what_is_preserved(self, method):
        for layout, order in (("5.1.4", 1), ("7.0", 2)):
            flat = Layout.named(layout).is_horizontal
            azimuth, elevation, weights = gauss_legendre_grid(4)
            if flat:
                azimuth, elevation, weights = 2 * np.pi * np.arange(40) / 40, np.zeros(40), None
            for preserve in ("amplitude", "energy"):
                decoder = loudspeaker_decoder(layout, order, method, preserve=preserve)
                gains = gains_of(decoder, azimuth, elevation)
                value = gains.sum(-1) if preserve == "amplitude" else (gains**2).sum(-1)
                assert np.average(value, weights=weights) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestSpaudiopy:
    """Scales there: harmonics with 1/√(4π), sampling and mode matching times √L / (N + 1), EPAD of energy 1."""

    @pytest.mark.parametrize("layout", ["22.2", "fibonacci", "icosahedron"])
    def test_plain_methods(self, layout):
        spaudiopy = pytest.importorskip("spaudiopy")
        layout = Layout.fibonacci(16) if layout == "fibonacci" else Layout.named(layout)
        sounding, order = layout.sounding, 2
        hull = spaudiopy.decoder.LoudspeakerSetup(*layout.vectors[sounding].T)
        waves = spaudiopy.sph.sh_matrix(order, AZIMUTH, np.pi / 2 - ELEVATION, sh_type="real").T
        scale = np.sqrt(sounding.sum()) / (order + 1)
        for method, function, factor in (
            ("sampling", "sad", scale),
            ("mode_matching", "mad", scale),
            ("epad", "epad", 1),
        ):
            expected = getattr(spaudiopy.decoder, function)(waves, hull, order)
            if method == "epad":
                decoder = loudspeaker_decoder(layout, order, method, weighting="basic", preserve="energy")
            else:
                decoder = loudspeaker_decoder(layout, order, method, weighting="basic")
            assert_close(gains_of(decoder).T[sounding] * factor, expected, factor=10)

    def test_allrad(self):
        """Their weights are the rule with 137.9°, within 0.2 % of the roots; their virtual design is coarser."""
        spaudiopy = pytest.importorskip("spaudiopy")
        layout, order = Layout.fibonacci(24), 3
        hull = spaudiopy.decoder.LoudspeakerSetup(*layout.vectors.T)
        hull.ambisonics_setup(update_hull=False, N_kernel=50)
        waves = spaudiopy.sph.sh_matrix(order, AZIMUTH, np.pi / 2 - ELEVATION, sh_type="real").T
        expected = spaudiopy.decoder.allrad(waves, hull, order)
        gains = gains_of(loudspeaker_decoder(layout, order)).T
        scale = np.sum(gains * expected) / np.sum(gains**2)
        assert np.abs(scale * gains - expected).max() < 0.01 * expected.max()


class TestSymmetry:
    @pytest.mark.parametrize("name", [n for n in Layout.names() if n not in ("tetrahedron", "snub_cube")])
    @pytest.mark.parametrize("order", [1, 3])
    def test_the_mirrored_field_plays_from_mirrored_loudspeakers(self, name, order, rng):
        signal = rng.normal(size=((order + 1) ** 2, 5))
        layout = Layout.named(name)
        for method in ("sampling", "allrad"):
            decoder = loudspeaker_decoder(layout, order, method)
            mirrored = decoder.decode(mirror(signal, "left_right"))
            assert_close(mirrored[layout.left_right_partners], decoder.decode(signal), factor=10)
            assert decoder_report(decoder).left_right_error < 1e-12

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize(("name", "order"), [("octahedron", 1), ("cube", 1), ("quad", 1), ("octagon", 3)])
    def test_a_turn_of_the_layout_turns_the_signals(self, name, order, method, rng):
        """A quarter turn of the field moves every signal to the loudspeaker a quarter turn further."""
        layout = Layout.polygon(8) if name == "octagon" else Layout.named(name)
        signal = rng.normal(size=((order + 1) ** 2, 5))
        turned = layout.vectors[:, [1, 0, 2]] * [-1, 1, 1]
        further = np.linalg.norm(turned[:, None] - layout.vectors, axis=-1).argmin(axis=1)
        decoder = loudspeaker_decoder(layout, order, method)
        there = decoder.decode(rotate(signal, 90, degrees=True))
        assert_close(there[further], decoder.decode(signal), factor=10)

    def test_an_asymmetric_layout_says_so(self):
        report = decoder_report(loudspeaker_decoder(Layout([30, -31, 180], degrees=True), 1))
        assert report.left_right_error is None
        assert "no symmetric layout" in str(report)

    def test_a_lopsided_decoder_is_found(self):
        decoder = loudspeaker_decoder("quad", 1)
        matrix = decoder.matrix.copy()
        matrix[0] *= 1.1
        assert decoder_report(replace(decoder, matrix=matrix)).left_right_error == pytest.approx(0.1 / 1.1, rel=1e-6)


class TestDecoding:
    @pytest.mark.parametrize("azimuth", [90, -90, 0, 150])
    def test_a_source_is_loudest_where_it_is(self, azimuth):
        layout = Layout([90, -90, 0, 150], degrees=True)
        for method in ("sampling", "epad", "mode_matching", "allrad"):
            signals = loudspeaker_decoder(layout, 1, method).decode(encode(np.ones(1), azimuth, 0, degrees=True))
            assert np.degrees(layout.azimuth[np.abs(signals[:, 0]).argmax()]) == pytest.approx(azimuth)

    def test_low_frequency_channels_are_silent(self, rng):
        signals = decode_loudspeakers(rng.normal(size=(9, 4)), "22.2")
        assert signals.shape == (24, 4)
        assert (signals[[3, 9]] == 0).all()
        assert (np.delete(signals, [3, 9], axis=0) != 0).all()

    def test_libraries_precisions_and_shapes(self, library, dtype, rng):
        decoder = loudspeaker_decoder("7.1.4", 2)
        for shape, axis in (((9, 5), -2), ((2, 3, 9, 5), -2), ((2, 9, 4, 5), -3), ((4, 9), -1)):
            signal = rng.normal(size=shape)
            result = decoder.decode(library.array(signal, dtype), axis=axis)
            assert result.dtype == library.array(signal, dtype).dtype
            expected = np.moveaxis(np.tensordot(decoder.matrix, signal, (1, axis)), 0, axis)
            assert_close(library.numpy(result), expected, dtype)

    def test_spectra(self, library, rng):
        spectrum = rng.normal(size=(2, 9, 4, 3)) + 1j * rng.normal(size=(2, 9, 4, 3))
        decoder = loudspeaker_decoder("cube", 2, "allrad")
        result = library.numpy(decoder.decode(library.array(spectrum), axis=-3))
        assert_close(result, np.einsum("lc,bcft->blft", decoder.matrix, spectrum))

    def test_names_and_layouts_mean_the_default_decoder(self, rng):
        signal = rng.normal(size=(16, 3))
        expected = loudspeaker_decoder("5.1.4", 3).decode(signal)
        assert_close(decode_loudspeakers(signal, "5.1.4"), expected)
        assert_close(decode_loudspeakers(signal, Layout.named("5.1.4")), expected)

    def test_scale_and_nan(self, library):
        signal = np.random.default_rng(2).normal(size=(4, 3))
        signal[2, 1] = np.nan
        large = library.numpy(decode_loudspeakers(library.array(signal), "cube"))
        small = library.numpy(decode_loudspeakers(library.array(signal * 1e-6), "cube"))
        assert np.isnan(large).all(axis=0).tolist() == [False, True, False]
        assert_close(small[:, ::2] * 1e6, large[:, ::2])

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name, rng):
        signal = torch.tensor(rng.normal(size=(4, 6))).to(getattr(torch, name))
        result = decode_loudspeakers(signal, "cube")
        assert result.dtype == signal.dtype
        assert_close(result.double().numpy(), decode_loudspeakers(signal.double().numpy(), "cube"), name)

    def test_gradients(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 4, 3)), requires_grad=True)
        decoder = loudspeaker_decoder("5.1", 1)
        assert torch.autograd.gradcheck(decoder.decode, signal)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal, decoder = torch.tensor(rng.normal(size=(2, 4, 3))), loudspeaker_decoder("5.1", 1)
        compiled = torch.compile(lambda s: decode_loudspeakers(s, decoder), fullgraph=True, backend="eager")
        assert_close(compiled(signal).numpy(), decoder.decode(signal).numpy())


class TestReport:
    def test_shapes_and_summary(self):
        report = decoder_report(loudspeaker_decoder("22.2", 3), np.zeros((4, 1)), [0.1, 0.2], degrees=True)
        assert report.energy.shape == (4, 2)
        assert report.energy_vector.shape == (4, 2, 3)
        text = str(decoder_report(loudspeaker_decoder("5.1", 1, "epad", weighting="basic")))
        for words in ("5.1, order 1, epad, basic, on the circle", "+0.0 dB", "|rE|", "left-right alike"):
            assert words in text

    def test_one_loudspeaker_alone(self):
        """What plays from one place has vectors of length 1 to there, a width of 0, and is heard there."""
        decoder = loudspeaker_decoder("octahedron", 1)
        matrix = np.zeros_like(decoder.matrix)
        matrix[1, 0] = 2.0
        report = decoder_report(replace(decoder, matrix=matrix), 0.0, 0.0)
        place = decoder.layout.vectors[1]
        assert report.energy == 4
        assert report.amplitude == 2
        assert_close(report.velocity_vector, place)
        assert_close(report.energy_vector, place)
        assert report.width == 0
        assert report.direction_error == pytest.approx(np.arccos(place[0]))

    def test_where_there_is_nothing(self):
        decoder = loudspeaker_decoder("octahedron", 1)
        report = decoder_report(replace(decoder, matrix=0 * decoder.matrix), [0.0], [0.0])
        assert (report.energy_vector == 0).all()
        assert (report.velocity_vector == 0).all()
        assert report.direction_error == pytest.approx(np.pi / 2)

    def test_one_angle_is_not_enough(self):
        with pytest.raises(AmbikitError, match="one angle"):
            decoder_report(loudspeaker_decoder("quad", 1), azimuth=0)


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_words(self):
        for words_given, words in (
            ({"method": "mmd"}, "method='mmd'"),
            ({"weighting": "rE"}, "weighting='rE'"),
            ({"preserve": "power"}, "preserve='power'"),
            ({"imaginary": "x"}, "imaginary='x'"),
        ):
            with pytest.raises(AmbikitError, match=words):
                loudspeaker_decoder("quad", 1, **words_given)
        with pytest.raises(AmbikitError, match="order=0"):
            loudspeaker_decoder("quad", 0)

    def test_layouts_that_cannot_carry_the_method(self):
        for method in ("epad", "mode_matching"):
            with pytest.raises(AmbikitError, match="11 sounding.*at least 16, one per harmonic of the sphere"):
                loudspeaker_decoder("7.1.4", 3, method)
            with pytest.raises(AmbikitError, match="2 sounding.*at least 3, one per harmonic of the circle"):
                loudspeaker_decoder("stereo", 1, method)
        one_plane = Layout(np.arange(6), np.full(6, 0.5))
        with pytest.raises(AmbikitError, match="cannot tell all harmonics"):
            loudspeaker_decoder(one_plane, 1, "mode_matching")
        with pytest.warns(UserWarning, match="cannot tell all harmonics.*the energy is kept"):
            loudspeaker_decoder(one_plane, 1, "epad")
        with pytest.raises(AmbikitError, match="at least 3"):
            loudspeaker_decoder(Layout([0, 1], [0.5, 0.5]), 1)

    def test_signals(self):
        decoder = loudspeaker_decoder("cube", 1)
        with pytest.raises(ShapeError, match="expected 4 channels"):
            decoder.decode(np.zeros((9, 5)))
        with pytest.raises(ShapeError, match="5 channels"):
            decode_loudspeakers(np.zeros((5, 5)), "cube")
        with pytest.raises(ShapeError, match="at least 4"):
            decode_loudspeakers(np.zeros((1, 5)), "cube")
        with pytest.raises(ArrayTypeError, match="32768"):
            decoder.decode(np.zeros((4, 5), np.int16))
        with pytest.raises(AmbikitError, match="type int"):
            decode_loudspeakers(np.zeros((4, 5)), 3)
