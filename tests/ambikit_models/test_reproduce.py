"""Rows of the tables made anew: what their small form keeps, what they share, and the command."""

import dataclasses
import json
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ambikit.errors import AmbikitError
from ambikit_models.cli import main
from ambikit_models.downstream.probing.engine import Figure
from ambikit_models.downstream.probing.statistics import Estimate
from ambikit_models.downstream.segmentation.feature_pyramid import SMALL_HEAD
from ambikit_models.study.row_figures import differences, figure_name, published
from ambikit_models.study.row_sources import RowsOnData, RowsOnWorld
from ambikit_models.study.rows import needs, reproduce, training_folder
from ambikit_models.study.rows_report import TITLES, difference_lines, page, record_of, row_lines
from ambikit_models.study.worlds import render_world
from ambikit_models.training.config import TrainingConfig, to_mapping
from ambikit_models.training.rows import published_row, published_rows
from ambikit_models.training.small_form import SmallForm, small_form
from ambikit_models.world import WorldClips, WorldConfig, WorldFiles, write_world
from ambikit_models.world.selection import select_scenes

OURS = [row for row in published_rows() if row.recipe is not None]
#: what the small form changes, and nothing else
SMALLER = {
    "sound": {"sample_rate", "bands", "window", "hop"},
    "clip": {"size", "frames", "frame_rate", "duration"},
    "model": {"video", "audio", "width", "projection"},
    "viewpoints": {"field_of_view", "maximum_latitude"},
    "phases": {"steps", "learning_rate", "warm_up", "final_learning_rate"},
}
TAKEN_AWAY = {"horizontal_flip", "colour_jitter", "clip_gradient", "checkpoint_every"}


def tiny(scenes=48, folder=Path("unused"), **changes) -> RowsOnWorld:
    form = {"steps": 1e-6, "phase": ("clips=4", "learning_rate=1.0e-3"), "tuned_epochs": 1, "segmentation_epochs": 1}
    return RowsOnWorld(scenes, folder, workers=1, form=dataclasses.replace(small_form(), **{**form, **changes}))


def changed(one: TrainingConfig, other: TrainingConfig) -> dict[str, set[str]]:
    """Which fields of which parts of two recipes differ."""
    places: dict[str, set[str]] = {}
    pairs = [("", to_mapping(one), to_mapping(other))]
    pairs += [(part, pairs[0][1].pop(part), pairs[0][2].pop(part)) for part in ("sound", "clip", "model", "viewpoints")]
    phases = pairs[0][1].pop("phases"), pairs[0][2].pop("phases")
    assert len(phases[0]) == len(phases[1])
    pairs += [("phases", *both) for both in zip(*phases, strict=True)]
    for part, first, second in pairs:
        places.setdefault(part, set()).update(key for key in first | second if first.get(key) != second.get(key))
    return places


