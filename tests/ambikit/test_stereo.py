import numpy as np
import pytest
import torch

from ambikit import align, beamform, decode_stereo, encode, mirror
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


class TestValues:
    @pytest.mark.parametrize("azimuth", [-150, -90, -20, 0, 45, 90, 180])
    @pytest.mark.parametrize(("pattern", "a"), [("hypercardioid", 0.25), ("cardioid", 0.5), ("figure_eight", 0.0)])
    def test_closed_form_gains(self, azimuth, pattern, a, library, dtype):
        """A source at azimuth φ on the horizon: a ± (1 − a) sin φ."""
        source = library.array(encode(np.ones(2), azimuth, 0, degrees=True), dtype)
        stereo = decode_stereo(source, pattern=pattern)
        assert stereo.dtype == source.dtype
        side = (1 - a) * np.sin(np.deg2rad(azimuth))
        assert_close(library.numpy(stereo), np.array([[a + side] * 2, [a - side] * 2]), dtype)

    def test_the_left_is_the_first_channel(self):
        left, right = decode_stereo(encode(np.ones(1), 60, 0, degrees=True))
        assert abs(left) > abs(right)
        left, right = decode_stereo(encode(np.ones(1), -60, 0, degrees=True))
        assert abs(left) < abs(right)

    def test_a_source_in_the_view_after_aligning(self):
        """Looking to azimuth 100°, a source at 130° is on the left and one at 70° on the right."""
        for azimuth, louder in ((130, 0), (70, 1)):
            seen = align(encode(np.ones(1), azimuth, 0, degrees=True), 100, 0, degrees=True)
            assert np.argmax(np.abs(decode_stereo(seen)[:, 0])) == louder


class TestLaws:
    def test_it_is_two_beams(self, library, rng):
        signal = library.array(rng.normal(size=(3, 4, 5)))
        for pattern in ("hypercardioid", "cardioid", "max_re", "supercardioid", "subcardioid", "omni"):
            stereo = library.numpy(decode_stereo(signal, pattern=pattern))
            for ear, azimuth in enumerate((90, -90)):
                beam = beamform(signal, azimuth, 0, pattern, degrees=True)
                assert_close(stereo[:, ear], library.numpy(beam))

    def test_higher_orders_use_the_first_channels(self, rng):
        signal = rng.normal(size=(16, 5))
        assert np.array_equal(decode_stereo(signal), decode_stereo(signal[:4]))

    def test_a_mirror_exchanges_the_ears(self, rng):
        signal = rng.normal(size=(4, 5))
        assert_close(decode_stereo(mirror(signal, "left_right")), decode_stereo(signal)[::-1])

    def test_scale_and_nan(self, dtype, rng):
        signal = rng.normal(size=(4, 5)).astype(dtype)
        assert_close(decode_stereo(signal * 1e-6) * 1e6, decode_stereo(signal), dtype)
        signal[1, 2] = np.nan
        assert np.isnan(decode_stereo(signal)).tolist() == [[False, False, True, False, False]] * 2


class TestBackends:
    def test_spectra(self, library, rng):
        spectrum = (rng.normal(size=(2, 4, 6, 3)) + 1j * rng.normal(size=(2, 4, 6, 3))).astype(np.complex64)
        stereo = decode_stereo(library.array(spectrum), axis=-3)
        assert stereo.dtype == library.array(spectrum).dtype
        expected = np.stack([0.25 * spectrum[:, 0] + sign * 0.75 * spectrum[:, 1] for sign in (1, -1)], 1)
        assert_close(library.numpy(stereo), expected, "float32")

    @pytest.mark.parametrize("name", ["float16", "bfloat16"])
    def test_half_precision(self, name, rng):
        signal = torch.tensor(rng.normal(size=(4, 5))).to(getattr(torch, name))
        stereo = decode_stereo(signal)
        assert stereo.dtype == signal.dtype
        assert_close(stereo.double().numpy(), decode_stereo(signal.double().numpy()), name)

    def test_gradient(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 4, 3)), requires_grad=True)
        assert torch.autograd.gradcheck(decode_stereo, (signal,))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile(self, rng):
        signal = torch.tensor(rng.normal(size=(2, 4, 3)))
        compiled = torch.compile(lambda s: decode_stereo(s, pattern="cardioid"), fullgraph=True, backend="eager")
        assert torch.equal(compiled(signal), decode_stereo(signal, pattern="cardioid"))


@pytest.mark.usefixtures("no_shape_hook")
class TestErrors:
    def test_inputs(self):
        with pytest.raises(AmbikitError, match="pattern='stereo'"):
            decode_stereo(np.zeros((4, 2)), pattern="stereo")
        with pytest.raises(ShapeError, match="1 channels.*at least 4"):
            decode_stereo(np.zeros((1, 2)))
        with pytest.raises(ArrayTypeError, match="32768"):
            decode_stereo(np.zeros((4, 2), np.int16))
