import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import oaconvolve

from ambikit import (
    BinauralFilters,
    HrirSet,
    binaural_decoder,
    decode_binaural,
    encode,
    fibonacci_grid,
    gauss_legendre_grid,
    mirror,
    rotate,
    spherical_head_hrirs,
    spherical_head_response,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from ambikit.operators.convolution import filter_channels
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

CUT = 1500.0


def spectra_of(decoder, length):
    """The spectra of the filters, their design delay taken back."""
    return np.fft.rfft(np.roll(np.pad(decoder.filters, ((0, 0), (0, 0), (0, length - decoder.filters.shape[-1]))),
                               -decoder.delay, -1))  # fmt: skip


def order_limited_set(rng, order=3, directions=90, taps=12):
    """Ears whose directivity is a sum of harmonics up to an order, at uneven directions."""
    coefficients = rng.normal(size=(2, (order + 1) ** 2, taps))
    vectors = rng.normal(size=(directions, 3))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    azimuth, elevation = np.arctan2(vectors[:, 1], vectors[:, 0]), np.arcsin(vectors[:, 2])
    responses = np.einsum("dc,ect->det", real_spherical_harmonics(azimuth, elevation, order), coefficients)
    return HrirSet(azimuth, elevation, responses, 48000), coefficients


class TestLeastSquares:
    def test_ears_of_limited_order_are_reproduced_exactly(self, rng):
        hrirs, coefficients = order_limited_set(rng)
        decoder = binaural_decoder(hrirs, 3, method="least_squares")
        assert decoder.delay == 0
        assert_close(decoder.filters, coefficients, factor=10)

    def test_and_so_are_they_by_the_other_designs_where_these_have_nothing_to_mend(self, rng):
        hrirs, coefficients = order_limited_set(rng)
        wanted = np.fft.rfft(coefficients, 64)
        magls = binaural_decoder(hrirs, 3, cut_frequency=30000)
        assert_close(spectra_of(magls, magls.filters.shape[-1])[..., :], np.fft.rfft(coefficients, 64), factor=10)
        # on a grid that integrates exactly the diffuse field of the set is that of its harmonics
        azimuth, elevation, weights = gauss_legendre_grid(4)
        responses = np.einsum("dc,ect->det", real_spherical_harmonics(azimuth, elevation, 3), coefficients)
        exact = HrirSet(azimuth, elevation, responses, 48000, weights=weights)
        for option in ("diffuse_field_equalization", "covariance_constraint"):
            decoder = binaural_decoder(exact, 3, method="least_squares", **{option: True})
            assert_close(spectra_of(decoder, 64), wanted, factor=1e3)

    @pytest.mark.parametrize("order", [1, 4])
    def test_the_sphere_in_closed_form(self, order):
        """P_n(cos γ) is the sum of the harmonics of ear and source, so the term n of the sphere's series, times the
        harmonics of the ear, is the filter."""
        decoder = binaural_decoder(order=order, method="least_squares")
        nodes, steps = np.polynomial.legendre.leggauss(90)
        frequency = np.arange(1, 128) * 48000 / 256
        response = spherical_head_response(np.pi / 2 - np.arccos(nodes), 0, frequency)[:, 0]  # by angle from the ear
        latency = np.exp(-2j * np.pi * frequency * 0.001)
        for ear, azimuth in enumerate((np.pi / 2, -np.pi / 2)):
            harmonics = real_spherical_harmonics(azimuth, 0.0, order)
            expected = []
            for channel, value in enumerate(harmonics):
                n = int(np.sqrt(channel))
                polynomial = np.polynomial.legendre.Legendre.basis(n)(nodes)
                expected.append(value * (2 * n + 1) / 2 * (steps * polynomial) @ response * latency)
            assert_close(np.fft.rfft(decoder.filters[ear])[:, 1:128], np.array(expected), factor=1e6)

    def test_uneven_directions_are_weighted_by_area(self):
        """A hundred more directions in one spot do not draw the fit to it."""
        sphere = spherical_head_hrirs(*fibonacci_grid(300), 16000)
        spot = np.full(100, 0.3) + 1e-3 * np.arange(100), np.full(100, 0.2)
        crowded = spherical_head_hrirs(np.append(sphere.azimuth, spot[0]), np.append(sphere.elevation, spot[1]), 16000)
        even, uneven = (binaural_decoder(h, 1, method="least_squares").filters for h in (sphere, crowded))
        assert abs(even - uneven).max() < 0.02 * abs(even).max()

    def test_another_sample_rate_keeps_the_gain(self):
        """1 kHz through a set at 48 kHz, decoded at 44.1 and 96 kHz."""
        hrirs = spherical_head_hrirs(sample_rate=48000)
        responses = []
        for rate in (44100, 48000, 96000):
            decoder = binaural_decoder(hrirs, 2, method="least_squares", sample_rate=rate)
            assert decoder.sample_rate == rate
            responses.append(decoder.filters @ np.exp(-2j * np.pi * 1000 * np.arange(decoder.filters.shape[-1]) / rate))
        for response in responses[::2]:
            assert abs(response - responses[1]).max() < 0.01 * abs(responses[1]).max()


def interaural_delay(ears, sample_rate, high=CUT):
    """By how many seconds the right ear is later, from the cross-correlation of the waves below ``high``."""
    length = 2 * ears.shape[-1]
    left, right = np.fft.rfft(ears, length)
    frequency = np.fft.rfftfreq(length, 1 / sample_rate)
    product = np.where((frequency > 100) & (frequency < high), left.conj() * right, 0)
    lags = np.arange(-60, 61) / 60 * 1e-3
    return lags[np.argmax((product * np.exp(2j * np.pi * frequency * lags[:, None])).real.sum(-1))]


def band_errors(decoder, hrirs, low, high, length=4096):
    """Mean over the sphere of the squared magnitude error in a band, relative to the energy."""
    frequency = np.fft.rfftfreq(length, 1 / hrirs.sample_rate)
    band = (frequency >= low) & (frequency < high)
    wanted = abs(np.fft.rfft(hrirs.responses, length)[..., band])
    harmonics = real_spherical_harmonics(hrirs.azimuth, hrirs.elevation, decoder.order)
    got = abs(np.einsum("dc,ecf->def", harmonics, spectra_of(decoder, length)[..., band]))
    weights = hrirs.sphere_weights()[:, None, None]
    return 10 * np.log10((weights * (got - wanted) ** 2).sum() / (weights * wanted**2).sum())


class TestMagnitudeLeastSquares:
    @pytest.mark.parametrize("order", [1, 3])
    @pytest.mark.parametrize("cut", [800.0, CUT, 4000.0])
    def test_below_the_cut_it_is_least_squares(self, order, cut):
        least, magnitude = (
            binaural_decoder(order=order, method=method, cut_frequency=cut) for method in ("least_squares", "magls")
        )
        length = magnitude.filters.shape[-1]
        below = np.fft.rfftfreq(length, 1 / 48000) < cut
        above = ~below
        expected, got = spectra_of(least, length), spectra_of(magnitude, length)
        assert_close(got[..., below], expected[..., below], factor=10)
        assert abs(got[..., above] - expected[..., above]).max() > 0.1

    @pytest.mark.parametrize("order", [1, 2, 3, 5])
    @pytest.mark.parametrize("band", [(1600, 3000), (3000, 6000), (6000, 12000), (12000, 20000)])
    def test_above_the_cut_magnitudes_are_nearer(self, order, band):
        hrirs = spherical_head_hrirs()
        least, magnitude = (band_errors(binaural_decoder(hrirs, order, method=m), hrirs, *band)
                            for m in ("least_squares", "magls"))  # fmt: skip
        assert magnitude < least - 5  # dB

    def test_filters_end_in_silence(self):
        """What rings before its cause stands before it and does not wrap round to the end."""
        filters = binaural_decoder(order=3).filters
        energy = (filters**2).sum((0, 1))
        assert energy[: len(energy) // 32].sum() < 1e-3 * energy.sum()
        assert energy[-len(energy) // 2 :].sum() < 1e-3 * energy.sum()

    def test_a_cut_beyond_nyquist_leaves_least_squares(self):
        length = binaural_decoder(order=1).filters.shape[-1]
        all_phases = spectra_of(binaural_decoder(order=1, cut_frequency=1e5), length)
        assert_close(all_phases, spectra_of(binaural_decoder(order=1, method="least_squares"), length), factor=10)


class TestDiffuseField:
    """Against many plane waves of random phase, whose covariance at the ears is the mean over their directions."""

    def covariances(self, decoder, hrirs):
        length = 1024
        azimuth, elevation, weights = gauss_legendre_grid(decoder.order + 2)
        waves = real_spherical_harmonics(azimuth, elevation, decoder.order)
        ears = np.einsum("dc,ecf->edf", waves, spectra_of(decoder, length))
        got = np.einsum("edf,gdf,d->egf", ears, ears.conj(), weights)
        measured = np.fft.rfft(hrirs.responses, length)
        return got, np.einsum("def,dgf,d->egf", measured, measured.conj(), hrirs.sphere_weights())

    @pytest.mark.parametrize("method", ["magls", "least_squares"])
    @pytest.mark.parametrize("order", [1, 3])
    def test_equalization(self, method, order):
        hrirs = spherical_head_hrirs()
        plain, wanted = self.covariances(binaural_decoder(hrirs, order, method=method), hrirs)
        got, _ = self.covariances(binaural_decoder(hrirs, order, method=method, diffuse_field_equalization=True), hrirs)
        energy = [np.trace(c).real for c in (got, wanted, plain)]
        assert_close(energy[0], energy[1], factor=100)
        assert abs(energy[2] / energy[1] - 1).max() > 0.01

    @pytest.mark.parametrize("method", ["magls", "least_squares"])
    @pytest.mark.parametrize("order", [1, 3])
    def test_covariance(self, method, order):
        hrirs = spherical_head_hrirs()
        decoder = binaural_decoder(hrirs, order, method=method, covariance_constraint=True)
        got, wanted = self.covariances(decoder, hrirs)
        assert_close(got, wanted, factor=1e4)
        assert np.isfinite(decoder.filters).all()

    def test_no_other_filters_with_this_covariance_are_nearer(self, rng):
        from ambikit.operators.binaural_design import constrain_covariance

        filters, spectra = (rng.normal(size=(2, 9, 4)) + 1j * rng.normal(size=(2, 9, 4)) for _ in range(2))
        energies = 1 / np.repeat([1, 3, 5], [1, 3, 5])[:, None]
        best = constrain_covariance(filters, spectra, np.full(9, 1 / 9))
        root = np.sqrt(energies)

        def distance(candidate):
            return (abs(candidate - filters) ** 2 * energies).sum((0, 1))

        for _ in range(50):
            turn = np.linalg.qr(np.eye(9) + 0.1 * (rng.normal(size=(9, 9)) + 1j * rng.normal(size=(9, 9))))[0]
            other = np.einsum("ecf,cd->edf", best * root, turn) / root
            assert (distance(other) >= distance(best) - 1e-9).all()


class TestSides:
    @pytest.mark.parametrize("design", [
        {"method": "least_squares"}, {}, {"covariance_constraint": True}, {"diffuse_field_equalization": True}
    ])  # fmt: skip
    @pytest.mark.parametrize("order", [1, 3])
    def test_a_mirrored_field_exchanges_the_ears(self, order, design, rng):
        field = rng.normal(size=((order + 1) ** 2, 300))
        ears = decode_binaural(field, 48000, **design)
        mirrored = decode_binaural(mirror(field, "left_right"), 48000, **design)
        assert_close(mirrored, ears[::-1], factor=1e3)

    @pytest.mark.parametrize("method", ["least_squares", "magls"])
    @pytest.mark.parametrize("order", [1, 2, 4])
    def test_left_is_left(self, order, method):
        """A click on the left is louder and earlier on the left, in the middle the same on both sides."""
        click = np.zeros(1024)
        click[200] = 1
        for azimuth in (30, 60, 90, 120):
            ears = decode_binaural(encode(click, azimuth, 0, order, degrees=True), 48000, method=method)
            energy = (ears**2).sum(-1)
            assert energy[0] > 1.3 * energy[1]
            assert 1e-4 < interaural_delay(ears, 48000) < 1e-3
        front = decode_binaural(encode(click, 0, 0, order), 48000, method=method)
        assert_close(front[0], front[1], factor=1e4)

    @given(st.floats(-180, 180), st.floats(-180, 180), st.floats(-80, 80))
    def test_turning_the_field_is_moving_the_source(self, azimuth, yaw, elevation):
        noise = np.random.default_rng(0).normal(size=64)
        turned = rotate(encode(noise, azimuth, elevation, 3, degrees=True), yaw, degrees=True)
        moved = encode(noise, azimuth + yaw, elevation, 3, degrees=True)
        assert_close(decode_binaural(turned, 48000), decode_binaural(moved, 48000), factor=10)

    def test_a_source_is_heard_as_through_its_own_responses(self, rng):
        """With ears of limited order the chain encode, turn, decode is the convolution with the measured response."""
        hrirs, _ = order_limited_set(rng)
        noise = rng.normal(size=50)
        for index in (0, 17, 60):
            azimuth, elevation = hrirs.azimuth[index], hrirs.elevation[index]
            field = rotate(encode(noise, azimuth - 0.8, elevation, 3), yaw=0.8)
            ears = decode_binaural(field, 48000, hrirs, method="least_squares", tail=True)
            expected = [np.convolve(noise, response) for response in hrirs.responses[index]]
            assert_close(ears, np.array(expected), factor=100)


class TestConvolution:
    def direct(self, signal, filters, advance=0, tail=False):
        full = sum(oaconvolve(signal[..., None, c, :], filters[:, c], axes=-1) for c in range(filters.shape[1]))
        return full[..., advance:] if tail else full[..., advance : advance + signal.shape[-1]]

    @pytest.mark.parametrize("time", [1, 7, 500, 70_000, 200_001])
    @pytest.mark.parametrize("advance", [0, 5])
    @pytest.mark.parametrize("tail", [False, True])
    def test_against_scipy(self, library, dtype, time, advance, tail, rng):
        signal, filters = rng.normal(size=(4, time)), rng.normal(size=(2, 4, 33))
        padded = np.pad(signal, ((0, 0), (0, 40)))
        expected = self.direct(padded, filters, advance)[..., : time + 32 - advance if tail else time]
        got = filter_channels(library.array(signal, dtype), filters, advance=advance, tail=tail)
        assert got.dtype == library.array(signal, dtype).dtype
        assert_close(library.numpy(got), expected, dtype, factor=3)

    def test_against_the_sum_written_out(self, rng):
        signal, filters = rng.normal(size=(2, 9)), rng.normal(size=(3, 2, 4))
        got = filter_channels(signal, filters, advance=1)
        for row in range(3):
            for t in range(9):
                terms = (
                    filters[row, c, k] * signal[c, t + 1 - k]
                    for c in range(2) for k in range(4) if 0 <= t + 1 - k < 9
                )  # fmt: skip
                assert got[row, t] == pytest.approx(sum(terms), abs=1e-12)

    def test_filters_longer_than_the_signal_and_than_a_block(self, rng):
        signal, filters = rng.normal(size=(1, 5)), rng.normal(size=(1, 1, 70_000))
        assert_close(filter_channels(signal, filters, tail=True), self.direct(signal, filters, tail=True), factor=10)
        signal = rng.normal(size=(1, 300_000))
        assert_close(filter_channels(signal, filters), self.direct(signal, filters), factor=10)

    @pytest.mark.parametrize("time", [300, 70_000])
    def test_what_is_not_finite_reaches_no_further_than_the_filters(self, library, time, rng):
        signal, filters = rng.normal(size=(2, 4, time)), rng.normal(size=(2, 4, 21))
        whole = library.numpy(filter_channels(library.array(signal), filters, advance=3))
        for value in (np.nan, np.inf, -np.inf):
            broken = signal.copy()
            broken[0, 2, 150] = value
            got = library.numpy(filter_channels(library.array(broken), filters, advance=3))
            reached = np.zeros(time, bool)
            reached[147:168] = True
            assert np.array_equal(np.isnan(got[0]), np.broadcast_to(reached, (2, time)))
            assert_close(got[0][:, ~reached], whole[0][:, ~reached], factor=10)
            assert_close(got[1], whole[1])


class TestDecode:
    def test_batches(self, library, dtype, rng):
        signal = rng.normal(size=(2, 3, 9, 200))
        decoder = binaural_decoder(order=2)
        ears = decode_binaural(library.array(signal, dtype), 48000, decoder)
        assert ears.dtype == library.array(signal, dtype).dtype
        ears = library.numpy(ears)
        assert ears.shape == (2, 3, 2, 200)
        for i in range(2):
            for j in range(3):
                assert_close(ears[i, j], decode_binaural(signal[i, j], 48000, decoder), dtype)
        assert library.numpy(decode_binaural(library.array(np.zeros((0, 9, 5))), 48000, decoder)).shape == (0, 2, 5)

    def test_the_default_is_the_sphere(self, rng):
        signal = rng.normal(size=(4, 300))
        by_hand = decode_binaural(signal, 32000, binaural_decoder(None, 1, sample_rate=32000))
        assert np.array_equal(decode_binaural(signal, 32000), by_hand)
        assert_close(decode_binaural(signal, 32000, spherical_head_hrirs(sample_rate=32000)), by_hand)

    def test_both_methods_are_in_time_with_each_other(self):
        """The delay of the design is taken back: below the cut a click gives the same waves at the same time."""
        click = np.eye(1, 600, 300)[0]
        field = encode(np.pad(click, (0, 2000)), 60, 0, 4, degrees=True)
        below = np.fft.rfftfreq(2600, 1 / 48000) < 1200
        least, magnitude = (
            np.fft.rfft(decode_binaural(field, 48000, method=method))[:, below] for method in ("least_squares", "magls")
        )
        assert abs(least - magnitude).max() < 0.03 * abs(least).max()

    def test_the_tail(self):
        signal = np.ones((4, 10))
        decoder = BinauralFilters(np.ones((2, 4, 5)), 8000, delay=1)
        assert decode_binaural(signal, 8000, decoder).shape == (2, 10)
        ears = decode_binaural(signal, 8000, decoder, tail=True)
        assert_close(ears[0], 4.0 * np.array([2, 3, 4, 5, 5, 5, 5, 5, 5, 4, 3, 2, 1]))

    def test_scale_does_not_matter(self, rng):
        signal = rng.normal(size=(4, 200)).astype(np.float32)
        assert_close(1e6 * decode_binaural(np.float32(1e-6) * signal, 48000), decode_binaural(signal, 48000), "float32")

    @pytest.mark.parametrize("half", ["float16", "bfloat16"])
    def test_half_precision(self, half, rng):
        signal = torch.tensor(rng.normal(size=(4, 200)), dtype=getattr(torch, half))
        ears = decode_binaural(signal, 48000)
        assert ears.dtype == signal.dtype
        assert_close(ears.float().numpy(), decode_binaural(signal.float().numpy(), 48000), half)

    def test_gradients(self):
        signal = torch.randn(2, 4, 12, dtype=torch.float64, requires_grad=True)
        decoder = BinauralFilters(np.random.default_rng(0).normal(size=(2, 4, 5)), 48000, delay=2)
        assert torch.autograd.gradcheck(lambda x: decode_binaural(x, 48000, decoder), signal)
        with torch.no_grad():
            broken = signal.detach().clone()
            broken[0, 1, 4] = float("nan")
        broken.requires_grad_()
        decode_binaural(broken, 48000, decoder)[1].sum().backward()
        assert broken.grad.isfinite().all()

    @pytest.mark.parametrize("time", [100, 70_000])
    def test_compiles_whole(self, time, no_shape_hook):
        decoder = binaural_decoder(order=1)
        signal = torch.randn(2, 4, time)
        for call in (lambda x: decode_binaural(x, 48000, decoder), lambda x: decode_binaural(x, 48000)):
            compiled = torch.compile(call, fullgraph=True, backend="eager")
            assert_close(compiled(signal).numpy(), call(signal).numpy(), "float32")


class TestErrors:
    def test_signals_and_decoders_that_do_not_fit(self, no_shape_hook):
        decoder = binaural_decoder(order=1)
        with pytest.raises(ShapeError, match="order 2 and a decoder of order 1"):
            decode_binaural(np.zeros((9, 10)), 48000, decoder)
        with pytest.raises(AmbikitError, match="44100 Hz and a decoder for 48000 Hz"):
            decode_binaural(np.zeros((4, 10)), 44100, decoder)
        with pytest.raises(AmbikitError, match="method with filters that are designed"):
            decode_binaural(np.zeros((4, 10)), 48000, decoder, method="magls")
        with pytest.raises(ArrayTypeError, match="decoder of type str"):
            decode_binaural(np.zeros((4, 10)), 48000, "kemar.sofa")
        with pytest.raises(ArrayTypeError, match="dtype int16"):
            decode_binaural(np.zeros((4, 10), np.int16), 48000)
        with pytest.raises(ArrayTypeError, match="complex"):
            decode_binaural(np.zeros((4, 10), complex), 48000)
        with pytest.raises(ShapeError, match="empty"):
            decode_binaural(np.zeros((4, 0)), 48000)
        with pytest.raises(ShapeError, match="5 channels"):
            decode_binaural(np.zeros((5, 10)), 48000)

    def test_designs_that_cannot_be(self, no_shape_hook):
        few = spherical_head_hrirs(*fibonacci_grid(12), 48000)
        with pytest.raises(AmbikitError, match="12 directions for a decoder of order 3"):
            binaural_decoder(few, 3)
        azimuth, elevation = fibonacci_grid(600)
        above = spherical_head_hrirs(azimuth[elevation > 0], elevation[elevation > 0], 48000)
        with pytest.raises(AmbikitError, match="lower the order"):
            binaural_decoder(above, 7)
        for wrong in ({"method": "time_alignment"}, {"cut_frequency": 0}, {"order": -1}, {"sample_rate": 0}):
            with pytest.raises(AmbikitError):
                binaural_decoder(**wrong)
        with pytest.raises(AmbikitError, match="order 0"):
            binaural_decoder(order=0, covariance_constraint=True)
        with pytest.raises(ArrayTypeError, match="hrirs of type str"):
            binaural_decoder("kemar.sofa")

    def test_filters_that_are_none(self, no_shape_hook):
        for shape in ((2, 4), (1, 4, 8), (2, 5, 8), (2, 4, 0)):
            with pytest.raises(ShapeError):
                BinauralFilters(np.zeros(shape), 48000)
        with pytest.raises(AmbikitError):
            BinauralFilters(np.zeros((2, 4, 8)), 48000, delay=8)
        with pytest.raises(AmbikitError):
            BinauralFilters(np.zeros((2, 4, 8)), 0)
