import numpy as np
import pytest
import torch

from ambikit import clarity, decay_time, energy_decay
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close


class TestEnergyDecay:
    def test_by_a_loop(self, library, rng):
        response = rng.standard_normal((2, 50))
        expected = [[sum(row[t:] ** 2) / sum(row**2) for t in range(50)] for row in response]
        assert_close(library.numpy(energy_decay(library.array(response))), np.array(expected))

    def test_silence_and_scale(self, rng):
        response = rng.standard_normal(50)
        assert not energy_decay(np.zeros(5)).any()
        for scale in (1e-6, 1e-200, 1e200):
            assert_close(energy_decay(scale * response), energy_decay(response))


class TestDecayTime:
    @pytest.mark.parametrize("levels", [(-5, -35), (-5, -25), (0, -10)])
    @pytest.mark.parametrize("seconds", [0.2, 1.5])
    def test_an_exponential(self, levels, seconds, library):
        time = np.arange(16000) / 8000
        response = library.array(10 ** (-3 * time / seconds))
        found = decay_time(response, 8000, start_db=levels[0], end_db=levels[1])
        assert float(library.numpy(found)) == pytest.approx(seconds, rel=2e-3)

    def test_noise_that_decays(self, rng):
        """Sixteen of them, each within a few percent, their mean within one."""
        time = np.arange(16000) / 8000
        found = decay_time(rng.standard_normal((16, 16000)) * 10 ** (-3 * time / 0.8), 8000)
        assert found.shape == (16,)
        assert np.abs(found / 0.8 - 1).max() < 0.05
        assert found.mean() == pytest.approx(0.8, rel=0.01)

    def test_two_slopes(self):
        """Early and late decay differ: 0.2 s for the first 20 dB, then 1 s."""
        time = np.arange(16000) / 8000
        energy = 10 ** (-6 * time / 0.2) + 1e-3 * 10 ** (-6 * time / 1.0)
        early = decay_time(energy**0.5, 8000, start_db=0, end_db=-10)
        late = decay_time(energy**0.5, 8000, start_db=-40, end_db=-60)
        assert early == pytest.approx(0.2, rel=0.1)
        assert late == pytest.approx(1.0, rel=0.02)

    def test_silence_impulse_nan_and_scale(self, rng):
        response = rng.standard_normal(4000) * 10 ** (-np.arange(4000) / 800)
        impulse = np.eye(1, 4000)[0]
        spoiled = np.where(np.arange(4000) == 7, np.nan, response)
        found = decay_time(np.stack([response, 1e-6 * response, 0 * response, impulse, spoiled]), 8000)
        assert_close(found[1], found[0])
        assert found[2:4].tolist() == [0, 0]
        assert np.isnan(found).tolist() == [False] * 4 + [True]

    def test_gradients(self, rng):
        response = torch.tensor(rng.standard_normal(60) * 10 ** (-np.arange(60) / 20), requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: decay_time(x, 100), (response,))
        silence = torch.zeros(2, 60, requires_grad=True)
        decay_time(silence, 100).sum().backward()
        assert not silence.grad.any()

    def test_silence_before_the_direct_sound(self, library):
        """It is no part of the early decay: a source that is farther away does not ring for longer."""
        falling = 10 ** (-3 * np.arange(4000) / 4000)
        late = np.concatenate([np.zeros(700), falling])
        times = [library.numpy(decay_time(library.array(h), 8000, start_db=0, end_db=-10)) for h in (falling, late)]
        assert times[0] == pytest.approx(0.5, rel=1e-3)
        assert times[1] == pytest.approx(times[0], rel=1e-12)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(AmbikitError, match="start_db > end_db"):
            decay_time(np.ones(10), 8000, start_db=-35, end_db=-5)
        with pytest.raises(AmbikitError, match="start_db='-5'"):
            decay_time(np.ones(10), 8000, start_db="-5")
        with pytest.raises(ArrayTypeError, match="int64"):
            decay_time(np.ones(10, dtype=int), 8000)
        with pytest.raises(ShapeError, match="at least one sample"):
            energy_decay(np.ones((3, 0)))


class TestClarity:
    def test_by_hand(self, library):
        response = np.zeros((3, 200))
        response[0, [0, 100]] = 1, 0.1
        response[1, [10, 49, 50]] = 3, 4, 5
        response[2, 0] = 1
        found = library.numpy(clarity(library.array(response), 1000))
        assert_close(found[:2], np.array([20.0, 0.0]))
        assert np.isposinf(found[2])
        assert library.numpy(clarity(library.array(response), 1000, early=0.08))[1] == np.inf

    def test_of_an_exponential(self):
        """10 lg(e^(a t) − 1) with the decay a of the energy."""
        response = 10 ** (-3 * np.arange(20000) / 8000)
        expected = 10 * np.log10(np.exp(6 * np.log(10) * 0.05) - 1)
        assert clarity(response, 8000) == pytest.approx(expected, abs=1e-3)

    def test_silence_and_gradients(self, rng):
        assert clarity(np.zeros(100), 1000) == 0
        response = torch.tensor(rng.standard_normal((2, 20)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: clarity(x, 100), (response,))

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        for early in (0, 1.0, float("nan"), None):
            with pytest.raises(AmbikitError, match="seconds within it"):
                clarity(np.ones(100), 1000, early=early)
