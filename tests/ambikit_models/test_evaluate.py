"""Downstream tasks on the synthetic world, what is reported of them, and the command."""

import json

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.cli import main
from ambikit_models.downstream.alignment.alignment_bins import alignment_figures, alignment_folds
from ambikit_models.downstream.alignment.binary import evaluate_binary
from ambikit_models.downstream.directions.azimuths import ObjectDirections
from ambikit_models.downstream.directions.sound_events import SimulatedEvents
from ambikit_models.downstream.probing.comparison import compare, comparisons
from ambikit_models.downstream.probing.embeddings import embed
from ambikit_models.downstream.probing.engine import Figure, evaluate, figures_of
from ambikit_models.downstream.probing.fine_tuning import TuningConfig
from ambikit_models.downstream.probing.heads import PROBE, HeadConfig
from ambikit_models.downstream.probing.losses import Classes
from ambikit_models.downstream.probing.report import columns, difference_rows, markdown, plain, rows
from ambikit_models.downstream.probing.scenes import SceneViews, WorldScenes
from ambikit_models.downstream.probing.schedules import MultiStep
from ambikit_models.downstream.probing.scores import MeanScores
from ambikit_models.downstream.probing.statistics import Estimate, bootstrap, mean_over_scenes
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.recognition.acoustic_scenes import RoomsHeard
from ambikit_models.downstream.recognition.actions import ObjectClasses
from ambikit_models.downstream.recognition.audio_visual_scenes import RoomsSeenAndHeard
from ambikit_models.training.config import save_yaml
from tests.ambikit_models.examined import small_checkpoint, small_system
from tests.ambikit_models.toy import ToyClips


@pytest.fixture(scope="module")
def world():
    return WorldScenes(24, workers=1)


@pytest.fixture(scope="module")
def system():
    return small_system()


