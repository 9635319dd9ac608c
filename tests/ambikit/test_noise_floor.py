import numpy as np
import pytest
import torch

from ambikit.analysis.noise_floor import above_noise_floor


def slow(magnitude, ratio):
    """One frequency, frame by frame, in plain numbers."""
    level = []
    for t in range(len(magnitude)):
        near = magnitude[max(t - 1, 0) : t + 2]
        level.append(np.sqrt(sum(v**2 for v in near) / len(near)))
    floor, streak, passed = sum(level[:5]) / len(level[:5]) / 2, 0, []
    for now in level:
        if floor == 0:
            floor = now / 2
        if now > floor:
            streak += 1
            floor *= 1.002 if streak > 3 else 1.02
        else:
            streak = 0
            floor *= 0.98
        passed.append(now > ratio * floor)
    return passed


@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.0])
def test_against_plain_numbers(library, rng, ratio):
    magnitude = rng.gamma(0.5, size=(2, 3, 200))
    magnitude[0, 1, :50] = magnitude[1, 2, 70:90] = 0
    result = library.numpy(above_noise_floor(library.array(magnitude**2), ratio))
    for index in np.ndindex(2, 3):
        assert (result[index] == slow(magnitude[index], ratio)).all()
    assert 0.1 < result.mean() < 0.9


def test_a_steady_level_becomes_noise_and_an_onset_is_heard(library):
    magnitude = np.ones((1, 400))
    magnitude[0, 300:310] = 10
    result = library.numpy(above_noise_floor(library.array(magnitude**2), 1.5))[0]
    assert result[:100].all()
    assert not result[170:299].any()
    assert result[300:310].all()


def test_silence_does_not_stand_out_and_level_is_nothing(library, rng):
    assert not library.numpy(above_noise_floor(library.array(np.zeros((2, 20))), 1.5)).any()
    power = rng.gamma(0.5, size=(2, 50))
    expected = above_noise_floor(power, 1.5)
    assert (library.numpy(above_noise_floor(library.array(1e-24 * power), 1.5)) == expected).all()
    power[0, :7] = 0
    assert library.numpy(above_noise_floor(library.array(power), 1.5))[0, 7]


def test_nan_stands_out_and_is_forgotten(library, rng):
    power = rng.gamma(0.5, size=(1, 60))
    power[0, 20] = np.nan
    result = library.numpy(above_noise_floor(library.array(power), 1.5))
    assert result[0, 20]
    assert not result[0, 30:].all()


def test_no_gradient_is_asked_for():
    assert above_noise_floor(torch.rand(2, 9, requires_grad=True), 1.5).dtype == torch.bool
