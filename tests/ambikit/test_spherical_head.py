import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from ambikit import angles_to_vectors, fibonacci_grid, spherical_head_hrirs, spherical_head_response
from ambikit.errors import AmbikitError, ShapeError
from tests.closeness import assert_close

RADIUS, SPEED = 0.0875, 343.0


def rabinowitz(x, cosine, distance=None):
    """The series term by term with SciPy's Bessel functions; ``distance`` in radii (Duda and Martens 1998, eq. 3).

    It is conjugated, since the paper counts time the other way, and cut where SciPy's functions overflow.
    """
    total = 0.0
    for n in range(300):
        derivative = spherical_jn(n, x, True) + 1j * spherical_yn(n, x, True)
        if distance is None:
            term = (-1j) ** (n - 1) * (2 * n + 1) / x**2 / derivative
        else:
            if not np.isfinite(derivative):
                break
            far = spherical_jn(n, distance * x) + 1j * spherical_yn(n, distance * x)
            term = -distance / x * np.exp(-1j * distance * x) * (2 * n + 1) * far / derivative
        if not np.isfinite(term) or (n > x and abs(term) < 1e-18):
            break
        total += term * eval_legendre(n, cosine)
    return np.conj(total)


class TestResponse:
    @pytest.mark.parametrize("distance", [None, 1.5, 8.0])
    @pytest.mark.parametrize("azimuth", [90, 30, -45, -90, 180])
    def test_against_the_series_term_by_term(self, azimuth, distance):
        frequency = np.array([50.0, 400, 3000, 9000, 20000])
        metres = None if distance is None else distance * RADIUS
        response = spherical_head_response(azimuth, 20, frequency, distance=metres, degrees=True)
        cosine = angles_to_vectors(azimuth, 20, degrees=True)[1]
        for ear, sign in enumerate((1, -1)):
            x = 2 * np.pi * frequency * RADIUS / SPEED
            expected = [rabinowitz(value, sign * cosine, distance) for value in x]
            np.testing.assert_allclose(response[ear], expected, rtol=0, atol=1e-8)

    def test_a_boundary_that_does_not_move(self):
        """Independent of any series for the surface: the field of the incident and the scattered wave around the
        sphere, sampled just off it, has no radial slope; on the surface it is the response."""
        x, cosine, step = 5.0, 0.3, 1e-4

        def pressure(r):
            total = 0.0
            for n in range(40):
                hankel = spherical_jn(n, x * r) - 1j * spherical_yn(n, x * r)
                slope = spherical_jn(n, x, True) - 1j * spherical_yn(n, x, True)
                scattered = -spherical_jn(n, x, True) / slope * hankel
                total += 1j**n * (2 * n + 1) * eval_legendre(n, cosine) * (spherical_jn(n, x * r) + scattered)
            return total

        assert abs(pressure(1 + step) - pressure(1)) < 50 * step**2
        azimuth, frequency = np.pi / 2 - np.arccos(cosine), x * SPEED / (2 * np.pi * RADIUS)
        response = spherical_head_response(azimuth, 0, [frequency])
        np.testing.assert_allclose(response[0, 0], pressure(1), atol=1e-12)

    def test_published_time_differences(self):
        """3 a / c sin θ in µs towards low frequencies, a / c (θ + sin θ) towards high ones (Kuhn; Woodworth)."""
        low = {15: 198.1, 30: 382.7, 45: 541.2, 60: 662.8, 90: 765.3}
        high = {15: 132.8, 30: 261.1, 45: 380.7, 60: 488.1, 90: 655.8}
        frequency = np.arange(1.0, 80000, 100)
        for angle in low:
            response = spherical_head_response(angle, 0, frequency, degrees=True)
            phase = np.unwrap(np.angle(response))
            difference = (phase[0] - phase[1]) / (2 * np.pi * frequency) * 1e6
            assert difference[0] == pytest.approx(low[angle], abs=0.1)
            assert difference[-1] == pytest.approx(high[angle], rel=0.012)  # creeping waves are a little slower
            # the difference falls from the low-frequency limit to the high-frequency one, and there it goes on falling
            assert difference[frequency.searchsorted(20000)] > difference[-1] > high[angle]

    def test_left_is_louder_and_earlier_on_the_left(self):
        hrirs = spherical_head_hrirs(90, 0, 48000, degrees=True)
        energy, onset = (hrirs.responses[0] ** 2).sum(-1), abs(hrirs.responses[0]).argmax(-1)
        assert energy[0] > 4 * energy[1]
        assert onset[0] < onset[1]

    def test_long_waves_pass_and_short_ones_double(self):
        response = spherical_head_response([90, -90, 0], 0, [0, 1e-3, 2e5], degrees=True)
        assert_close(response[:, :, 0], np.ones((3, 2)))
        assert abs(response[:, :, 1] - 1).max() < 1e-5
        assert abs(abs(response[0, 0, 2]) - 2) < 0.01

    def test_a_far_source_is_a_plane_wave(self):
        frequency = [0, 300, 8000]
        plane = spherical_head_response(50, 10, frequency, degrees=True)
        far = spherical_head_response(50, 10, frequency, distance=1000.0, degrees=True)
        np.testing.assert_allclose(far, plane, atol=1e-3)

    def test_a_near_source_is_louder_at_the_near_ear_even_for_long_waves(self):
        """A point source 2 radii away: as in the paper, the level difference of long waves grows to several dB."""
        near = abs(spherical_head_response(90, 0, [1.0], distance=2 * RADIUS, degrees=True))
        exact = [sum((2 * n + 1) / (n + 1) * sign**n * 2.0**-n for n in range(200)) for sign in (1, -1)]
        np.testing.assert_allclose(near[:, 0], exact, rtol=1e-5)

    def test_ears_further_back(self):
        """With ears at 100° a source there is heard as one at 90° by ears at 90°."""
        frequency = np.array([500.0, 5000])
        back = spherical_head_response(100, 0, frequency, ear_azimuth=100, degrees=True)
        side = spherical_head_response(90, 0, frequency, degrees=True)
        assert_close(back[0], side[0])
        cosine = np.cos(np.radians(200))
        assert_close(back[1, 1], rabinowitz(2 * np.pi * 5000 * RADIUS / SPEED, cosine), factor=1e4)

    @given(st.floats(-180, 180), st.floats(-90, 90), st.floats(0, 24000))
    def test_a_mirrored_source_exchanges_the_ears(self, azimuth, elevation, frequency):
        left = spherical_head_response(azimuth, elevation, [frequency], degrees=True)
        right = spherical_head_response(-azimuth, elevation, [frequency], degrees=True)
        assert_close(right, left[::-1], factor=10)

    def test_shapes(self):
        assert spherical_head_response(np.zeros((2, 1)), np.zeros(3), [1, 2, 3, 4]).shape == (2, 3, 2, 4)


