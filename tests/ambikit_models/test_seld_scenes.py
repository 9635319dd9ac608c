from pathlib import Path

import numpy as np
import pytest
import torch

import ambikit
from ambikit.errors import AmbikitError
from ambikit_models.seld.adpit import adpit_loss
from ambikit_models.seld.labels import Events, read_events
from ambikit_models.seld.metrics import score_events
from ambikit_models.seld.network import SeldNet
from ambikit_models.seld.scenes import SceneConfig, seld_scene
from ambikit_models.seld.targets import multi_accdoa_targets, multi_accdoa_to_events

ROOT = Path(__file__).resolve().parents[2]


class TestScenes:
    def test_decided_by_seed_and_index(self):
        one, same, other = (seld_scene(SceneConfig(), 1, index) for index in (5, 5, 6))
        assert np.array_equal(one[0], same[0])
        assert np.array_equal(one[1].azimuth, same[1].azimuth)
        assert not np.array_equal(one[0], other[0])

    def test_what_the_labels_say_is_heard(self):
        """Without walls and noise the sound of every frame with one source comes from its label."""
        config = SceneConfig(max_reflections=0, snr_db=(90.0, 90.0), distance=(0.8, 1.2))
        for index in range(4):
            signal, events = seld_scene(config, 0, index)
            for frame in range(40):
                here = events[events.frame == frame]
                if len(here) != 1:
                    continue
                # the way from source to listener takes at most 4 ms, which are left out
                w, y, z, x = signal[:, 1600 * frame + 400 : 1600 * (frame + 1)]
                azimuth, elevation = ambikit.vectors_to_angles([np.mean(w * axis) for axis in (x, y, z)])
                apart = ambikit.angular_distance(azimuth, elevation, here.azimuth, here.elevation, degrees=False)
                assert np.degrees(apart).item() < 0.5

    def test_silence_where_there_is_no_label(self):
        config = SceneConfig(max_reflections=0, snr_db=(90.0, 90.0))
        signal, events = seld_scene(config, 0, 0)
        power = (signal[0].reshape(40, 1600)[:, 400:] ** 2).mean(-1)
        sounding = np.isin(np.arange(40), events.frame)
        assert power[sounding].min() > 100 * power[~sounding].max(initial=0)

    def test_ranges(self):
        config = SceneConfig(azimuth_degrees=(0.0, 90.0), elevation_degrees=(0.0, 40.0), classes=3, max_reflections=0)
        scenes = [seld_scene(config, 0, index)[1] for index in range(25)]
        azimuth, elevation = (
            np.degrees(np.concatenate([getattr(e, n) for e in scenes])) for n in ("azimuth", "elevation")
        )
        assert 0 <= azimuth.min() < 10 < 80 < azimuth.max() <= 90
        assert 0 <= elevation.min() < 5 < 35 < elevation.max() <= 40
        assert set(np.concatenate([e.class_index for e in scenes]).tolist()) == {0, 1, 2}
        together = [np.bincount(e.frame).max() for e in scenes]
        assert set(together) <= {1, 2}
        assert 2 in together

    def test_too_short(self):
        with pytest.raises(AmbikitError, match="at least 2 seconds"):
            SceneConfig(duration=1.0)


class TestNetwork:
    def test_shapes(self):
        network = SeldNet(bands=16, classes=5, tracks=2, steps=4, filters=8, width=8)
        assert network(torch.randn(3, 7, 16, 40)).shape == (3, 2, 5, 3, 10)
        with pytest.raises(AmbikitError, match="multiple of 8"):
            SeldNet(bands=20, classes=5)

    def test_a_batch_is_learned_by_heart(self):
        """Scenes with overlapping sources, a pair of one class among them; afterwards the scores are nearly perfect."""
        torch.manual_seed(0)
        config = SceneConfig(duration=2.0)
        signals, labels = zip(*(seld_scene(config, 0, index) for index in range(2)), strict=True)
        both = Events.of([(f, 1, s, a, 0.2) for f in range(5, 15) for s, a in enumerate((-1.0, 1.5))])
        noise = np.random.default_rng(0).normal(size=(2, 32000)) * np.repeat(both.frame.min() <= np.arange(20), 1600)
        pair = sum(ambikit.encode(n, a, 0.2) for n, a in zip(noise, (-1.0, 1.5), strict=True))
        signals = torch.as_tensor(np.stack([*signals, pair]), dtype=torch.float32)
        features = ambikit.foa_features(signals, 16000, bands=16, window=0.032, hop=0.02)
        targets = torch.stack([multi_accdoa_targets(e, 4, 20, tracks=2) for e in (*labels, both)])
        network = SeldNet(bands=16, classes=4, tracks=2, steps=5, filters=24, width=32)
        network.standardize.measure(features)
        optimizer = torch.optim.Adam(network.parameters(), 5e-3)
        for _ in range(80):
            optimizer.zero_grad()
            adpit_loss(network(features), targets).backward()
            optimizer.step()
        answers = [multi_accdoa_to_events(answer) for answer in network(features)]
        scores = score_events(zip((*labels, both), answers, strict=True), 4)
        assert scores.f_score > 0.95
        assert scores.localization_error_degrees < 6


def test_the_example_in_its_short_form(tmp_path, monkeypatch, capsys):
    """All parts of the example work; its figures mean nothing at this size."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    from train_seld import Arguments, main

    main(Arguments("smoke", output=tmp_path / "seld", workers=1))
    written = tmp_path / "seld"
    table = capsys.readouterr().out
    assert table.startswith("| trained on | channel swaps | ER20")
    assert len(table.splitlines()) == 6
    assert (written / "table.md").read_text() == table
    assert (written / "azimuth.png").read_bytes().startswith(b"\x89PNG")
    assert len(read_events(written / "labels.csv")) > 10
    assert set(read_events(written / "predictions.csv").class_index) <= set(range(4))
