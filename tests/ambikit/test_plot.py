import builtins

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import pyplot

from ambikit import AmbikitError, MissingExtraError, ShapeError, dolph_chebyshev_weights, encode, plot

matplotlib.use("Agg")

DIRECTIONS = [(0, 0), (90, 0), (-90, 0), (170, 10), (-120, 45), (30, -60)]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def plane_wave(azimuth, elevation):
    """First-order AmbiX written out by hand: W, Y, Z, X."""
    azimuth, elevation = np.radians([azimuth, elevation])
    gains = [1.0, np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    return np.outer(gains, np.random.default_rng(0).standard_normal(200))


def screen_position(axes, azimuth, elevation):
    """Where a direction lies on the drawn picture: 0 … 1 from its left, 0 … 1 from its top."""
    axes.figure.canvas.draw()
    x, y = axes.transAxes.inverted().transform(axes.transData.transform((azimuth, elevation)))
    return x, 1 - y


class TestPlaces:
    @pytest.mark.parametrize(
        ("azimuth", "elevation", "u", "v"),
        [
            (0, 0, 0.5, 0.5),
            (90, 0, 0.25, 0.5),
            (-90, 0, 0.75, 0.5),
            (180, 0, 0.0, 0.5),
            (0, 90, 0.5, 0.0),
            (45, -45, 0.375, 0.75),
        ],
    )
    def test_the_axis_is_that_of_a_360_frame(self, azimuth, elevation, u, v):
        axes = plot.localization_map(None)
        assert screen_position(axes, azimuth, elevation) == pytest.approx((u, v), abs=1e-9)

    @pytest.mark.parametrize(("azimuth", "elevation"), DIRECTIONS)
    def test_the_loudest_place_of_the_energy_map_is_the_source(self, azimuth, elevation):
        axes = plot.energy_map(plane_wave(azimuth, elevation), height=90)
        levels = axes.images[-1].get_array()
        row, column = np.unravel_index(levels.argmax(), levels.shape)
        u, v = 0.5 - azimuth / 360, 0.5 - elevation / 180
        assert (column + 0.5) / 180 == pytest.approx(u, abs=0.51 / 180)
        assert (row + 0.5) / 90 == pytest.approx(v, abs=0.51 / 90)
        # and what is drawn at that place is that element
        left, right, lower, upper = axes.images[-1].get_extent()
        assert left + (right - left) * (column + 0.5) / 180 == pytest.approx(azimuth, abs=1.01)
        assert upper + (lower - upper) * (row + 0.5) / 90 == pytest.approx(elevation, abs=1.01)
        assert axes.images[-1].origin == "upper"

    def test_the_drawn_pixels_are_bright_at_the_source(self):
        """The picture itself: the brightest place of the map lies a quarter of the way from the left."""
        axes = plot.energy_map(plane_wave(90, 0))
        axes.figure.canvas.draw()
        pixels = np.asarray(axes.figure.canvas.buffer_rgba())[..., :3].sum(axis=-1).astype(float)
        box = axes.get_window_extent()
        height = pixels.shape[0]
        inside = pixels[int(height - box.y1) + 3 : int(height - box.y0) - 3, int(box.x0) + 3 : int(box.x1) - 3]
        row, column = np.argwhere(inside == inside.max()).mean(axis=0)
        assert column / inside.shape[1] == pytest.approx(0.25, abs=0.01)
        assert row / inside.shape[0] == pytest.approx(0.5, abs=0.01)

    def test_marks_lie_where_their_directions_lie(self):
        axes = plot.localization_map(None, azimuth=[np.pi / 2, -3.5 * np.pi], elevation=[0.0, -0.5], labels=["a", "b"])
        places = [line.get_xydata()[0] for line in axes.lines]
        np.testing.assert_allclose(places, [(90, 0), (90, np.degrees(-0.5))], atol=1e-9)
        assert [text.get_text() for text in axes.texts] == ["a", "b"]


class TestEnergyMap:
    def test_levels_by_hand(self):
        """A max-rE beam of first order hears (1 + √3 cos γ) / (1 + √3): 1 in front and -11.44 dB behind."""
        levels = plot.energy_map(plane_wave(0, 0), height=180).images[-1].get_array()
        assert levels.max() == 0
        assert levels[90, 180] == pytest.approx(0.0, abs=0.01)
        assert levels[90, 0] == pytest.approx(-11.44, abs=0.02)

    def test_silence_is_drawn_as_nothing(self):
        levels = plot.energy_map(np.zeros((4, 10)), dynamic_range_db=15).images[-1].get_array()
        assert (levels == -15).all()

    @pytest.mark.parametrize("gain", [1e-6, 1e3])
    def test_the_level_of_the_signal_does_not_matter(self, gain):
        one, other = (plot.energy_map(g * plane_wave(20, 10)).images[-1].get_array() for g in (1.0, gain))
        np.testing.assert_allclose(one, other, atol=1e-6)

    def test_tensors_and_panoramas(self):
        panorama = torch.full((20, 40, 3), 128, dtype=torch.uint8)
        axes = plot.energy_map(torch.as_tensor(plane_wave(90, 0), dtype=torch.float32), panorama=panorama)
        picture, heat = axes.images
        assert picture.get_array().dtype == np.uint8
        alpha = heat.get_alpha()
        assert alpha.max() == pytest.approx(0.75)  # the picture shines through even at the loudest place
        assert alpha.min() >= 0

    def test_drawn_into_given_axes(self):
        axes = pyplot.figure().add_subplot()
        assert plot.energy_map(plane_wave(0, 0), axes=axes) is axes


class TestDirectivity:
    def test_the_cardioid_by_hand(self):
        """(1 + cos θ) / 2: 0 dB in front, -6.02 dB at the side, nothing behind."""
        (positive, negative) = plot.directivity("cardioid", floor_db=-40.0).lines
        angle, level = positive.get_data()
        assert np.interp([0, np.pi / 2, -np.pi / 2], angle, level) == pytest.approx([0, -6.0206, -6.0206], abs=1e-3)
        assert level[0] == level[-1] == -40
        assert np.isnan(negative.get_ydata()).all()

    def test_the_rear_lobe_of_the_hypercardioid_is_dashed(self):
        """(1 + 3 cos θ) / 4: half the amplitude and the opposite sign behind."""
        (positive, negative) = plot.directivity("hypercardioid").lines
        assert np.isnan(positive.get_ydata()[0])
        assert negative.get_ydata()[0] == pytest.approx(-6.0206, abs=1e-3)

    def test_weights_instead_of_a_name(self):
        """All side lobes of a Dolph-Chebyshev beam touch one ring."""
        axes = plot.directivity(dolph_chebyshev_weights(4, side_lobe_db=-25.0), label="Dolph-Chebyshev", floor_db=-60.0)
        level = np.nanmax([line.get_ydata() for line in axes.lines], axis=0)
        peaks = level[1:-1][(level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])]
        assert sorted(peaks.round(2)) == pytest.approx([-25.0] * 6 + [0.0], abs=0.01)
        assert level[0] == pytest.approx(-25.0)
        assert axes.get_legend().get_texts()[0].get_text() == "Dolph-Chebyshev"
        again = plot.directivity([0.5, 0.5], axes=axes).get_legend().get_texts()
        assert again[1].get_text() == "weights, order 1"

    def test_the_front_is_up_and_left_is_left(self):
        axes = plot.directivity()
        axes.figure.canvas.draw()
        centre, front, left = (axes.transData.transform(p) for p in ((0, -30), (0, 0), (np.pi / 2, 0)))
        assert front[1] > centre[1]
        assert left[0] < centre[0]