@pytest.fixture(scope="module")
def clips():
    world = WorldConfig(duration=0.75, snr_db=(20.0, 25.0), broken_fraction=0.6)
    return WorldClips.render(world, 0, range(48), small_form().recipe_of(OURS[0].training()).sound, workers=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("rows")
    source = tiny(folder=out / "scenes")
    names = ("morgado2020-2-avsa-transf", "morgado2020-4-scratch", "morgado2020-4-avsa", "wang2022-4-avc-iv")
    rows = [published_row(name) for name in names]
    return out, source, rows, [reproduce(row, source, out) for row in rows]


class TestTheSmallForm:
    @pytest.mark.parametrize("row", OURS, ids=lambda row: row.name)
    def test_it_keeps_what_makes_a_row(self, row):
        full = row.training()
        small = small_form().recipe_of(full)
        for part, fields in changed(full, small).items():
            assert fields <= (SMALLER.get(part) or TAKEN_AWAY), part
        for phase, whole in zip(small.phases, full.phases, strict=True):
            assert phase.steps == pytest.approx(small_form().steps * whole.steps, abs=0.5)
        assert {phase.learning_rate for phase in small.phases} == {small.phases[0].learning_rate}

    @pytest.mark.parametrize("paper", ["morgado2020", "wang2022"])
    def test_rows_of_a_table_differ_as_they_do_in_full(self, paper):
        tables = {row.table for row in OURS if row.paper == paper}
        for table in tables:
            members = [row for row in OURS if (row.paper, row.table) == (paper, table)]
            for first, other in pairwise(members):
                full = changed(first.training(), other.training()) if _same_phases(first, other) else None
                small = [small_form().recipe_of(row.training()) for row in (first, other)]
                if full is not None:
                    found = changed(*small)
                    # limits of the viewpoints are those of the small form; video_weights keep their network
                    assert found["phases"] == full["phases"]
                    assert found["sound"] == full["sound"]
                    assert found[""] == full[""]

    def test_weights_of_others_keep_their_network(self):
        small = small_form().recipe_of(published_row("morgado2020-4-kinetics").training())
        assert (small.model.video, small.model.audio, small.clip.size) == ("r2plus1d_18", "conv2d_9", 24)

    def test_table_one_has_sounds_that_fail(self):
        worlds = {row.name: tiny().words(row) for row in published_rows()}
        broken = {name for name, words in worlds.items() if "broken_fraction=0.72" in words}
        assert broken == {"wang2022-1-all", "wang2022-1-passing", "wang2022-1-failing"}
        assert len(set(worlds.values())) == 2

    def test_parts_are_parts(self):
        with pytest.raises(AmbikitError, match="got steps=2, held_out=0.333; expected parts"):
            dataclasses.replace(small_form(), steps=2)

    def test_every_field_of_it_is_given(self):
        assert set(to_mapping(small_form())) == {field.name for field in dataclasses.fields(SmallForm)}


def _same_phases(one, other) -> bool:
    return len(one.training().phases) == len(other.training().phases)


class TestSelection:
    def test_passing_and_as_many_failing(self, clips):
        passing, failing = (select_scenes(clips, kind) for kind in ("passing", "failing"))
        assert len(passing) == len(failing) > 4
        assert not set(passing.indices) & set(failing.indices)
        exchanged = clips.indices[clips.scenes.breakage == 1]
        assert not set(passing.indices) & set(exchanged)
        rows = np.searchsorted(clips.indices, passing.indices)
        assert (passing.prepared == clips.prepared[rows]).all()
        assert passing.identity != failing.identity != clips.identity

    def test_training_on_the_world_selects_too(self):
        config = small_form().recipe_of(published_row("wang2022-1-passing").training())
        world = WorldConfig(duration=0.5, snr_db=(20.0, 25.0), broken_fraction=1.0, sounding=(1, 1))
        with pytest.raises(AmbikitError, match="none for the selection 'passing'"):
            render_world(config, world, range(4), workers=1)

    def test_all_is_all(self, clips):
        assert select_scenes(clips, "all") is clips


class TestSharedTrainings:
    def test_rows_of_one_recipe_have_one_folder(self):
        source = tiny()
        folders = {row.name: training_folder(row, source, Path("out")) for row in OURS}
        same = {name for name, folder in folders.items() if folder == folders["morgado2020-s3e-2"]}
        assert {row.name for row in OURS if row.trained and row.recipe == "morgado2020" and not row.set} <= same
        assert folders["morgado2020-4-scratch"] not in {folders[name] for name in same}
        assert folders["morgado2020-4-scratch"] == folders["morgado2020-3-end-to-end"]
        assert len(set(folders.values())) == 33

    def test_other_scenes_and_seeds_lie_elsewhere(self):
        row, out = OURS[0], Path("out")
        sources = (tiny(48), tiny(49), RowsOnWorld(48, Path("unused"), seed=1, workers=1, form=tiny().form))
        assert len({training_folder(row, source, out) for source in sources}) == 3


class TestReproduce:
    def test_figures_have_the_names_of_the_paper(self, made):
        alignment, scratch, actions, scenes = (outcome.figures for outcome in made[3])
        assert set(alignment) == {"AVC-Bin, 4 views", "AVSA-Bin, 4 views"}
        assert set(scratch) == set(actions) == {"Clip@1", "Video@1"}
        assert set(scenes) == {"accuracy"}
        assert all(0 <= f.interval.value <= 1 for outcome in made[3] for f in outcome.figures.values())

    def test_one_training_serves_two_rows(self, made):
        out, _, _, (alignment, scratch, actions, _) = made
        assert alignment.training == actions.training
        assert alignment.training["steps"] == 2
        assert scratch.training == {}
        assert len(list((out / "trainings").glob("*/config.yaml"))) == 2

    def test_what_is_finished_is_not_done_again(self, made, monkeypatch):
        out, source, rows, before = made

        def refuse(*_, **__):
            raise AssertionError

        monkeypatch.setattr("ambikit_models.study.rows.train", refuse)
        monkeypatch.setattr("ambikit_models.study.rows._ask", refuse)
        for row, outcome in zip(rows, before, strict=True):
            assert reproduce(row, source, out).figures == outcome.figures

    def test_an_interrupted_training_goes_on(self, made, tmp_path):
        _, source, rows, before = made
        stopped = []

        def interrupt(part, done, total, words):
            if part.startswith("training"):
                stopped.append(part)
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            reproduce(rows[0], source, tmp_path, tell=interrupt)
        assert stopped
        assert not list(tmp_path.glob("trainings/*/training.json"))
        again = reproduce(rows[0], source, tmp_path)
        assert {n: f.values for n, f in again.figures.items()} == {n: f.values for n, f in before[0].figures.items()}

    def test_the_record_and_its_lines(self, made):
        _, _, rows, outcomes = made
        record = json.loads(json.dumps(record_of(outcomes, seed=0)))
        assert record["rows"]["morgado2020-4-avsa"]["not_run"] == {}
        pairs = {(d["row"], d["first"], d["name"]): d for d in record["differences"]}
        found = pairs["morgado2020-4-avsa", "morgado2020-4-scratch", "Clip@1"]
        assert found["published"] == {"UCF101": 13.67, "HMDB51": 5.56}
        values = [record["rows"][name]["figures"]["Clip@1"]["value"] for name in (rows[2].name, rows[1].name)]
        assert found["here"]["value"] == pytest.approx(values[0] - values[1], abs=1e-4)
        name, said, here = row_lines(rows[0], record)[0]
        assert (name, said) == ("AVC-Bin, 4 views", "89.83")
        assert "±" in here
        assert difference_lines(record)[0][2] == "+13.67 UCF101, +5.56 HMDB51"


class TestWhatIsMissing:
    def test_weights_of_others(self, tmp_path, monkeypatch):
        monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        outcome = reproduce(published_row("morgado2020-4-kinetics"), tiny(), tmp_path)
        assert not outcome.figures
        assert "r2plus1d_18-91a641e6.pth" in outcome.not_run["actions"]
        assert (
            "openl3" in reproduce(published_row("wang2022-5-openl3"), tiny(), tmp_path).not_run["audio-visual-scenes"]
        )
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "r2plus1d_18-91a641e6.pth").touch()
        assert needs(published_row("morgado2020-4-kinetics")) is None

    def test_data_of_a_task(self, tmp_path):
        row = published_row("morgado2020-s3a-mono")
        source = RowsOnData(tmp_path)
        assert [source.places(row, task) for task in row.tasks] == [{}, {}, {}]
        outcome = reproduce(row, source, tmp_path)
        assert outcome.not_run["actions"] == "no data: give the folder with --task-data actions=DIR"

    def test_lists_decide_where_alignment_is_asked(self, tmp_path):
        for name in ("train", "test"):
            (tmp_path / f"{name}.txt").write_text("a\n")
        (place,) = RowsOnData(tmp_path).places(OURS[0], "alignment").values()
        assert (place.source, place.lists) == (tmp_path, ("train", "test"))

    def test_both_sets_of_actions(self, tmp_path):
        folders = tmp_path / "UCF", tmp_path / "HMDB"
        (folders[0] / "ucfTrainTestlist").mkdir(parents=True)
        folders[1].mkdir()
        places = RowsOnData(tmp_path, {"actions": folders}).places(OURS[0], "actions")
        assert {name: place.source for name, place in places.items()} == {
            "UCF101 ": folders[0],
            "HMDB51 ": folders[1],
        }

    def test_full_recipes_on_data(self, tmp_path):
        source = RowsOnData(tmp_path, seed=3)
        for row in OURS:
            assert source.recipe(row) == dataclasses.replace(row.training(), seed=3)
        assert (source.tuning.epochs, source.segmentation.learning_rate) == (100, 1e-4)


