"""The study of directions: rooms that are what they claim, errors counted right, and tables as measured on the page."""

import json
from pathlib import Path

import numpy as np
import pytest

import ambikit

ROOT = Path(__file__).resolve().parents[1]

talkers = pytest.importorskip("benchmarks.talkers", reason="benchmarks are no part of the package")
localization = pytest.importorskip("benchmarks.localization")


def test_the_page_shows_what_was_measured():
    result = json.loads((ROOT / "benchmarks" / "results" / "localization.json").read_text(encoding="utf-8"))
    shown = localization.PAGE.read_text(encoding="utf-8").split(localization.BEGIN)[1].split(localization.END)[0]
    assert shown.strip() == localization.page(result).strip()


class TestScenes:
    @pytest.mark.parametrize("seed", [7, 8])
    def test_without_walls_the_intensity_points_to_the_talker(self, seed):
        speech, _, truth = talkers.scene(seed, 1, 0.0)
        mean = ambikit.active_intensity(speech, normalized=False).sum((-2, -1))
        found = ambikit.vectors_to_angles(mean)
        assert ambikit.angular_distance(*found, *truth, degrees=False).item() < 1e-3

    def test_talkers_stand_apart_and_near(self):
        for seed in range(5):
            room, listener, sources = talkers.places(np.random.default_rng(seed), 3)
            distances = np.linalg.norm(sources - listener, axis=-1)
            vectors = (sources - listener) / distances[:, None]
            apart = np.degrees(np.arccos((vectors @ vectors.T)[np.triu_indices(3, 1)]))
            assert apart.min() >= talkers.SEPARATION
            assert ((distances >= 1) & (distances <= 2.5)).all()
            assert ((sources > 0) & (sources < room)).all()

    def test_noise_is_as_loud_as_the_talkers_at_every_frequency_and_from_everywhere(self):
        speech, noise, _ = talkers.scene(9, 2, 0.3)
        loudness = [np.mean(abs(x[0]) ** 2, -1) for x in (speech, noise)]
        np.testing.assert_allclose(*loudness, rtol=1e-9)
        power = np.mean(abs(noise) ** 2, (-2, -1)) / np.mean(abs(noise[0]) ** 2)
        degrees = np.repeat(np.arange(6), 2 * np.arange(6) + 1)
        np.testing.assert_allclose(power * (2 * degrees + 1), 1, atol=0.1)

    @pytest.mark.parametrize("time", [0.3, 1.0])
    def test_the_diffuse_tail_goes_on_where_the_images_end(self, time):
        """In the band that is looked at, and decays as asked for."""
        from scipy.signal import butter, sosfiltfilt

        band = butter(6, talkers.BAND, "bandpass", fs=talkers.RATE, output="sos")
        level = []
        for seed in range(4):
            random = np.random.default_rng(seed)
            response = talkers.responses(random, *talkers.places(random, 1), time)[0, 0]
            power = sosfiltfilt(band, response) ** 2
            parts = [
                power[int(a * talkers.RATE) : int(b * talkers.RATE)].mean() for a, b in ((0.05, 0.078), (0.082, 0.11))
            ]
            level.append(10 * np.log10(parts[0] / parts[1]) - 60 * 0.032 / time)
        assert np.mean(level) == pytest.approx(0, abs=1.0)


class TestErrors:
    def test_each_talker_has_one_direction(self):
        """Both found near the first: the second is missed by as much as the other one is away."""
        found = ambikit.FoundDirections(np.radians([1.0, 3.0]), np.zeros(2), np.ones(2))
        misses = localization.errors(found, (np.radians([0.0, 90.0]), np.zeros(2)))
        assert sorted(misses) == pytest.approx([1, 87])

    def test_the_order_does_not_matter_and_nothing_found_is_a_miss_of_180_degrees(self):
        found = ambikit.FoundDirections(np.radians([90.0, np.nan]), np.radians([0.0, np.nan]), np.ones(2))
        misses = localization.errors(found, (np.radians([0.0, 80.0]), np.zeros(2)))
        assert sorted(misses) == pytest.approx([10, 180])

    def test_a_cell(self):
        cell = localization.summary([1.0, 2.0, 10.0, 50.0])
        assert cell == {"median_degrees": 6.0, "share_within_10_degrees": 0.75}
        assert localization.cell_text(cell) == "6.0°, 75 %"
        assert localization.cell_text(localization.right_counts([2, 2, 3, 5], 2)) == "50 % (3.0)"


def test_the_three_covariances_of_a_wave_are_alike_and_of_silence_nothing():
    wave = ambikit.spherical_harmonics(0.4, -0.2, 2)[:, None, None] * np.exp(1j * np.arange(12.0).reshape(3, 4))
    for covariance in localization.covariances(wave).values():
        assert np.linalg.eigvalsh(covariance)[-2] < 1e-12
        assert covariance[0, 0].real > 0
    for covariance in localization.covariances(0 * wave).values():
        assert not covariance.any()