class TestEnergyOverTime:
    def test_a_source_is_where_it_is_when_it_is_there_whatever_its_elevation(self):
        noise = np.random.default_rng(0).standard_normal(4800)
        places = [(90, 0), (-135, 30), (0, -40), (30, 60)]
        signal = np.concatenate([encode(noise, *place, order=3, degrees=True) for place in places], axis=-1)
        axes = plot.energy_over_time(signal, 48000, columns=4)
        (image,) = axes.images
        assert (180 - image.get_array().argmax(axis=0)).tolist() == [90, -135, 0, 30]
        assert image.get_extent() == [0, 0.4, -180.5, 180.5]
        (low, high), (zero, left) = axes.get_ylim(), axes.transData.transform([(0, 0), (0, 90)])[:, 1]
        assert low < high
        assert left > zero

    def test_scale_is_relative_and_silence_is_the_floor(self):
        signal = encode(np.random.default_rng(0).standard_normal(400), 0.0, 0.0)
        one, other = (plot.energy_over_time(s, 48000, columns=8).images[0].get_array() for s in (signal, 1e-6 * signal))
        np.testing.assert_allclose(one, other, atol=1e-9)
        assert (plot.energy_over_time(0 * signal, 48000).images[0].get_array() == -30).all()

    def test_fewer_samples_than_columns(self):
        assert plot.energy_over_time(np.ones((4, 3)), 48000).images[0].get_array().shape == (361, 3)


