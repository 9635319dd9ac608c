import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ambikit import encode, mirror, rotate
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close

PLANES = {
    "left_right": lambda azimuth, elevation: (-azimuth, elevation),
    "front_back": lambda azimuth, elevation: (np.pi - azimuth, elevation),
    "up_down": lambda azimuth, elevation: (azimuth, -elevation),
}


class TestValues:
    @pytest.mark.parametrize(
        ("plane", "signs"),
        [("left_right", [1, -1, 1, 1]), ("front_back", [1, 1, 1, -1]), ("up_down", [1, 1, -1, 1])],
    )
    def test_first_order_by_hand(self, plane, signs, library, dtype):
        signal = library.array(np.ones((4, 3)), dtype)
        mirrored = mirror(signal, plane)
        assert mirrored.dtype == signal.dtype
        assert np.array_equal(library.numpy(mirrored), np.outer(signs, np.ones(3)))

    @pytest.mark.parametrize("plane", PLANES)
    @given(azimuth=st.floats(-np.pi, np.pi), elevation=st.floats(-np.pi / 2, np.pi / 2), order=st.integers(0, 7))
    def test_a_source_goes_to_the_mirrored_direction(self, plane, azimuth, elevation, order):
        source = encode(np.ones(1), azimuth, elevation, order)
        assert_close(mirror(source, plane), encode(np.ones(1), *PLANES[plane](azimuth, elevation), order))


class TestLaws:
    @pytest.mark.parametrize("plane", PLANES)
    def test_twice_is_nothing(self, plane, rng):
        signal = rng.normal(size=(2, 25, 4))
        assert np.array_equal(mirror(mirror(signal, plane), plane), signal)

    def test_two_mirrors_are_half_a_turn(self, rng):
        signal = rng.normal(size=(16, 4))
        both = mirror(mirror(signal, "left_right"), "front_back")
        assert_close(both, rotate(signal, yaw=180, degrees=True))
        assert_close(mirror(mirror(signal, "front_back"), "up_down"), rotate(signal, pitch=180, degrees=True))

    def test_a_mirror_turns_the_other_way(self, rng):
        signal = rng.normal(size=(16, 4))
        assert_close(mirror(rotate(signal, yaw=0.7), "left_right"), rotate(mirror(signal, "left_right"), yaw=-0.7))

    def test_scale_and_nan(self):
        signal = np.ones((4, 2))
        signal[2, 1] = np.nan
        assert np.array_equal(np.isnan(mirror(signal * 1e-6, "front_back")), np.isnan(signal))


class TestBackends:
    def test_spectra(self, library, rng):
        spectrum = rng.normal(size=(2, 9, 4, 3)) + 1j * rng.normal(size=(2, 9, 4, 3))
        mirrored = mirror(library.array(spectrum.astype(np.complex64)), "up_down", axis=-3)
        assert mirrored.dtype == library.array(spectrum.astype(np.complex64)).dtype
        assert_close(
            library.numpy(mirrored).real,
            mirror(spectrum.real.reshape(2, 9, 12), "up_down").reshape(2, 9, 4, 3),
            "float32",
        )

    def test_a_single_instant(self):
        assert mirror(np.ones((5, 4)), "left_right", axis=-1)[0].tolist() == [1, -1, 1, 1]

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name):
        assert mirror(torch.ones(4, 2, dtype=getattr(torch, name)), "up_down").dtype == getattr(torch, name)

    def test_gradient(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 2)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda s: mirror(s, "front_back"), (signal,))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal = torch.tensor(rng.normal(size=(9, 2)))
        compiled = torch.compile(lambda s: mirror(s, "front_back"), fullgraph=True, backend="eager")
        assert torch.equal(compiled(signal), mirror(signal, "front_back"))


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_inputs(self):
        with pytest.raises(AmbikitError, match="plane='left'.*'front_back', 'left_right', 'up_down'"):
            mirror(np.zeros((4, 2)), "left")
        with pytest.raises(ShapeError, match="5 channels"):
            mirror(np.zeros((5, 2)), "up_down")
        with pytest.raises(ArrayTypeError, match="int16"):
            mirror(np.zeros((4, 2), np.int16), "up_down")
