"""Pictures of segments: directions, and numbers, as time goes on."""

import numpy as np
import pytest
import torch
from matplotlib import pyplot
from numpy.testing import assert_allclose

from ambikit import ShapeError, direction_of_arrival, plot, stft


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


class TestDirectionsOverTime:
    def test_a_batch_of_segments_as_the_library_finds_them(self):
        """Noise from the left in the first of two segments, from the lower right in the second."""
        gains = {(90, 0): [1, 1, 0, 0], (-90, -45): [1, -np.sqrt(0.5), -np.sqrt(0.5), 0]}
        noise = np.random.default_rng(0).standard_normal(8000)
        segments = np.stack([np.outer(gain, noise) for gain in gains.values()])
        found = direction_of_arrival(stft(segments, frame_length=512, hop_length=256)[..., 16:200, :])
        upper, lower = plot.directions_over_time([0, 0.5, 1.0], *found)
        for axes, part in ((upper, 0), (lower, 1)):
            ((_, a), (_, b)) = (bar[0] for bar in sorted(axes.collections[0].get_segments(), key=lambda bar: bar[0, 0]))
            assert_allclose([a, b], [angles[part] for angles in gains], atol=1)

    def test_left_is_above_front_and_up_is_up(self):
        upper, lower = plot.directions_over_time([0, 1], [10], [20], degrees=True)
        for axes in (upper, lower):
            axes.figure.canvas.draw()
            low, high = (axes.transData.transform((0, angle))[1] for angle in (0, 90))
            assert high > low

    def test_the_brighter_the_stronger_and_the_strongest_on_top(self):
        upper, _ = plot.directions_over_time([0, 1], [[0, 5, 10]], [[0, 0, 0]], [[0.2, 0.9, 0.1]], degrees=True)
        bars = upper.collections[0]
        upper.figure.canvas.draw()
        assert [bar[0, 1] for bar in bars.get_segments()] == [10, 0, 5]
        assert (np.diff(bars.get_edgecolor()[:, :3].sum(axis=1)) > 0).all()

    def test_what_is_not_found_is_not_drawn_and_angles_are_brought_round(self):
        nan = np.nan
        upper, lower = plot.directions_over_time(
            [0, 1, 2], [[270, nan], [-180, nan]], [[0, nan], [1, nan]], degrees=True
        )
        assert [bar[0, 1] for bar in upper.collections[0].get_segments()] == [-90, 180]
        assert len(lower.collections[0].get_segments()) == 2
        plot.directions_over_time([0, 1], [nan], [nan], [0.0])[0].figure.canvas.draw()

    def test_tensors_and_axes_of_ones_own(self):
        axes = pyplot.figure().subplots(2)
        given = (torch.tensor(values) for values in ([0.0, 1.0], [0.5], [0.1], [1.0]))
        assert plot.directions_over_time(*given, axes=axes) == tuple(axes)

    @pytest.mark.parametrize(
        "arrays",
        [
            ([0, 1], [0, 1], [0, 1]),
            ([0, 1], [0], [0, 1]),
            ([0, 1], [0], [0], [[1, 2]]),
            ([0], [], []),
        ],
    )
    def test_errors(self, arrays):
        with pytest.raises(ShapeError, match="expected"):
            plot.directions_over_time(*(np.array(each, dtype=float) for each in arrays))


class TestValuesOverTime:
    def test_steps(self):
        axes = plot.values_over_time([0, 1, 3], [-20.0, -np.inf], "level")
        axes.figure.canvas.draw()
        assert axes.get_xlim() == (0, 3)
        assert axes.get_ylim()[0] < -20 < axes.get_ylim()[1]
        values, edges, _ = axes.patches[0].get_data()
        assert_allclose(values, [-20, np.nan])
        assert_allclose(edges, [0, 1, 3])

    @pytest.mark.parametrize("values", [[np.nan, np.nan], [0.0, 0.0]])
    def test_nothing_and_zero_can_be_drawn(self, values):
        plot.values_over_time([0, 1, 2], values, "diffuseness").figure.canvas.draw()

    @pytest.mark.parametrize("values", [[1.0], [[1.0], [2.0]]])
    def test_errors(self, values):
        with pytest.raises(ShapeError, match="expected"):
            plot.values_over_time([0, 1, 2], values, "level")


def test_power_map_is_the_energy_map_of_the_signal():
    signal = np.random.default_rng(0).standard_normal((9, 100))
    maps = (plot.energy_map(signal, height=20), plot.power_map(signal @ signal.T, height=20))
    one, two = (axes.images[-1].get_array() for axes in maps)
    assert_allclose(one, two, atol=1e-9)
    with pytest.raises(ShapeError, match="one channel"):
        plot.power_map(np.ones((1, 1)))