class SmallOnData(RowsOnData):
    """Data with the recipes of the small form, whose pictures and steps a test can afford."""

    def recipe(self, row):
        return dataclasses.replace(tiny().form.recipe_of(row.training()), seed=self.seed)


class TestOnData:
    def test_a_row_is_trained_and_examined_on_folders(self, tmp_path):
        world = WorldConfig(reverberation=0.0, snr_db=None)
        files = WorldFiles(clips=(1, 1), seconds=1, height=32, world=world)
        write_world(tmp_path / "data", 10, 0, files, workers=1)
        ids = [path.stem.rpartition("-")[0] for path in sorted((tmp_path / "data" / "audio").glob("*"))]
        assert len(ids) == 10
        for name, part in (("train", ids[:6]), ("test", ids[6:])):
            (tmp_path / "data" / f"{name}.txt").write_text("".join(f"{one}\n" for one in part))
        source = SmallOnData(tmp_path / "data", {"segmentation": (tmp_path / "data",)})
        quick = dataclasses.replace(source.segmentation, epochs=1, head=SMALL_HEAD)
        source.segmentation = quick
        row = published_row("morgado2020-s3e-direct")
        outcome = reproduce(row, source, tmp_path / "out")
        assert {"AVC-Bin, 1 view", "AVSA-Bin, 4 views", "mIoU, + context"} <= set(outcome.figures)
        assert list(outcome.not_run) == ["actions"]
        assert len(outcome.figures["AVC-Bin, 1 view"].per_unit) == 4
        assert outcome.training["steps"] == 2


