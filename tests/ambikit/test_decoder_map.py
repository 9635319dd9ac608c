import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from ambikit import AmbikitError, Layout, decoder_report, loudspeaker_decoder, plot

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def screen(axes, x, y):
    """0 … 1 from the left and from the bottom of the axes."""
    axes.figure.canvas.draw()
    return axes.transAxes.inverted().transform(axes.transData.transform((x, y)))


class TestSphere:
    def test_a_lone_loudspeaker_is_sharp_where_it_stands(self):
        """Five in front and one on the left: the map is brightest a quarter of the way from the left edge."""
        layout = Layout([90, -20, 20, 0, 0], [0, 0, 0, 20, -20], degrees=True)
        axes = plot.decoder_map(loudspeaker_decoder(layout, 3), height=45)
        values = axes.images[-1].get_array()
        row, column = np.unravel_index(values[:, :34].argmax(), (45, 34))
        assert abs(row - 22) < 2
        assert abs(column - 22) < 3

    @pytest.mark.parametrize("quantity", ["energy_length", "velocity_length", "energy_db", "amplitude", "width"])
    def test_the_values_are_those_of_the_report(self, quantity):
        decoder = loudspeaker_decoder("5.1.4", 2)
        axes = plot.decoder_map(decoder, quantity, height=31)
        values = axes.images[-1].get_array()
        factor = 180 / np.pi if quantity == "width" else 1
        middle = factor * getattr(decoder_report(decoder, [180 / 62], [0.0], degrees=True), quantity)
        mean = 10 * np.log10(decoder_report(decoder, *_pixels(31)).energy.mean()) if quantity == "energy_db" else 0
        if quantity == "energy_db":
            middle = 10 * np.log10(decoder_report(decoder, [180 / 62], [0.0], degrees=True).energy) - mean
        assert values[15, 30] == pytest.approx(middle[0])

    def test_loudspeakers_lie_where_a_360_frame_shows_them(self):
        axes = plot.decoder_map(loudspeaker_decoder("5.1.4", 1), height=31)
        places = {text.get_text(): screen(axes, *text.xy) for text in axes.texts}
        assert places["M+110"] == pytest.approx([0.5 - 110 / 360, 0.5])
        assert places["U-030"] == pytest.approx([0.5 + 30 / 360, 0.5 + 30 / 180])
        assert "LFE1" not in places
        assert axes.get_title() == "5.1.4, order 1, allrad, max re"

    def test_own_axes_and_limits(self):
        axes = pyplot.figure().add_subplot()
        assert plot.decoder_map(loudspeaker_decoder("cube", 1), "energy_db", limits=(-6, 6), axes=axes) is axes
        assert axes.images[-1].get_clim() == (-6, 6)


def _pixels(height):
    from ambikit import pixels_to_angles

    columns, rows = np.meshgrid(np.arange(2 * height), np.arange(height))
    return pixels_to_angles(columns, rows, 2 * height, height)


class TestHorizon:
    def test_left_is_on_the_left_and_the_front_at_the_top(self):
        axes = plot.decoder_map(loudspeaker_decoder("5.1", 2))
        left, front = screen(axes, np.pi / 2, 1.0), screen(axes, 0.0, 1.0)
        assert left[0] < 0.1
        assert front[1] > 0.9
        assert "M+110" in [label.get_text() for label in axes.get_xticklabels()]

    def test_the_line_is_the_report(self):
        decoder = loudspeaker_decoder("quad", 1)
        line = plot.decoder_map(decoder, "direction_error").lines[0]
        place = np.abs(line.get_xdata() - np.radians(20)).argmin()
        error = np.degrees(decoder_report(decoder, 20, 0, degrees=True).direction_error)
        assert line.get_ydata()[place] == pytest.approx(float(error))


@pytest.mark.usefixtures("no_shape_hook")
def test_unknown_quantities():
    with pytest.raises(AmbikitError, match="quantity='rE'.*'energy_length'"):
        plot.decoder_map(loudspeaker_decoder("quad", 1), "rE")
