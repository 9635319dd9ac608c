"""The claims of a study: differences with known answers, and a report from made results."""

import csv
import dataclasses

import numpy as np
import pytest
from scipy import stats

from ambikit.errors import AmbikitError
from ambikit_models.presets import preset_names
from ambikit_models.study.config import StudyConfig, load_study
from ambikit_models.study.effects import Effect, Figure, difference_over_seeds, outcome
from ambikit_models.study.report import write_report
from ambikit_models.study.run import finished_runs, run_folder

SCENES = 500


def made_result(variant, seed, accuracy, rng):
    """A record of a run whose answers are right with a known probability."""

    def task(probability):
        correct = {views: rng.binomial(2, probability, SCENES) / 2 for views in ("1", "4")}
        return {
            "accuracy": {
                v: {"value": c.mean(), "low": c.mean() - 0.02, "high": c.mean() + 0.02} for v, c in correct.items()
            },
            "chance": {"1": 0.5, "4": 0.5},
            "correct": {v: c.tolist() for v, c in correct.items()},
        }

    evaluation = {"avsa": task(accuracy), "avc": task(0.7), "classes": {"value": accuracy, "low": 0.0, "high": 1.0}}
    return {
        "variant": variant,
        "seed": seed,
        "processor_seconds": 60.0,
        "final_loss": 1.0,
        "chance_loss": 4.0,
        "aligned": True,
        "trained": {**evaluation, "shuffled": task(0.5)},
        "untrained": evaluation,
        "omni": task(0.5),
        "oracle": {"accuracy": {"4": {"value": 0.9, "low": 0.9, "high": 0.9}}},
    }


def claim(larger, smaller, **more):
    return Effect("a claim", Figure(larger, **more), Figure(smaller, **more))


class TestIntervals:
    def test_of_seeds_alone(self, rng):
        """Without scatter between scenes it is Student's interval of SciPy."""
        means = rng.normal(0.1, 0.03, 4)
        value, half = difference_over_seeds(np.tile(means[:, None], 50))
        low, high = stats.t.interval(0.95, 3, means.mean(), stats.sem(means))
        np.testing.assert_allclose([value - half, value + half], [low, high], rtol=1e-12)

    def test_of_scenes_alone(self, rng):
        """Without scatter between seeds it is the normal interval of the scenes."""
        scenes = rng.normal(0.0, 0.5, 400)
        value, half = difference_over_seeds(np.tile(scenes, (3, 1)))
        low, high = stats.norm.interval(0.95, scenes.mean(), stats.sem(scenes))
        np.testing.assert_allclose([value - half, value + half], [low, high], rtol=1e-6)

    def test_it_covers(self, rng):
        """Differences with a scatter of both kinds: the true mean lies inside in at least 95 % of 400 studies."""
        inside = 0
        for _ in range(400):
            differences = 0.2 + rng.normal(0, 0.05, (3, 1)) + rng.normal(0, 0.4, 200) + rng.normal(0, 0.4, (3, 200))
            value, half = difference_over_seeds(differences)
            inside += abs(value - 0.2) <= half
        assert inside >= 380

    def test_one_seed_says_nothing_of_others(self, rng):
        assert difference_over_seeds(rng.normal(1.0, 0.1, (1, 100)))[1] == np.inf


