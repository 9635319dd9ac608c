import numpy as np
import pytest
import torch

from ambikit import (
    DirectionalTransform,
    directional_gain_transform,
    directional_transform,
    dominance_transform,
    encode,
    gauss_legendre_grid,
    rotation_matrix,
    transform_report,
    warp_transform,
)
from ambikit.errors import AmbikitError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics


def test_an_untouched_scene():
    """Level 0 dB, no error, the width 2 arccos(N / (N + 1)) of a plain beam, and nothing above the order."""
    report = transform_report(directional_transform(3))
    assert np.abs(report.level_db).max() < 1e-10
    assert report.error.max() < 1e-20
    assert np.degrees(report.direction_error).max() < 1e-4
    assert report.width == pytest.approx(2 * np.arccos(0.75), abs=1e-9)
    assert report.recommended_order() == 3
    assert report.leakage[2] == pytest.approx(7 / 16)  # of 16 channels as loud as each other, 7 are of degree 3
    assert report.leaked < 1e-12


def test_a_wrong_turn_is_seen():
    """A transform that turns by 20° but says that it does not."""
    report = transform_report(DirectionalTransform(rotation_matrix(20, degrees=True, order=2)), 0, 0, degrees=True)
    assert np.degrees(report.direction_error) == pytest.approx(20)
    difference = encode(np.ones(1), 20, 0, 2, degrees=True) - encode(np.ones(1), 0, 0, 2, degrees=True)
    assert report.error == pytest.approx(((difference[:, 0] ** 2) @ [1, 3, 3, 3, 5, 5, 5, 5, 5]) / 9)


def test_the_energy_vector_on_a_fine_grid():
    transform = warp_transform(3, 10, 20, 0.4, output_order=4, degrees=True)
    report = transform_report(transform, 50, 0, degrees=True)
    azimuth, elevation, weights = gauss_legendre_grid(30)
    signal = transform.matrix @ real_spherical_harmonics(np.radians(50), 0.0, 3)
    scale = np.repeat(2 * np.arange(5) + 1, 2 * np.arange(5) + 1)
    power = weights * (real_spherical_harmonics(azimuth, elevation, 4) @ (scale * signal)) ** 2
    x, y, z = np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)
    assert_close(report.energy_vector, np.array([power @ x, power @ y, power @ z]) / power.sum(), factor=10)
    assert report.energy == pytest.approx(power.sum() / 25)


def test_leakage_of_a_gain_is_the_energy_above():
    """W times z: all of the energy is in degree 1; z² splits into 1/9 : 4/45 of degrees 0 and 2."""
    assert transform_report(directional_transform(0, gain=[0, 0, 1.0, 0])).leakage[:3] == pytest.approx([1, 0, 0])
    squared = transform_report(directional_transform(0, gain=lambda d: d[..., 2] ** 2, output_order=2))
    assert squared.leakage[:3] == pytest.approx([4 / 9, 4 / 9, 0], abs=1e-12)
    assert squared.recommended_order() == 2


def test_more_output_orders_lose_less():
    losses = [transform_report(warp_transform(3, 0, 0, 0.5, output_order=n)).leaked for n in (3, 6, 9)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.1 > 1e-3 > losses[-1]


def test_diffuse_energy_is_what_does_not_leak():
    """With keep="energy" the mean level over all directions is what is left of the energy."""
    transform = warp_transform(3, 0, 0, 0.3)
    azimuth, elevation, weights = gauss_legendre_grid(12)
    report = transform_report(transform, azimuth, elevation)
    assert weights @ report.energy == pytest.approx(1 - report.leaked, abs=1e-9)


def test_silence_and_tensors():
    silent = transform_report(directional_gain_transform(1, 0, 0, 1.0, -np.inf, outside_db=-np.inf))
    assert (silent.energy == 0).all()
    assert (silent.energy_vector == 0).all()
    assert (silent.leakage == 0).all()
    assert silent.direction_error == pytest.approx(np.pi / 2)
    tensor = torch.tensor(6.0, dtype=torch.float64, requires_grad=True)
    for make in (dominance_transform, lambda *a: directional_gain_transform(*a[:3], 1.0, a[3])):
        one, two = transform_report(make(2, 0.1, 0.2, tensor)), transform_report(make(2, 0.1, 0.2, 6.0))
        assert_close(one.energy, two.energy)
        assert_close(one.gain, two.gain)


def test_the_summary():
    text = str(transform_report(directional_gain_transform(2, 0, 0, 1.0, outside_db=-np.inf)))
    assert "order 2 to order 2" in text
    assert "wanted −∞" in text
    assert "keeps 99 %" in text


@pytest.mark.usefixtures("no_shape_hook")
def test_errors():
    with pytest.raises(ShapeError, match=r"\(2, 4, 4\)"):
        transform_report(warp_transform(1, [0.0, 1.0], 0, 0.1))
    with pytest.raises(AmbikitError, match="one angle"):
        transform_report(warp_transform(1, 0, 0, 0.1), 0.0)
