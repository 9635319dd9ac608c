"""Every published row, every recipe, and the changes that lead from one to the other."""

import dataclasses
import importlib
import json
import typing
from pathlib import Path

import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.cli.evaluate import TaskName
from ambikit_models.panorama.viewpoints import ObjectViewpoints, RandomViewpoints
from ambikit_models.presets import preset_names, preset_path
from ambikit_models.training.config import ModelConfig, TrainingConfig, load_yaml, to_mapping
from ambikit_models.training.overrides import override
from ambikit_models.training.phases import Phase
from ambikit_models.training.rows import published_row, published_rows
from ambikit_models.training.small_form import small_form
from tests.ambikit_models.toy import toy_config

OURS = [row for row in published_rows() if row.recipe is not None]
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "recipes.md").read_text(encoding="utf-8")
RECORD = json.loads((DOCS / "studies" / "rows.json").read_text(encoding="utf-8"))


def built(config):
    """The model, without memory or weights."""
    with torch.device("meta"):
        model = dataclasses.replace(config.model, video_weights=None)
        return dataclasses.replace(config, model=model).build_model()


class TestRows:
    @pytest.mark.parametrize("row", OURS, ids=lambda row: row.name)
    def test_it_loads_and_its_model_is_made(self, row):
        config = row.training()
        model = built(config)
        for phase in config.phases:
            assert all(hasattr(model, part) for part in phase.build().trains)

    def test_names_and_tables(self):
        names = [row.name for row in published_rows()]
        assert len(set(names)) == len(names)
        tables = {(row.paper, row.table) for row in published_rows()}
        assert tables == {("morgado2020", t) for t in ("2", "3", "4", "S3a", "S3b", "S3c", "S3d", "S3e")} | {
            ("wang2022", t) for t in ("I", "II", "III", "IV", "V")
        }

    def test_tasks_are_those_of_the_command(self):
        known = {*typing.get_args(TaskName), "segmentation"}
        assert {task for row in published_rows() for task in row.tasks} <= known
        ways = {way for row in published_rows() for ways in row.tasks.values() for way in ways}
        assert ways <= {"frozen", "frozen, translated", "tuned"}

    def test_figures_are_percent(self):
        assert all(1 < value < 100 for row in published_rows() for value in row.reported.values())

    def test_an_unknown_row(self):
        with pytest.raises(AmbikitError, match="expected one of morgado2020-2-avc"):
            published_row("morgado2020-9")
        with pytest.raises(AmbikitError, match="not ours to train"):
            published_row("wang2022-5-openl3").training()

    def test_the_budget_is_that_of_the_paper(self):
        # 100 epochs of 144,192 clips, whatever the batch
        for row in OURS:
            if row.trained:
                clips = sum(phase.steps * phase.clips for phase in row.training().phases)
                assert clips == pytest.approx(100 * 144_192, rel=1e-3), row.name

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("morgado2020-2-avc", [("avc", 1, 1, False)]),
            ("morgado2020-2-avc-transf", [("avc", 4, 1, True)]),
            ("morgado2020-2-avts", [("avc", 1, 1, False), ("avts", 1, 4, False)]),
            ("morgado2020-3-no-curriculum", [("avsa", 4, 1, False)]),
            ("morgado2020-s3b-8", [("avc", 1, 1, False), ("avsa", 8, 1, False)]),
            ("morgado2020-s3c-spatial-temporal", [("avc", 1, 1, False), ("avsa", 2, 2, False)]),
        ],
    )
    def test_curricula(self, name, expected):
        phases = published_row(name).training().phases
        assert [(p.objective, p.views, p.moments, p.translated) for p in phases] == expected

    def test_features_and_viewpoints_of_wang2022(self):
        for name, format, kind in (
            ("wang2022-2-baseline", "foa_log_mel", RandomViewpoints),
            ("wang2022-2-iv-yolo", "foa_intensity", ObjectViewpoints),
            ("wang2022-2-beam-yolo", "mono", ObjectViewpoints),
            ("wang2022-2-stereo", "stereo", RandomViewpoints),
            ("wang2022-2-stereo-yolo-icf", "stereo_icf", ObjectViewpoints),
        ):
            config = published_row(name).training()
            assert config.sound.format == format
            assert isinstance(config.viewpoints, kind)