class TestObjectClasses:
    def test_the_middle_of_the_middle_crop_shows_the_class(self, world, system):
        (split,) = ObjectClasses(world).splits(system)
        for side, crops in ((split.train, 1), (split.test, 5)):
            assert side.targets.shape == (24, crops)
            everything = np.arange(24)
            shown = side.clips.class_map(everything, side.viewpoints(everything, None))[:, crops // 2, 0]
            middle = shown[:, 7:9, 7:9].flatten(1)
            # an object nearer to the camera may stand in front of it now and then
            assert (middle == side.targets[:, :1]).all(1).double().mean() > 0.8

    def test_training_looks_a_little_aside(self, world, system):
        (split,) = ObjectClasses(world).splits(system)
        rows = np.arange(24)
        straight = split.train.viewpoints(rows, None)
        aside = split.train.viewpoints(rows, np.random.default_rng(0))
        moved = (aside.azimuth - straight.azimuth).abs()
        assert 0 < moved.mean() < np.radians(15)
        assert moved.max() <= np.radians(15)


class TestRooms:
    def test_rooms_heard(self, world, system):
        (split,) = RoomsHeard(world).splits(system)
        clips = split.test.clips
        assert split.test.targets[:, 0].tolist() == clips.rooms_heard(np.arange(24)).tolist()
        assert split.test.inputs(np.arange(3)).audio.shape == (3, 1, 7, 16, 25)
        assert not set(split.train.clips.indices) & set(split.test.clips.indices)

    def test_a_stereo_model_hears_its_own_features(self, world):
        """Sound decoded to two channels and made a scene again is what the model hears of the scene itself."""
        stereo = small_system("stereo")
        (split,) = RoomsSeenAndHeard(world).splits(stereo)
        rows_ = np.arange(6)
        direct = SceneViews(split.test.clips, split.test.targets[:, 0]).inputs(rows_).audio
        torch.testing.assert_close(split.test.inputs(rows_).audio, direct, atol=2e-3, rtol=1e-4)

    def test_the_room_seen_is_the_room_heard(self, world, system):
        (split,) = RoomsSeenAndHeard(world).splits(system)
        clips = split.test.clips
        assert clips.rooms_seen(np.arange(24)).tolist() == split.test.targets[:, 0].tolist()
        figures = evaluate(RoomsSeenAndHeard(world), system, {"frozen": PROBE})
        assert [f.senses for f in figures] == ["audio", "video", "both"]


class TestObjectDirections:
    def test_targets_are_where_the_sound_is_without_a_room(self, system):
        """In an anechoic world without ambience the mean intensity points to the target."""

        class Dry(WorldScenes):
            def clips(self, subject, part, **changes):
                return super().clips(subject, part, reverberation=0.0, snr_db=None, speed_degrees=(0.0, 0.0), **changes)

        (split,) = ObjectDirections(Dry(12, workers=1)).splits(system)
        for row in range(12):
            w, y, _, x = split.test.signal(row)[0]
            heard = np.array([np.mean(w * x), np.mean(w * y)])
            np.testing.assert_allclose(heard / np.linalg.norm(heard), split.test.targets[row, 0], atol=0.02)

    def test_four_ways(self, world, system):
        (split,) = ObjectDirections(world).splits(system)
        assert split.test.inputs(np.arange(2)).audio.shape[:3] == (2, 4, 7)
        assert split.test.targets.shape == (24, 1, 2)
        task = ObjectDirections(world)
        widths = [task.encoder(system, senses)(split.test.inputs(np.arange(2))).shape for senses in task.senses]
        assert widths == [(2, 1, 48), (2, 1, 192)]

    def test_folds(self, world, system):
        """Every scene is tested once, and learned from in the three others."""
        splits = ObjectDirections(world, folds=(1, 2, 3, 4)).splits(system)
        tested = [split.test.groups.tolist() for split in splits]
        assert sorted(np.concatenate(tested)) == list(range(24))
        for split, part in zip(splits, tested, strict=True):
            assert sorted([*split.train.groups.tolist(), *part]) == list(range(24))
        figures = evaluate(ObjectDirections(world, folds=(1, 3)), system, {"frozen": PROBE})
        assert {len(f.per_unit) for f in figures if f.per_unit is not None} == {12}


def test_simulated_events():
    system = small_system(duration=0.5)
    task = SimulatedEvents(2, duration=3.0)
    (split,) = task.splits(system)
    found = task.score(split.test.targets, split.test).figures(np.arange(2))
    assert found["F 20°"] > 0.99
    figures = evaluate(task, system, {"frozen": HeadConfig(hidden=0, dropout=0.0, epochs=2)})
    assert [f.name for f in figures] == ["ER 20°", "F 20°", "LE", "LR"]
    assert task.splits(system)[0].train.recordings is split.train.recordings  # rendered once


class TestAlignment:
    def test_the_figures_are_those_of_the_binary_tasks(self, system):
        train, test = ToyClips(40, size=16, seed=1), ToyClips(30, size=16, seed=2)
        small = small_system(sample_rate=16000)
        small = small.__class__("toy", _fits(train), small.recipe)
        figures = alignment_figures(small, [(train, np.arange(40), test, np.arange(30))], seeds=(3,))
        conditions = ("own", "other", "own_turned")
        chooser = small.recipe.viewpoints
        embedded = [
            embed(small.model, clips, np.arange(len(clips)), chooser, conditions=conditions, seed=seed)
            for clips, seed in ((train, 101), (test, 202))
        ]
        expected = evaluate_binary(small.model, embedded[:1], embedded[1], "avsa", seed=3)
        by_name = {(f.way, f.name): f.values[0] for f in figures}
        for views in (1, 4):
            name = f"AVSA-Bin, {views} view{'s' * (views > 1)}"
            assert by_name["frozen", name] == pytest.approx(expected.accuracy[views].value)
        assert ("frozen, translated", "AVC-Bin, 4 views") in by_name
        assert ("frozen, translated", "AVC-Bin, 1 view") not in by_name

    def test_folds_keep_videos_together(self):
        clips = ToyClips(12)
        clips.videos = np.repeat(np.arange(6), 2)
        for _, train, _, test in alignment_folds(clips, 3):
            assert not set(clips.videos[train]) & set(clips.videos[test])
        clips.videos = np.repeat(np.arange(3), 4)
        with pytest.raises(AmbikitError, match="clips of 3 videos"):
            alignment_folds(clips, 2)


def _fits(clips):
    """A model for the features of the toy."""
    from tests.ambikit_models.toy import toy_config

    config = toy_config()
    torch.manual_seed(0)
    return config.model.build(config.sound).eval()


class TestFigures:
    def test_intervals_over_groups_and_over_seeds(self):
        rng = np.random.default_rng(0)
        groups = np.repeat(np.arange(50), 4)
        scores = []
        for _ in range(3):
            easy = rng.random(50)[groups]  # the examples of a group are alike
            scores.append(MeanScores.of({"right": (rng.random(200) < easy).astype(float)}, groups))
        (figure,) = figures_of("who", "audio", "frozen", {"right": "%"}, scores, draws=400)
        means = [s.figures(np.arange(50))["right"] for s in scores]
        assert figure.values == tuple(means)
        assert figure.interval.value == pytest.approx(np.mean(means))
        # by group: wider than examples on their own would have it
        exact = mean_over_scenes(np.mean([s.per_unit()["right"] for s in scores], 0))
        assert figure.interval.high - figure.interval.low == pytest.approx(exact.high - exact.low, rel=0.2)
        assert figure.seeds.value == pytest.approx(np.mean(means))

    def test_groups_of_unequal_size_weigh_by_their_examples(self):
        scores = MeanScores.of({"a": np.array([1.0, 0.0, 0.0, 0.0])}, np.array([5, 7, 7, 7]))
        assert scores.figures(np.arange(2)) == {"a": 0.25}
        other = MeanScores.of({"a": np.ones(4)}, np.zeros(4))
        assert scores.joined(other).figures(np.arange(3)) == {"a": 5 / 8}

    def figure(self, subject, per_unit, unit="%"):
        per_unit = np.asarray(per_unit, float)
        interval = bootstrap(lambda r: float(per_unit[r].mean()), len(per_unit))
        return Figure(subject, "audio", "frozen", "x", unit, (float(per_unit.mean()),), interval, tuple(per_unit))

    def test_the_test_follows_the_scores(self):
        one = compare(self.figure("a", [1, 1, 1, 0, 1, 1]), self.figure("b", [0, 1, 0, 0, 1, 0]))
        assert (one.test, one.probability) == ("McNemar", 0.25)
        assert one.difference.value == 0.5
        other = compare(self.figure("a", [3.0, 4.5, 1.0]), self.figure("b", [2.0, 4.0, 0.7]))
        assert (other.test, other.probability) == ("Wilcoxon", 0.25)

    def test_only_like_is_compared_with_like(self):
        a, b = self.figure("a", [1, 0]), self.figure("b", [0, 0])
        tuned = Figure("b", "audio", "tuned", "x", "%", (0.5,), Estimate(0.5, 0.4, 0.6), (1.0, 0.0))
        rule = Figure("rule", "audio", "–", "x", "%", (0.5,), Estimate(0.5, 0.4, 0.6), (1.0, 0.0))
        assert [(c.first, c.second) for c in comparisons([rule, a, tuned, b])] == [("a", "b")]

    def test_the_report(self):
        a, b = self.figure("a", [10.0, 20.0], "°"), self.figure("b", [10.0, 10.0], "°")
        seeds = Figure("c", "both", "tuned", "y", "%", (0.5, 0.7), Estimate(0.6, 0.55, 0.65))
        score = Figure("c", "both", "tuned", "z", "1", (1.25,), Estimate(1.25, 1.0, 1.5))
        figures = [a, b, seeds, score]
        assert columns(figures) == ("subject", "senses", "way", "x", "y", "z")
        assert rows(figures)[2] == ("c", "both", "tuned", "–", "60.0 ±5.0 (seeds ±127.1)", "1.25 ±0.25")
        assert rows(figures)[1][3] == "10.0° ±0.0"
        found = comparisons(figures)
        assert difference_rows(found)[0][0] == "a − b"
        clear = compare(self.figure("a", np.ones(20)), self.figure("b", np.zeros(20)))
        assert difference_rows([clear])[0][-1] == "p < 0.001 (McNemar)"
        text = markdown("title", figures, found)
        assert text.startswith("# title\n\n| subject |")
        record = json.loads(json.dumps(plain(figures, found), allow_nan=False))
        assert record["figures"][0]["values"] == [15.0]
        assert record["figures"][0]["seeds"]["low"] is None  # one seed: no interval


class TestCommand:
    @pytest.mark.parametrize(
        ("task", "scenes"),
        [("alignment", 12), ("actions", 12), ("acoustic-scenes", 12), ("audio-visual-scenes", 12), ("directions", 8)],
    )
    def test_every_task_runs_on_the_world(self, task, scenes, tmp_path, capsys):
        checkpoint, out = small_checkpoint(tmp_path), tmp_path / "out"
        small = ["--workers", "1", "--device", "cpu", "--output", str(out)]
        main(["evaluate", task, str(checkpoint), "--world", str(scenes), "--untrained", *small])
        assert "small, untrained" in (out / "table.md").read_text()
        record = json.loads((out / "figures.json").read_text())
        assert record["on"] == f"the world, {scenes} scenes"
        assert {"small", "small, untrained"} <= {figure["subject"] for figure in record["figures"]}
        assert {c["second"] for c in record["comparisons"]} == {"small, untrained"}
        assert "figures.json" in capsys.readouterr().out

    def test_tuned_with_seeds_and_the_same_again(self, tmp_path):
        checkpoint = small_checkpoint(tmp_path)
        how = ["--world", "10", "--no-frozen", "--tuned", "--epochs", "1", "--seeds", "0", "1", "--workers", "1"]
        for name in ("one", "two"):
            main(["evaluate", "acoustic-scenes", str(checkpoint), *how, "--output", str(tmp_path / name)])
        records = [json.loads((tmp_path / name / "figures.json").read_text()) for name in ("one", "two")]
        assert records[0] == records[1]
        assert [f["way"] for f in records[0]["figures"]] == ["tuned"]
        assert len(records[0]["figures"][0]["values"]) == 2

    def test_ways_of_ones_own(self, tmp_path):
        checkpoint, out = small_checkpoint(tmp_path), tmp_path / "out"
        head = HeadConfig(hidden=4, epochs=2)
        tuning = TuningConfig(epochs=1, encoder_rate=0.1, schedule=MultiStep((1,), 0.3))
        save_yaml(head, tmp_path / "head.yaml")
        save_yaml(tuning, tmp_path / "tuning.yaml")
        given = ["--head", str(tmp_path / "head.yaml"), "--tuned", "--tuning", str(tmp_path / "tuning.yaml")]
        how = ["--world", "8", "--workers", "1", "--output", str(out), "--label-smoothing", "0.1", *given]
        main(["evaluate", "acoustic-scenes", str(checkpoint), *how])
        figures = json.loads((out / "figures.json").read_text())["figures"]
        task = RoomsHeard(WorldScenes(8, workers=1))
        task.loss = Classes(0.1)
        expected = evaluate(task, System.load(checkpoint), {"frozen": head, "tuned": tuning})
        assert [f["values"] for f in figures] == [list(f.values) for f in expected]

    def test_alignment_on_videos_in_folds_or_by_lists(self, tmp_path):
        checkpoint, data = small_checkpoint(tmp_path), tmp_path / "data"
        small = ["--seconds", "2", "--clips", "1", "1", "--height", "16", "--workers", "1"]
        main(["write-world", str(data), "--videos", "8", *small])
        names = sorted(path.stem[:11] for path in (data / "video").iterdir())
        for name, part in (("one", names[:4]), ("two", names[4:])):
            (data / f"{name}.txt").write_text("\n".join(part) + "\n")
        how = ["evaluate", "alignment", str(checkpoint), "--data", str(data)]
        for name, lists, tested in (("folds", [], 8), ("lists", ["--lists", "one", "two"], 4)):
            main([*how, *lists, "--output", str(tmp_path / name)])
            figures = json.loads((tmp_path / name / "figures.json").read_text())["figures"]
            assert {len(figure["per_unit"]) for figure in figures} == {tested}
            assert len(figures) == 6
        with pytest.raises(SystemExit, match="expected two"):
            main([*how, "--lists", "one"])

    def test_two_systems_of_one_name(self, tmp_path):
        one, two = small_checkpoint(tmp_path / "a"), small_checkpoint(tmp_path / "b", seed=1)
        out = tmp_path / "out"
        main(["evaluate", "actions", str(one), str(two), "--world", "6", "--workers", "1", "--output", str(out)])
        record = json.loads((out / "figures.json").read_text())
        assert {f["subject"] for f in record["figures"]} == {str(one), str(two)}

    def test_folds_of_scenes(self, tmp_path):
        checkpoint, out = small_checkpoint(tmp_path), tmp_path / "out"
        how = ["--world", "12", "--folds", "1", "3", "--workers", "1", "--output", str(out)]
        main(["evaluate", "directions", str(checkpoint), *how])
        figures = json.loads((out / "figures.json").read_text())["figures"]
        task = ObjectDirections(WorldScenes(12, workers=1), folds=(1, 3))
        expected = evaluate(task, System.embedding(checkpoint), {"frozen": PROBE})
        assert {len(f["per_unit"]) for f in figures} == {6}
        assert [f["values"] for f in figures] == [list(f.values) for f in expected]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["actions", "nowhere"], "either --data DIR or --world SCENES"),
            (["actions", "nowhere", "--world", "4", "--data", "x"], "either --data DIR or --world SCENES"),
            (["actions", "nowhere", "--world", "4"], "recipe cannot be read"),
            (["actions", "small", "--world", "4", "--no-frozen"], "no way to learn"),
            (["directions", "small", "--world", "4", "--openl3"], "got --openl3 for directions"),
            (["actions", "small", "--data", "nowhere"], "UCF101|HMDB51"),
            (["actions", "small", "--world", "4", "--folds", "1"], "got --folds 1 for actions on the world"),
            (["alignment", "small", "--data", "x", "--folds", "1"], "for alignment on a data set, which has no folds"),
        ],
    )
    def test_errors_are_one_line(self, arguments, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        small_checkpoint(tmp_path)
        with pytest.raises(SystemExit, match=message):
            main(["evaluate", *arguments])