class TestImpulseResponses:
    def test_the_spectrum_is_the_response(self):
        azimuth, elevation = fibonacci_grid(20)
        hrirs = spherical_head_hrirs(azimuth, elevation, 44100)
        frequency = np.arange(129) * 44100 / 256
        expected = spherical_head_response(azimuth, elevation, frequency)
        expected = expected * np.exp(-2j * np.pi * frequency * 44 / 44100)  # 1 ms, in whole samples
        assert hrirs.sample_rate == 44100
        assert_close(np.fft.rfft(hrirs.responses)[..., :-1], expected[..., :-1])

    @pytest.mark.parametrize(("rate", "taps"), [(8000, 64), (16000, 128), (44100, 256), (48000, 256), (96000, 512)])
    def test_any_rate(self, rate, taps):
        """The onsets differ by a / c (θ + sin θ), later by some 20 µs as the far front is dull; none wraps round."""
        hrirs = spherical_head_hrirs(90, 0, rate, degrees=True)
        assert hrirs.responses.shape == (1, 2, taps)
        envelope = abs(hrirs.responses[0])
        onset = [np.argmax(ear > 0.2 * ear.max()) for ear in envelope]
        assert (onset[1] - onset[0]) / rate == pytest.approx(670e-6, abs=25e-6 + 1.5 / rate)
        assert envelope[:, : onset[0] - 6].max() < 0.1 * envelope.max()

    def test_the_default_grid_has_its_weights(self):
        hrirs = spherical_head_hrirs()
        assert hrirs.responses.shape == (1922, 2, 256)
        assert hrirs.sphere_weights().sum() == pytest.approx(1)
        assert "sphere" in hrirs.source

    def test_numbers_in_degrees_leave_the_default_ears_at_90(self):
        assert_close(
            spherical_head_hrirs(30, 0, 48000, degrees=True).responses,
            spherical_head_hrirs(np.pi / 6, 0, 48000).responses,
        )


class TestErrors:
    def test_numbers_that_make_no_head(self):
        for wrong in ({"radius": 0}, {"speed_of_sound": -1}, {"distance": 0.09}):
            with pytest.raises(AmbikitError):
                spherical_head_response(0, 0, [1000], **wrong)
        with pytest.raises(AmbikitError, match="negative"):
            spherical_head_response(0, 0, [-1000])
        with pytest.raises(ShapeError):
            spherical_head_response(0, 0, 1000)
        with pytest.raises(ShapeError):
            spherical_head_hrirs(np.zeros((2, 2)), 0)
        with pytest.raises(AmbikitError, match="both or none"):
            spherical_head_hrirs(0.0)
        with pytest.raises(AmbikitError, match="taps"):
            spherical_head_hrirs(0, 0, taps=16)
        with pytest.raises(AmbikitError, match="sample_rate"):
            spherical_head_hrirs(sample_rate=0)