class TestRecipes:
    @pytest.mark.parametrize("name", preset_names("recipes"))
    def test_it_loads_and_its_model_is_made(self, name):
        config = load_yaml(TrainingConfig, preset_path("recipes", name))
        assert built(config).video_encoder.width == (64 if "_small" in name else 512)

    def test_where_the_code_differs_from_the_paper(self):
        paper, code = (
            load_yaml(TrainingConfig, preset_path("recipes", name)) for name in ("morgado2020", "morgado2020_code")
        )
        assert (paper.phases[1].candidates, code.phases[1].candidates) == ("all_views", "same_view_of_others")
        assert (paper.phases[1].carry_over, code.phases[1].carry_over) == ("all", "encoders")
        assert (paper.sound.spectrum, code.sound.spectrum) == ("power", "magnitude")
        assert (paper.viewpoints.field_of_view_as, code.viewpoints.field_of_view_as) == ("angle", "width")
        assert not paper.model.translation_relu
        assert code.model.translation_dropout == 0.1


class TestTheMlp:
    @pytest.mark.parametrize("depth", [1, 2, 4])
    def test_it_is_as_large_as_the_transformer(self, depth):
        counts = []
        for kind in ("transformer", "mlp"):
            with torch.device("meta"):
                networks = ModelConfig(width=512, translation=kind, translation_depth=depth)
                model = networks.build(toy_config().sound)
            counts.append(sum(p.numel() for p in model.video_to_audio.parameters()))
        assert counts[1] == pytest.approx(counts[0], rel=0.001)


class TestOverrides:
    def test_values_are_those_of_yaml(self):
        config = override(
            toy_config(),
            [
                "seed=7",
                "weight_decay=1.0e-3",
                "phases.-1.candidates=own_views",
                "phases.0.views=2",
                "viewpoints.field_of_view=[0.5, 0.6]",
                "viewpoints={kind: ObjectViewpoints, maximum_latitude: 0.3}",
                "viewpoints.views=1",
            ],
        )
        assert (config.seed, config.weight_decay) == (7, 1e-3)
        assert [phase.views for phase in config.phases] == [2, 2]
        assert config.phases[1].candidates == "own_views"
        assert config.viewpoints == ObjectViewpoints(views=1, maximum_latitude=0.3)

    def test_an_entry_is_taken_out(self):
        config = override(toy_config(), ["phases.0=null", "phases.0.steps=3"])
        assert config.phases == (dataclasses.replace(toy_config().phases[1], steps=3),)

    def test_nothing_is_changed_by_nothing(self):
        assert override(toy_config(), []) == toy_config()

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("phases.1.candidate=own_views", "expected for 'candidate' one of objective, steps"),
            ("phases.2.views=4", "for '2' a number from 0 to 1, or -1"),
            ("phases.first.views=4", "for 'first' a number"),
            ("modle.width=4", "expected for 'modle' one of phases, sound"),
            ("seed.value=4", "but seed is 0 and has no fields"),
            ("seed", "expected KEY=VALUE"),
            ("seed=[1", r"got '\[1' for seed; expected a value as in YAML"),
            ("phases.1.views=four", r"got 'four' for configuration.phases\[1\].views; expected int"),
            ("weight_decay=1e-3", "write 1.0e-4, not 1e-4"),
            ("phases.1.moments=0", "at least 1 of each"),
        ],
    )
    def test_what_cannot_be_is_said(self, setting, words):
        with pytest.raises(AmbikitError, match=words):
            override(toy_config(), [setting])

    def test_any_dataclass(self):
        assert override(Phase("avsa", 10, 4, 4), ["views=8"]).views == 8


class TestThePage:
    @pytest.fixture
    def made(self, monkeypatch):
        """What writes the page."""
        monkeypatch.syspath_prepend(DOCS)
        return importlib.import_module("make_rows")

    def test_it_says_what_the_files_say(self, made):
        assert made.written() == PAGE

    def test_every_row_stands_on_it_beside_its_command(self):
        for row in published_rows():
            (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{row.name}` |")]
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert cells[1] == row.row
            assert all(f"`{change}`" in cells[2] for change in row.set)
            assert all(f"{name} {value:g}" in cells[4] for name, value in row.reported.items())

    def test_its_figures_are_those_of_the_small_form(self):
        assert RECORD["small_form"] == to_mapping(small_form())
        assert RECORD["held_out_scenes"] == small_form().held_out_scenes(RECORD["scenes"])

    def test_every_row_ran_or_says_why_not(self):
        assert list(RECORD["rows"]) == [row.name for row in published_rows()]
        for row in published_rows():
            found = RECORD["rows"][row.name]
            assert found["figures"] or set(found["not_run"]) == set(row.tasks), row.name
            if row.trained and found["figures"]:
                steps = sum(phase.steps for phase in small_form().recipe_of(row.training()).phases)
                assert found["training"]["steps"] == steps, row.name

    def test_every_recipe_is_named(self):
        for name in preset_names("recipes"):
            assert f"| `{name}` |" in PAGE
