import subprocess
import sys

import numpy as np
import pytest
import torch

import ambikit
from ambikit import _arrays
from ambikit._checks import check_floating, check_signal
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError


class TestNamespace:
    def test_the_argument_decides(self):
        assert _arrays.namespace(np.zeros(2), 1.0, None) is np
        assert _arrays.namespace(torch.zeros(2), np.float64(1.0)) is torch
        assert _arrays.namespace(3.0, [1, 2]) is np

    def test_mixed_libraries_are_refused_by_name(self):
        with pytest.raises(ArrayTypeError, match=r"numpy\.ndarray.*torch\.Tensor"):
            _arrays.namespace(torch.zeros(2), np.zeros(3))

    def test_two_devices_are_refused(self):
        with pytest.raises(ArrayTypeError, match="cpu.*meta"):
            _arrays.namespace(torch.zeros(2), torch.zeros(2, device="meta"))


@pytest.mark.usefixtures("no_shape_hook")
class TestNumbers:
    @pytest.mark.parametrize("value", [None, "30", "x", 1j, [1.0, None], [[1.0], [1.0, 2.0]], ["1"], object()])
    def test_what_is_no_number_is_refused_and_shown(self, value, library):
        signal = library.array(np.ones((4, 3)), "float32")
        calls = (
            lambda: ambikit.rotate(signal, value),
            lambda: ambikit.align(signal, 0, value),
            lambda: ambikit.beamform(signal, value, 0),
            lambda: ambikit.encode(signal[0], value, 0),
            lambda: _arrays.to_library_of(value, signal),
        )
        for call in calls:
            with pytest.raises(ArrayTypeError, match="where numbers belong.*expected a real number"):
                call()

    def test_beside_a_tensor(self):
        for value in (None, "30", torch.tensor(1j)):
            with pytest.raises(ArrayTypeError, match="where numbers belong"):
                ambikit.angles_to_vectors(torch.tensor(0.5), value)

    def test_what_are_numbers(self):
        for value in (1, True, np.float32(1), [1], (1.0,), np.int8([1]), np.float16(1)):
            assert _arrays.as_numbers(value).dtype == np.float64
            assert (_arrays.as_numbers(value) == 1).all()
        assert np.isnan(_arrays.as_numbers(np.nan))


class TestConstants:
    @pytest.mark.parametrize("name", ["float32", "float64"])
    def test_a_constant_never_promotes(self, name, library):
        signal = library.array(np.ones((4, 3)), name)
        assert (signal * _arrays.constant_like(np.float64(2.0), signal)).dtype == signal.dtype

    def test_half_precision_goes_through_float32_and_back(self):
        for x in (
            np.ones(2, np.float16),
            torch.ones(2, dtype=torch.bfloat16),
            torch.ones(2, dtype=torch.float16),
        ):
            wide, dtype = _arrays.widen(x)
            assert "float32" in str(wide.dtype)
            assert _arrays.narrow(wide, dtype).dtype == x.dtype


class TestKernelView:
    def test_plain_memory_is_viewed_not_copied(self):
        x = torch.zeros(3)
        _arrays.kernel_view(x)[0] = 1.0
        assert x[0] == 1.0

    def test_everything_else_takes_the_formula(self):
        assert _arrays.kernel_view(torch.zeros(3, requires_grad=True)) is None
        assert _arrays.kernel_view(torch.zeros(3, 4).T) is None
        assert _arrays.kernel_view(torch.zeros(3, dtype=torch.float16)) is None
        assert _arrays.kernel_view(np.zeros(3, np.int32)) is None
        assert _arrays.kernel_view(np.zeros((3, 4)).T) is None

    def test_not_under_vmap(self):
        seen = []
        torch.vmap(lambda x: (seen.append(_arrays.kernel_view(x)), x)[1])(torch.zeros(2, 3))
        assert seen == [None]


class TestChecks:
    def test_integers_name_their_scaling(self):
        with pytest.raises(ArrayTypeError, match="32768"):
            check_floating(np.zeros((4, 8), np.int16))

    def test_channel_counts(self):
        assert check_signal(np.zeros((2, 9, 5))) == 2
        with pytest.raises(ShapeError, match=r"5 channels on axis -2.*\(5, 8\)"):
            check_signal(np.zeros((5, 8)))
        with pytest.raises(ShapeError, match="expected 4 channels"):
            check_signal(np.zeros((9, 8)), order=1)

    def test_empty_time_and_missing_axes(self):
        with pytest.raises(ShapeError, match="empty"):
            check_signal(np.zeros((4, 0)))
        with pytest.raises(ShapeError, match="encode"):
            check_signal(np.zeros(48000))

    def test_every_error_is_a_value_error(self):
        assert issubclass(AmbikitError, ValueError)


def test_torch_is_not_imported_with_ambikit():
    code = "import sys, ambikit; assert 'torch' not in sys.modules and 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