class TestNames:
    @pytest.mark.parametrize(
        ("task", "figure", "expected"),
        [
            ("segmentation", {"name": "pixel accuracy", "senses": "video"}, "pixels, video"),
            ("segmentation", {"name": "mIoU", "senses": "video + audio + context"}, "mIoU, + context"),
            ("segmentation", {"name": "mIoU by view", "senses": "video"}, None),
            ("segmentation", {"name": "IoU", "senses": "video", "of_class": "car"}, None),
            ("audio-visual-scenes", {"name": "accuracy", "senses": "both"}, "accuracy, both"),
            ("alignment", {"name": "AVC-Bin, 1 view", "senses": "both"}, "AVC-Bin, 1 view"),
        ],
    )
    def test_of_figures(self, task, figure, expected):
        half = Estimate(0.5, 0.4, 0.6)
        made = Figure(**{"subject": "s", "way": "frozen", "unit": "%", "values": (0.5,), "interval": half, **figure})
        assert figure_name(made, task) == expected

    def test_of_two_ways_and_two_sets(self):
        made = Figure("s", "video", "tuned", "Clip@1", "%", (0.5,), Estimate(0.5, 0.4, 0.6))
        assert figure_name(made, "actions", place="UCF101 ", several_ways=True) == "UCF101 Clip@1, tuned"
        assert figure_name(made, "actions", place="UCF101 ") == "UCF101 Clip@1"

    def test_every_reported_figure_is_one_that_comes_out(self):
        known = {f"{b}-Bin, {v}" for b in ("AVC", "AVSA") for v in ("1 view", "4 views")}
        known |= {f"{m}, {s}" for m in ("pixels", "mIoU") for s in ("video", "+ audio", "+ context")}
        known |= {f"accuracy{s}" for s in ("", ", audio", ", video", ", both")} | {"Clip@1", "Video@1", "Clip@1, tuned"}
        for row in published_rows():
            reached = {
                said for name in known for place in published(row, name) for said in (f"{place} {name}".strip(),)
            }
            assert set(row.reported) <= reached, row.name

    def test_a_difference_needs_figures_of_units(self):
        rows = [published_row(f"morgado2020-3-{name}") for name in ("avc", "avts", "avsa")]
        half = Estimate(0.5, 0.4, 0.6)
        made = [
            Figure("s", "video", "frozen", "pixel accuracy", "%", (0.5,), half, units)
            for units in ((0.25, 0.75), None, (0.5, 1.0))
        ]
        found = differences(rows, {row.name: {"pixels, video": figure} for row, figure in zip(rows, made, strict=True)})
        assert [(one.row, one.here.value, one.published) for one in found] == [
            ("morgado2020-3-avsa", 0.25, {"": 2.28}),
        ]