class TestVerdicts:
    def results(self, rng, first=0.8, second=0.6):
        return [made_result(v, s, a, rng) for s in range(3) for v, a in (("good", first), ("poor", second))]

    def test_three_answers(self, rng):
        results = self.results(rng)
        found = outcome(claim("good", "poor"), results)
        assert found.verdict == "reproduces"
        assert found.value == pytest.approx(0.2, abs=0.05)
        assert found.value == pytest.approx(np.mean(found.by_seed))
        assert outcome(claim("poor", "good"), results).verdict == "does not"
        assert outcome(claim("good", "poor"), self.results(rng, 0.7, 0.7)).verdict == "undecided"

    def test_it_is_paired_by_seed_and_scene(self, rng):
        """Runs that fail in the same scenes: a small difference is certain."""
        results = []
        for seed in range(3):
            result = made_result("poor", seed, 0.6, rng)
            better = made_result("good", seed, 0.6, rng)
            correct = np.array(result["trained"]["avsa"]["correct"]["4"])
            correct[np.flatnonzero(correct < 1)[:10]] += 0.5
            better["trained"]["avsa"]["correct"]["4"] = correct.tolist()
            results += [result, better]
        found = outcome(claim("good", "poor"), results)
        assert found.verdict == "reproduces"
        assert found.by_seed == pytest.approx([5 / SCENES] * 3)

    def test_untrained_and_classes(self, rng):
        results = [made_result("good", seed, 0.8, rng) for seed in range(3)]
        for result in results:
            result["untrained"] = made_result("good", 0, 0.5, rng)["trained"]
        effect = Effect("training", Figure("good", "classes"), Figure("good", "classes", untrained=True))
        assert outcome(effect, results).by_seed == pytest.approx([0.3] * 3)

    def test_what_was_not_run(self, rng):
        assert outcome(claim("good", "absent"), self.results(rng)) is None

    def test_errors(self, rng):
        with pytest.raises(AmbikitError, match="'avsa_translated'.*did not measure"):
            outcome(claim("good", "poor", measure="avsa_translated"), self.results(rng))
        with pytest.raises(AmbikitError, match="at 2 viewpoints"):
            outcome(claim("good", "poor", views=2), self.results(rng))
        smoke = load_study("smoke")
        with pytest.raises(AmbikitError, match="effect on 'foa-vi'"):
            dataclasses.replace(smoke, effects=(claim("foa-vi", "log-mel"),))


class TestReport:
    @pytest.fixture
    def study(self):
        smoke = load_study("smoke")
        claims = (claim("foa-iv", "log-mel"), dataclasses.replace(claim("log-mel", "foa-iv"), claim="the other way"))
        return dataclasses.replace(smoke, seeds=(0, 1, 2), effects=claims)

    def test_everything_is_written(self, study, rng, tmp_path):
        results = [made_result(v, s, a, rng) for s in range(3) for v, a in (("log-mel", 0.6), ("foa-iv", 0.8))]
        results[0]["final_loss"] = 3.95
        for result in results:
            run = run_folder(tmp_path, result["variant"], result["seed"])
            run.mkdir()
            (run / "metrics.jsonl").write_text('{"step": 10, "phase": "avc", "loss": 4.0, "accuracy": 0.1}\n' * 2)
        found = write_report(study, results[:-1], tmp_path, tmp_path / "report")
        assert [len(f.by_seed) for f in found] == [2, 2]
        found = write_report(study, results, tmp_path, tmp_path / "report")
        assert [f.verdict for f in found] == ["reproduces", "does not"]
        text = (tmp_path / "report" / "report.md").read_text()
        assert "log-mel, seed 0, never left the plateau (loss 3.95, chance 4.00)" in text
        assert "| omni sound | 50 |" in text
        assert "runs are missing" not in text
        with (tmp_path / "report" / "figures.csv").open(newline="") as file:
            figures = list(csv.DictReader(file))
        ours = [r for r in figures if (r["variant"], r["seed"], r["state"]) == ("foa-iv", "1", "trained")]
        accuracy = next(float(r["value"]) for r in ours if (r["measure"], r["views"]) == ("avsa", "4"))
        assert accuracy == results[3]["trained"]["avsa"]["accuracy"]["4"]["value"]
        with (tmp_path / "report" / "effects.csv").open(newline="") as file:
            assert [r["verdict"] for r in csv.DictReader(file)] == ["reproduces", "does not"]
        for picture in ("effects.png", "learning_curves.png"):
            assert (tmp_path / "report" / picture).read_bytes().startswith(b"\x89PNG")

    def test_claims_may_change_when_the_runs_are_done(self, study, tmp_path):
        from ambikit_models.study.run import _claim

        _claim(dataclasses.replace(study, effects=()), tmp_path)
        _claim(study, tmp_path)
        with pytest.raises(AmbikitError, match="another study"):
            _claim(dataclasses.replace(study, test_scenes=7), tmp_path)

    def test_nothing_finished(self, study, tmp_path):
        with pytest.raises(AmbikitError, match="no finished run"):
            finished_runs(study, tmp_path)

    @pytest.mark.parametrize("name", preset_names("studies"))
    def test_the_claims_of_the_package(self, name):
        """No claim twice, and each compares two different figures."""
        study: StudyConfig = load_study(name)
        assert len({effect.claim for effect in study.effects}) == len(study.effects)
        assert all(effect.larger != effect.smaller for effect in study.effects)
