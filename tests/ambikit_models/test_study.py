import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from ambikit.errors import AmbikitError
from ambikit_models.presets import preset_names, preset_path
from ambikit_models.study.config import StudyConfig, Variant, load_study
from ambikit_models.study.pictures import alignment_scores
from ambikit_models.study.pools import POOLS, load_pool, render_pools
from ambikit_models.study.run import run_folder, run_study
from ambikit_models.study.show import show_study
from ambikit_models.study.table import COLUMNS, controls, differences, markdown, rows
from ambikit_models.training.checkpoints import load_model
from ambikit_models.training.config import TrainingConfig, load_yaml, save_yaml
from ambikit_models.training.metrics import read_metrics
from ambikit_models.world.pool import render_pool


def tiny(**changes) -> StudyConfig:
    """The smoke study, smaller still."""
    smoke = load_study("smoke")
    variants = []
    for variant in smoke.variants:
        phases = tuple(dataclasses.replace(phase, steps=3, clips=8) for phase in variant.training.phases)
        variants.append(Variant(variant.name, dataclasses.replace(variant.training, phases=phases)))
    head = dataclasses.replace(smoke.head, epochs=1)
    values = {"training_scenes": 24, "head_scenes": 16, "test_scenes": 16, "head": head}
    return dataclasses.replace(smoke, variants=tuple(variants), **{**values, **changes})


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that has been run through the front door once."""
    folder = tmp_path_factory.mktemp("study")
    save_yaml(tiny(), folder / "tiny.yaml")
    return folder / "out", show_study(str(folder / "tiny.yaml"), folder / "out", workers=2)


class TestStudy:
    def test_every_part_is_there(self, finished):
        output, results = finished
        assert [r["variant"] for r in results] == ["log-mel", "foa-iv"]
        for result in results:
            folder = run_folder(output, result["variant"], 0)
            assert json.loads((folder / "results.json").read_text()) == result
            assert len(read_metrics(folder / "metrics.jsonl")) == 2
            model, config = load_model(folder)
            assert config.sound.channels == {"log-mel": 4, "foa-iv": 7}[result["variant"]]
            assert not model.training
        for picture in ("learning_curves.png", "localization_0.png"):
            assert (output / picture).read_bytes().startswith(b"\x89PNG")

    def test_controls_hold_by_construction_and_by_test(self, finished):
        _, results = finished
        for result in results:
            assert result["omni"]["accuracy"]["4"]["value"] == 0.5
            assert result["trained"]["shuffled"]["chance"]["4"] >= 0.001
            assert 0.5 < result["oracle"]["accuracy"]["4"]["value"] <= 1.0

    def test_a_finished_study_is_read_not_run(self, finished):
        output, results = finished
        before = {p: p.stat().st_mtime_ns for p in output.rglob("*.safetensors")}
        assert run_study(tiny(), output, workers=1) == results
        assert before == {p: p.stat().st_mtime_ns for p in output.rglob("*.safetensors")}

    def test_the_folder_belongs_to_one_study(self, finished):
        with pytest.raises(AmbikitError, match="holds another study"):
            run_study(tiny(test_scenes=17), finished[0])

    def test_no_scene_is_in_two_pools(self, finished):
        output, _ = finished
        recipe = tiny().variants[0].training
        pools = [load_pool(output / "pools", name, recipe).indices for name in POOLS]
        together = np.concatenate(pools)
        assert len(np.unique(together)) == len(together) == 24 + 16 + 16

    def test_the_map_of_a_scene(self, finished):
        output, _ = finished
        model, config = load_model(run_folder(output, "foa-iv", 0))
        scores = alignment_scores(model, load_pool(output / "pools", "test", config), 0)
        assert scores.shape == (18, 36)
        assert np.isfinite(scores[4:14]).all()
        assert np.isnan(scores[:4]).all()
        assert np.abs(scores[4:14]).max() <= 1.0001


def with_sounds(*changes) -> StudyConfig:
    """A small study whose variants hear differently."""
    base = tiny().variants[0].training
    recipes = [dataclasses.replace(base, sound=dataclasses.replace(base.sound, **change)) for change in changes]
    variants = tuple(Variant(f"variant-{i}", recipe) for i, recipe in enumerate(recipes))
    counts = {"training_scenes": 4, "head_scenes": 4, "test_scenes": 4}
    return dataclasses.replace(tiny(**counts), variants=variants)


class TestPools:
    @pytest.mark.parametrize(
        ("changes", "kept"),
        [
            (({"format": "mono"}, {"format": "foa_intensity", "dynamic_range_db": 80.0}), "covariance"),
            (({"format": "foa_intensity"}, {"format": "stereo_icf", "pattern": "cardioid"}), "signal"),
            (({"format": "foa_intensity"}, {"format": "foa_intensity", "bands": 16}), "signal"),
            (({"format": "salsa_mel"},), "signal"),  # the omni control needs something else
        ],
    )
    def test_they_keep_what_all_variants_need(self, changes, kept, tmp_path):
        study = with_sounds(*changes)
        render_pools(study, tmp_path, workers=1)
        with safe_open(tmp_path / "test.safetensors", framework="pt") as file:
            assert set(file.keys()) == {kept, "indices"}
        for variant in study.variants:
            clips = load_pool(tmp_path, "test", variant.training)
            assert clips.sound == variant.training.sound
            expected = render_pool(study.world, study.world_seed, clips.indices, clips.sound)
            assert torch.equal(clips.prepared, expected)
            assert clips.variant(sound=dataclasses.replace(clips.sound, format="omni")).prepared.shape[0] == 4


class TestBadInput:
    def test_no_workers(self, tmp_path):
        with pytest.raises(AmbikitError, match="workers=0"):
            run_study(tiny(), tmp_path, workers=0)

    def test_the_output_is_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(AmbikitError, match="cannot be made"):
            run_study(tiny(), tmp_path / "file")

    def test_a_damaged_pool_is_named(self, finished, tmp_path):
        (tmp_path / "test.safetensors").write_bytes(b"damaged")
        with pytest.raises(AmbikitError, match="remove .*test.safetensors and start again"):
            load_pool(tmp_path, "test", tiny().variants[0].training)


class TestTable:
    def test_rows_and_controls(self, finished):
        _, results = finished
        names = [row[0] for row in rows(results)]
        assert names == ["log-mel", "– translated", "– untrained", "foa-iv", "– translated", "– untrained"]
        assert all(len(row) == len(COLUMNS) for row in rows(results))
        assert len(controls(results)) == 6
        words, difference = differences(results)[1]
        paired = (
            results[1]["trained"]["avsa"]["accuracy"]["4"]["value"]
            - results[0]["trained"]["avsa"]["accuracy"]["4"]["value"]
        )
        assert words == "foa-iv − log-mel, 4 views, seed 0"
        assert difference.value == pytest.approx(paired)

    def test_markdown_has_every_row_and_names_dead_runs(self, finished):
        text = markdown(finished[1])
        assert text.count("\n| ") >= 1 + 6 + 1 + 6
        dead = [{**r, "final_loss": 10.0} for r in finished[1]]
        assert "never left the plateau" in markdown(dead)
        alive = [{**r, "final_loss": 0.0} for r in finished[1]]
        assert "plateau" not in markdown(alive)


class TestPresets:
    @pytest.mark.parametrize("name", preset_names("studies"))
    def test_studies_load(self, name):
        study = load_study(name)
        assert {v.training.sound.sample_rate for v in study.variants} == {study.world.sample_rate}

    @pytest.mark.parametrize("name", [name for name in preset_names("recipes") if not name.startswith("yang2020")])
    def test_recipes_load_and_build(self, name):
        recipe = load_yaml(TrainingConfig, preset_path("recipes", name))
        assert [(p.objective, p.clips, p.views) for p in recipe.phases] == [("avc", 112, 1), ("avsa", 28, 4)]
        assert recipe.model.build(recipe.sound).video_encoder.width == 512

    def test_unknown(self):
        with pytest.raises(AmbikitError, match="expected one of demo, effects, smoke, table"):
            load_study("dmeo")

    def test_a_recipe_is_no_study(self):
        with pytest.raises(AmbikitError, match="one of the recipes.*ambikit-models train"):
            load_study("morgado2020")

    def test_variants_must_have_the_rate_of_the_world(self):
        with pytest.raises(AmbikitError, match=r"features at \[16000, 24000\] Hz"):
            with_sounds({"bands": 16}, {"sample_rate": 24000})
