import numpy as np
import pytest
import torch

from ambikit import encode, rotate
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics


class TestValues:
    @pytest.mark.parametrize(
        ("azimuth", "elevation", "gains"),
        [
            (0, 0, [1, 0, 0, 1]),
            (90, 0, [1, 1, 0, 0]),
            (-90, 0, [1, -1, 0, 0]),
            (180, 0, [1, 0, 0, -1]),
            (0, 90, [1, 0, 1, 0]),
            (0, -90, [1, 0, -1, 0]),
        ],
        ids=["front", "left", "right", "back", "up", "down"],
    )
    def test_the_six_directions(self, azimuth, elevation, gains, library, dtype, rng):
        signal = rng.normal(size=8)
        sound = encode(library.array(signal, dtype), azimuth, elevation, degrees=True)
        assert sound.dtype == library.array(signal, dtype).dtype
        assert_close(library.numpy(sound), np.outer(gains, signal), dtype)

    @pytest.mark.parametrize("order", [0, 1, 3, 7])
    def test_against_the_harmonics_of_scipy(self, order, library, rng):
        signal = rng.normal(size=5)
        azimuth, elevation = rng.uniform(-3, 3, 4), rng.uniform(-1.5, 1.5, 4)
        sound = encode(library.array(signal), library.array(azimuth), library.array(elevation), order)
        expected = real_spherical_harmonics(azimuth, elevation, order)[..., None] * signal
        assert_close(library.numpy(sound), expected)

    def test_angles_broadcast_with_the_axes_before_time(self, library, rng):
        signal, azimuth = rng.normal(size=(2, 1, 6)), rng.uniform(-3, 3, (2, 3))
        sound = library.numpy(encode(library.array(signal), library.array(azimuth), 0.3, 2))
        assert sound.shape == (2, 3, 9, 6)
        for n in range(2):
            for k in range(3):
                assert_close(sound[n, k], encode(signal[n, 0], azimuth[n, k], 0.3, 2))


class TestTrajectory:
    def test_each_sample_has_its_own_direction(self, library, rng):
        signal, azimuth = rng.normal(size=7), np.linspace(-2, 2, 7)
        moving = library.numpy(encode(library.array(signal), library.array(azimuth), 0.2, 3, trajectory=True))
        for t in range(7):
            assert_close(moving[:, t], encode(signal, azimuth[t], 0.2, 3)[:, t])

    def test_a_trajectory_that_stands_still_is_static(self, rng):
        signal = rng.normal(size=(2, 7))
        moving = encode(signal, np.full(7, 0.4), np.full(7, -0.2), 2, trajectory=True)
        assert_close(moving, encode(signal, 0.4, -0.2, 2))

    def test_batches_of_trajectories(self, library, rng):
        signal, azimuth = rng.normal(size=(2, 1, 5)), rng.uniform(-3, 3, (2, 3, 5))
        moving = library.numpy(encode(library.array(signal), library.array(azimuth), 0.1, trajectory=True))
        assert moving.shape == (2, 3, 4, 5)
        assert_close(moving[1, 2], encode(signal[1, 0], azimuth[1, 2], 0.1, trajectory=True))


class TestLaws:
    def test_w_is_the_signal_and_every_degree_carries_its_energy(self, rng):
        signal = rng.normal(size=6)
        sound = encode(signal, 1.0, -0.7, 5)
        assert np.array_equal(sound[0], signal)
        for n in range(6):
            assert_close((sound[n * n : (n + 1) ** 2] ** 2).sum(0), signal**2)

    def test_scale(self, library, dtype, rng):
        signal = library.array(rng.normal(size=6), dtype)
        assert_close(library.numpy(encode(signal * 1e-6, 1, 1) * 1e6), library.numpy(encode(signal, 1, 1)), dtype)


