import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError, ShapeError
from ambikit.geometry.channels import channel_count, degrees_of, order_of, spread_over_channels


def test_counts_and_orders():
    assert [channel_count(order) for order in range(5)] == [1, 4, 9, 16, 25]
    assert [order_of(channels) for channels in (1, 4, 9, 16, 25, 961)] == [0, 1, 2, 3, 4, 30]
    assert order_of(np.int64(4)) == 1


def test_acn_numbers_are_n_n_plus_1_plus_m():
    n, m = degrees_of(3)
    assert n.tolist() == [0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]
    assert m.tolist() == [0, -1, 0, 1, -2, -1, 0, 1, 2, -3, -2, -1, 0, 1, 2, 3]


def test_weights_spread_over_the_channels_of_their_degree(library, dtype):
    weights = library.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype)
    spread = spread_over_channels(weights)
    assert spread.dtype == weights.dtype
    assert library.numpy(spread).tolist() == [[1, 2, 2, 2, 3, 3, 3, 3, 3], [4, 5, 5, 5, 6, 6, 6, 6, 6]]


def test_gradients_of_spread_weights_count_the_channels():
    weights = torch.ones(3, requires_grad=True)
    spread_over_channels(weights).sum().backward()
    assert weights.grad.tolist() == [1, 3, 5]


class TestErrors:
    @pytest.mark.parametrize("channels", [0, 2, 3, 5, 8, -4])
    def test_no_order_has_so_many_channels(self, channels):
        with pytest.raises(ShapeError, match=rf"got {channels} channels.*1, 4, 9, 16"):
            order_of(channels)

    @pytest.mark.parametrize("channels", [4.0, "4", None, True])
    def test_counts_are_whole_numbers(self, channels, no_shape_hook):
        with pytest.raises(AmbikitError, match="whole number of channels"):
            order_of(channels)

    @pytest.mark.parametrize("order", [-1, 1.0, "1", True])
    def test_orders_are_whole_numbers(self, order, no_shape_hook):
        for function in (channel_count, degrees_of):
            with pytest.raises(AmbikitError, match="whole number of at least 0"):
                function(order)

    @pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
    def test_no_degrees(self, shape, no_shape_hook):
        with pytest.raises(ShapeError, match="one weight per degree"):
            spread_over_channels(np.zeros(shape))
