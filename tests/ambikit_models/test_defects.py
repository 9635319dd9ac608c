import numpy as np
import pytest

import ambikit
from ambikit.errors import AmbikitError, ShapeError
from ambikit_models.world.defects import DEFECTS, break_sound


@pytest.fixture
def wave(rng):
    """A plane wave from a direction whose four gains all differ, and those gains."""
    noise = rng.standard_normal(4000)
    signal = ambikit.encode(noise, 50, 20, degrees=True)
    azimuth, elevation = np.radians([50, 20])
    y, z, x = np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)
    return noise, signal, (1.0, y, z, x)


def gains_of(signal, noise):
    return signal @ noise / (noise @ noise)


class TestWhatIsBroken:
    """Each defect against the gains of a source on the sphere."""

    @pytest.mark.parametrize(
        ("defect", "expected"),
        [
            ("w_x_exchanged", lambda w, y, z, x: (x, y, z, w)),
            ("w_y_exchanged", lambda w, y, z, x: (y, w, z, x)),
            ("w_z_exchanged", lambda w, y, z, x: (z, y, w, x)),
            ("padded_stereo", lambda w, y, z, x: ((w + y) / 2, (w - y) / 2, 0, 0)),
            ("mono", lambda w, y, z, x: (w, 0, 0, 0)),
            ("n3d_scale", lambda w, y, z, x: (w, 1.7320508 * y, 1.7320508 * z, 1.7320508 * x)),
            ("fuma_scale", lambda w, y, z, x: (0.70710678 * w, y, z, x)),
            ("fuma", lambda w, y, z, x: (0.70710678 * w, x, y, z)),
            ("silent_y", lambda w, y, z, x: (w, 0, z, x)),
            ("silent_z", lambda w, y, z, x: (w, y, 0, x)),
            ("fuma_order", lambda w, y, z, x: (w, x, y, z)),
        ],
    )
    def test_gains(self, wave, defect, expected):
        noise, signal, gains = wave
        np.testing.assert_allclose(gains_of(break_sound(signal, defect), noise), expected(*gains), atol=1e-7)

    def test_what_other_formats_are_here_is_what_convert_undoes(self, wave):
        _, signal, _ = wave
        for defect, source in (("fuma", "fuma"), ("n3d_scale", "n3d")):
            np.testing.assert_allclose(
                ambikit.convert(break_sound(signal, defect), source, "ambix"), signal, atol=1e-12
            )

    @pytest.mark.parametrize("seed", range(20))
    def test_what_is_drawn(self, wave, seed):
        noise, signal, gains = wave
        copied = gains_of(break_sound(signal, "copied_channel", seed=seed), noise)
        assert len(set(copied.round(9))) == 3
        exchanged = gains_of(break_sound(signal, "dipoles_exchanged", seed=seed), noise)
        assert exchanged[0] == pytest.approx(1)
        assert sorted(exchanged) == pytest.approx(sorted(gains))
        assert not np.allclose(exchanged, gains)
        inverted = gains_of(break_sound(signal, "dipole_inverted", seed=seed), noise) / gains
        assert sorted(inverted) == pytest.approx([-1, 1, 1, 1])
        assert inverted[0] == pytest.approx(1)

    def test_seeds_decide(self, wave):
        _, signal, _ = wave
        for defect in ("copied_channel", "dipoles_exchanged", "dipole_inverted"):
            drawn = {break_sound(signal, defect, seed=seed).tobytes() for seed in range(20)}
            assert len(drawn) > 2
            assert np.array_equal(break_sound(signal, defect, seed=3), break_sound(signal, defect, seed=3))

    @pytest.mark.parametrize("defect", DEFECTS)
    def test_the_signal_itself_stays(self, wave, defect):
        _, signal, _ = wave
        before = signal.astype(np.float32)
        given = before.copy()
        broken = break_sound(given, defect)
        assert np.array_equal(given, before)
        assert broken.dtype == np.float32
        assert not np.array_equal(broken, before)
        assert not np.shares_memory(broken, given)


def test_errors(wave):
    _, signal, _ = wave
    with pytest.raises(AmbikitError, match="got defect='loud'; expected one of w_x_exchanged"):
        break_sound(signal, "loud")
    with pytest.raises(ShapeError, match=r"\(2, 4000\)"):
        break_sound(signal[:2], "mono")