class TestChannelSpectra:
    def test_the_bands_of_noise_add_up_to_its_level(self):
        """Of white noise a band has the share of its width, 2^(1/6) − 2^(−1/6) of its centre."""
        noise = 0.1 * np.random.default_rng(0).standard_normal((1, 10 * 48000))
        (line,) = plot.channel_spectra(noise, 48000).lines
        frequency, level = line.get_data()
        inside = (frequency > 300) & (frequency < 20000)
        share = (2 ** (1 / 6) - 2 ** (-1 / 6)) * frequency / 24000
        np.testing.assert_allclose(level[inside], -20 + 10 * np.log10(share[inside]), atol=0.4)

    @pytest.mark.parametrize("time", [2000, 8192, 20000])
    def test_a_sine_of_any_length_is_in_its_band(self, time):
        sine = 0.5 * np.sin(2 * np.pi * 4000 * np.arange(time) / 48000)[None]
        (line,) = plot.channel_spectra(sine, 48000).lines
        frequency, level = line.get_data()
        assert frequency[level.argmax()] == pytest.approx(4000)
        assert level.max() == pytest.approx(-9.03, abs=0.2)

    def test_channels_are_named_and_coloured_by_degree(self):
        axes = plot.channel_spectra(np.random.default_rng(0).standard_normal((9, 9000)), 48000)
        names = [text.get_text().split(":")[0] for text in axes.get_legend().get_texts()]
        assert names == [str(channel) for channel in range(9)]
        assert len({tuple(line.get_color()) for line in axes.lines}) == 3
        silent = plot.channel_spectra(np.zeros((4, 9000)), 48000).get_legend().get_texts()
        assert silent[1].get_text() == "Y: −∞ dB"

    def test_no_band_no_picture(self):
        with pytest.raises(AmbikitError, match="third octaves"):
            plot.channel_spectra(np.ones((4, 10)), 1.0)


class TestLearningCurves:
    def test_records_without_the_metric_are_passed_over(self):
        records = [{"step": 0, "loss": 4.0}, {"step": 5, "accuracy": 0.5}, {"step": 10, "loss": 3.0}]
        (line,) = plot.learning_curves(records).lines
        assert line.get_xydata().tolist() == [[0, 4], [10, 3]]

    def test_several_runs_and_the_line_of_chance(self):
        runs = {name: [{"step": 0, "loss": 4.0}] for name in ("one", "other")}
        axes = plot.learning_curves(runs, chance=4.16)
        assert [text.get_text() for text in axes.get_legend().get_texts()] == ["one", "other", "chance"]

    def test_a_metric_that_is_not_there_names_those_that_are(self):
        with pytest.raises(AmbikitError, match="'accuracy', 'step'"):
            plot.learning_curves([{"step": 1, "accuracy": 0.5}])


class TestErrors:
    def test_shapes(self):
        with pytest.raises(ShapeError, match=r"\(height, width, 3\)"):
            plot.localization_map(np.zeros((10, 20)))
        with pytest.raises(ShapeError, match="map"):
            plot.localization_map(None, np.zeros((3, 10, 20)))
        with pytest.raises(ShapeError, match="one pattern"):
            plot.directivity(np.ones((2, 3)))
        with pytest.raises(ShapeError, match="one of each per direction"):
            plot.localization_map(None, azimuth=[0.0, 1.0], elevation=[0.0])

    @pytest.mark.usefixtures("no_shape_hook")
    def test_mono_has_no_map(self):
        with pytest.raises(ShapeError, match="at least 4"):
            plot.energy_map(np.zeros((1, 10)))

    def test_without_matplotlib_the_extra_is_named(self, monkeypatch):
        real = builtins.__import__

        def without(name, *rest):
            if name.startswith("matplotlib"):
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(MissingExtraError, match=r"ambikit\[plot\]"):
            plot.localization_map(None)
