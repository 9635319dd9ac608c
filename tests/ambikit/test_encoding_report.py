from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from ambikit import (
    AmbikitError,
    MicrophoneArray,
    MicrophoneEncoder,
    ShapeError,
    encoding_report,
    gauss_legendre_grid,
    microphone_encoder,
    microphone_response,
    plot,
)
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def em32():
    return microphone_encoder("em32")


class TestFigures:
    @pytest.mark.parametrize("name", ["ambeo_vr", "zm1"])
    def test_against_sums_over_many_waves(self, name):
        """Moreau's figures by their definition, over a grid that integrates exactly."""
        encoder = microphone_encoder(name, sample_rate=24000, taps=128)
        frequency = np.array([500.0, 2000.0, 8000.0])
        report = encoding_report(encoder, frequency=frequency)
        azimuth, elevation, weights = gauss_legendre_grid(40)
        heard = microphone_response(encoder.array, azimuth, elevation, frequency)
        time = np.arange(128) - encoder.delay
        spectra = encoder.filters @ np.exp(-2j * np.pi * time[:, None] * frequency / 24000)
        got = np.einsum("cqf,dqf->dcf", spectra, heard)
        wanted = real_spherical_harmonics(azimuth, elevation, encoder.order)[..., None]
        for n in range(encoder.order + 1):
            part = slice(n**2, (n + 1) ** 2)
            along = np.einsum("d,dcf->f", weights, (got * wanted)[:, part]).real
            energy, ideal = (np.einsum("d,dcf->f", weights, abs(x[:, part]) ** 2 + 0 * got[:, part].real)
                             for x in (got, wanted))  # fmt: skip
            assert_close(report.spatial_correlation[n], along / np.sqrt(energy * ideal), factor=1e3)
            assert_close(report.level_difference_db[n], 10 * np.log10(energy / ideal), factor=1e5)

    def test_noise_of_the_capsules(self, rng):
        """White noise in every capsule, through the filters."""
        encoder = microphone_encoder("zm1", sample_rate=24000, taps=64)
        frequency = np.arange(1, 32) * 24000 / 64
        filters = np.fft.rfft(encoder.filters, 64)[..., 1:32]
        noise = rng.standard_normal((4000, 19, 1)) + 1j * rng.standard_normal((4000, 19, 1))
        heard = abs(np.einsum("cqf,tqf->tcf", filters, noise * np.ones(31))) ** 2 / 2
        report = encoding_report(encoder, frequency=frequency)
        for n in range(4):
            measured = 10 * np.log10(heard[:, n**2 : (n + 1) ** 2].mean((0, 1)))
            assert abs(measured - report.noise_gain_db[n]).max() < 0.5

    def test_published_bands_of_the_eigenmike(self, em32):
        """The sensor presets of the Spatial Audio Framework: correlation 0.9 above, 6 dB below at 15 dB over a capsule.

        That is 30 dB of a radial filter for 32 capsules. Its figures for order 2, 3, 4: from 460, 1200, 2200 Hz, to
        8300, 7500, 6500 Hz, called rough.
        """
        report = encoding_report(em32, frequency=np.geomspace(100, 20000, 400))
        for degree, low, high in ((2, 460, 8300), (3, 1200, 7500), (4, 2200, 6500)):
            band = report.usable_band(degree, maximum_difference_db=6.0)
            assert band[0] == pytest.approx(low, rel=0.1)
            assert band[1] == pytest.approx(high, rel=0.05)

    def test_another_array_than_designed_for(self, em32):
        """Half a turn about z makes of Y and X their negatives, of Z itself; a smaller sphere loses level."""
        frequency = [1000.0, 2000.0]
        turned = encoding_report(em32, MicrophoneArray.named("em32").turned(180, degrees=True), frequency)
        assert_close(turned.spatial_correlation[0], [1.0, 1.0], factor=1e9)
        assert_close(turned.spatial_correlation[1], [-1 / 3, -1 / 3], factor=1e10)
        directions = np.array(em32.array.azimuth), np.array(em32.array.elevation)
        small, right = (encoding_report(em32, array, [150.0, 300.0]).level_difference_db[1]
                        for array in (MicrophoneArray(*directions, 0.021, "rigid"), None))  # fmt: skip
        assert small - right == pytest.approx([-6.02, -6.02], abs=0.1)  # half the slope of the pressure

    def test_silence_has_no_likeness(self):
        encoder = MicrophoneEncoder(np.zeros((4, 4, 3)), 48000, MicrophoneArray.tetrahedron())
        report = encoding_report(encoder, frequency=[1000.0])
        assert report.spatial_correlation.tolist() == [[0.0], [0.0]]
        assert report.level_difference_db.tolist() == [[-np.inf], [-np.inf]]
        assert np.isnan(report.usable_band(1)).all()
        assert "nowhere right" in str(report)

    def test_bands_and_words(self, em32):
        report = encoding_report(em32)
        bands = [report.usable_band(n) for n in range(5)]
        assert all(a[0] < b[0] for a, b in pairwise(bands))  # higher degrees begin later
        assert all(a[1] > b[1] for a, b in pairwise(bands))  # and end earlier
        assert "aliasing above 5199 Hz" in str(report)
        assert f"degree 4: right from {bands[4][0]:.0f} to {bands[4][1]:.0f} Hz" in str(report)

    def test_errors(self, em32):
        with pytest.raises(ShapeError, match="one axis"):
            encoding_report(em32, frequency=1000.0)
        with pytest.raises(AmbikitError, match="negative"):
            encoding_report(em32, frequency=[-1.0])
        with pytest.raises(AmbikitError, match="array='em31'"):
            encoding_report(em32, "em31")


class TestPicture:
    def test_lines_are_the_figures(self, em32):
        report = encoding_report(em32, frequency=np.geomspace(50, 16000, 30))
        correlation, level = plot.encoding_error(report)
        for axes, values in ((correlation, report.spatial_correlation), (level, report.level_difference_db)):
            drawn = [line for line in axes.lines if len(line.get_xdata()) == 30]
            assert len(drawn) == 5
            for line, value in zip(drawn, values):
                assert_close(line.get_xdata(), report.frequency)
                assert_close(line.get_ydata(), value)
        assert [text.get_text() for text in correlation.get_legend().get_texts()][:2] == ["degree 0", "degree 1"]

    def test_into_given_axes(self, em32):
        _, panels = pyplot.subplots(1, 2)
        report = encoding_report(em32, frequency=[100.0, 1000.0])
        assert plot.encoding_error(report, axes=panels) == tuple(panels)