class TestBackends:
    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision_comes_back_in_its_own_dtype(self, name, rng):
        signal = torch.tensor(rng.normal(size=6)).to(getattr(torch, name))
        sound = encode(signal, 0.7, 0.4, 2)
        assert sound.dtype == signal.dtype
        assert_close(sound.double().numpy(), encode(signal.double().numpy(), 0.7, 0.4, 2), name)

    def test_numpy_half_precision(self):
        assert encode(np.ones(3, np.float16), 0.7, 0.4).dtype == np.float16

    def test_angles_in_single_precision_do_not_spoil_a_double_signal(self, rng):
        signal, azimuth = torch.tensor(rng.normal(size=6)), torch.tensor(0.7)
        assert_close(encode(signal, azimuth, 0.0).numpy(), encode(signal.numpy(), float(azimuth), 0.0))

    def test_gradients_to_signal_and_angles(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 3)), requires_grad=True)
        angles = torch.tensor(rng.uniform(-1, 1, (2, 2)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda s, a: encode(s, a[0], a[1], 3), (signal, angles))
        track = torch.tensor(rng.uniform(-1, 1, (2, 3)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda s, a: encode(s, a, 0.5, trajectory=True), (signal, track))

    def test_a_gradient_to_the_angles_alone(self):
        azimuth = torch.tensor(0.0, dtype=torch.float64, requires_grad=True)
        encode(torch.ones(1, dtype=torch.float64), azimuth, 0.0)[1].sum().backward()
        assert azimuth.grad.item() == pytest.approx(1.0)  # Y = sin(azimuth)

    def test_vmap(self, rng):
        signal, azimuth = torch.tensor(rng.normal(size=(3, 4))), torch.tensor(rng.uniform(-3, 3, 3))
        mapped = torch.vmap(lambda s, a: encode(s, a, 0.1, 2))(signal, azimuth)
        assert_close(mapped.numpy(), encode(signal, azimuth, 0.1, 2).numpy())

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal, azimuth = torch.tensor(rng.normal(size=(2, 6))), torch.tensor([0.3, 2.0])
        for function in (lambda s, a: encode(s, a, 0.2, 3), lambda s, a: encode(s, 0.3, 0.2, 3)):
            compiled = torch.compile(function, fullgraph=True, backend="eager")
            assert_close(compiled(signal, azimuth).numpy(), function(signal, azimuth).numpy())

    def test_nan_stays_at_its_sample(self, library):
        sound = library.numpy(encode(library.array(np.array([1.0, np.nan])), 0.3, 0.2))
        assert np.isnan(sound[:, 1]).all()
        assert not np.isnan(sound[:, 0]).any()


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_integers_and_spectra(self):
        with pytest.raises(ArrayTypeError, match="32768"):
            encode(np.zeros(4, np.int16), 0, 0)
        with pytest.raises(ArrayTypeError, match="complex64"):
            encode(np.zeros(4, np.complex64), 0, 0)
        with pytest.raises(ArrayTypeError, match="type list"):
            encode([0.0, 1.0], 0, 0)

    def test_no_time(self):
        for signal in (np.zeros((3, 0)), np.array(1.0)):
            with pytest.raises(ShapeError, match="at least one sample"):
                encode(signal, 0, 0)

    def test_order(self):
        with pytest.raises(AmbikitError, match="order=-1"):
            encode(np.zeros(4), 0, 0, -1)

    def test_shapes_that_do_not_broadcast(self):
        with pytest.raises(ShapeError, match=r"\(3,\), \(2,\)"):
            encode(np.zeros((2, 8)), np.zeros(3), 0)
        with pytest.raises(ShapeError, match="one direction per sample"):
            encode(np.zeros(8), np.zeros(7), 0, trajectory=True)
        with pytest.raises(ShapeError, match="one direction per sample"):
            encode(np.zeros(8), 0.0, 0.0, trajectory=True)

    def test_a_path_that_is_not_called_one(self, library):
        """It would fill the memory with 48000 copies; as many directions as samples are welcome where they fit."""
        path = library.array(np.linspace(0, 1, 48000), "float64")
        signal = library.array(np.zeros(48000), "float32")
        with pytest.raises(ShapeError, match=r"angles of shape \(48000,\).*trajectory=True"):
            encode(signal, path, 0)
        with pytest.raises(ShapeError, match="rotate_track"):
            rotate(encode(signal, 0, 0), path)
        assert encode(signal, path, 0, trajectory=True).shape == (4, 48000)
        assert encode(signal[:500], path[:500], 0).shape == (500, 4, 500)

    def test_mixed_libraries(self):
        with pytest.raises(ArrayTypeError, match="one library"):
            encode(np.zeros(8), torch.tensor(0.1), 0)
        with pytest.raises(ArrayTypeError, match="one library"):
            encode(torch.zeros(8), np.zeros(1), 0)


def test_moving_sources_go_through_vmap():
    signals, azimuth = torch.rand(3, 5, dtype=torch.float64), torch.rand(3, 5, dtype=torch.float64)
    mapped = torch.vmap(lambda signal, angle: encode(signal, angle, 0.5 * angle, trajectory=True))(signals, azimuth)
    alone = torch.stack([encode(s, a, 0.5 * a, trajectory=True) for s, a in zip(signals, azimuth, strict=True)])
    assert_close(mapped, alone)