class TestTheCommand:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["morgado2020-2-avsa"], "expected either --data DIR or --world SCENES"),
            (["morgado2020-9", "--world", "48"], "expected one of morgado2020-2-avc"),
            (["all", "--world", "48", "--task-data", "actions=X"], "expected it with --data DIR"),
            (
                ["morgado2020-2-avsa", "--data", ".", "--task-data", "dancing=X"],
                "got --task-data dancing=X; expected TASK=DIR",
            ),
            (["morgado2020-2-avsa", "--data", "nowhere"], "got nowhere, which is no folder; expected one of data"),
            (
                ["wang2022-5-openl3", "--world", "48"],
                "of which nothing could be run; expected a row that can; needs the",
            ),
        ],
    )
    def test_what_cannot_be_is_said(self, arguments, words, tmp_path, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
        with pytest.raises(SystemExit, match=f"error: .*{words}"):
            main(["reproduce", *arguments, "--output", str(tmp_path)])

    def test_it_writes_and_prints(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None)
        whole = partial(RowsOnWorld, form=tiny().form)
        monkeypatch.setattr("ambikit_models.study.row_sources.RowsOnWorld", whole)
        names = [
            "wang2022-5-openl3",
            "wang2022-4-avc",
            "wang2022-4-avc-iv",
        ]  # in the order of the tables, whatever is asked
        main(["reproduce", *names, "--world", "48", "--workers", "1", "--output", str(tmp_path)])
        record = json.loads((tmp_path / "rows.json").read_text())
        assert list(record["rows"]) == ["wang2022-4-avc", "wang2022-4-avc-iv", "wang2022-5-openl3"]
        assert (record["scenes"], record["held_out_scenes"], record["seed"]) == (48, 16, 0)
        assert [one["row"] for one in record["differences"]] == ["wang2022-4-avc-iv"]
        printed = capsys.readouterr().out
        assert "wang2022-4-avc-iv: FOA-IV, AVC" in printed
        assert "1 steps, loss" in printed


class TestThePage:
    def test_tables_have_titles(self):
        assert set(TITLES) == {(row.paper, row.table) for row in published_rows()}

    def test_a_row_that_was_not_run_is_on_it(self):
        text = page(published_rows(), {"rows": {}, "differences": []})
        assert all(f"| `{row.name}` | {row.row} |" in text for row in published_rows())
