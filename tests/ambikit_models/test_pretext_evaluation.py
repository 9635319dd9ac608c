"""The pretext tasks on unseen clips: controls that must answer 50 %, and the commands from end to end."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError
from ambikit_models.cli import main
from ambikit_models.correspondence import CorrespondenceNetwork
from ambikit_models.downstream.alignment.pretext import (
    CONTROLS,
    PretextResult,
    ask_pretext,
    left_chance,
    pretext_figures,
)
from ambikit_models.presets import preset_path
from ambikit_models.study.worlds import load_world, render_world, save_world, world_for
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import ClipConfig, Phase, TrainingConfig, load_yaml
from ambikit_models.training.loop import initial_model
from ambikit_models.training.overrides import override
from tests.ambikit_models.test_pretexts import STEREO, Sides, pretext_config
from tests.ambikit_models.toy import ToyClips

#: five columns of features, as the clips of Sides have
RECIPE = pretext_config("flip", sound=STEREO, clip=ClipConfig(size=16, frames=1, duration=0.1))


class Knowing(CorrespondenceNetwork):
    """Compares the brighter half with the louder channel; the ignorant one prefers nothing."""

    def __init__(self, knowledge: float = 1.0):
        torch.nn.Module.__init__(self)
        self.knowledge = torch.nn.Parameter(torch.tensor(knowledge))

    def forward(self, video, audio):
        half = video.shape[-1] // 2
        seen = (video[..., :half].mean((1, 2, 3, 4)) - video[..., half:].mean((1, 2, 3, 4))).sign()
        heard = (audio[:, 0] - audio[:, 1]).mean((1, 2)).sign()
        return -self.knowledge * seen * heard


class TestControls:
    rows = np.arange(200)

    def ask(self, model, source=None, recipe=RECIPE, **how):
        how = {"controls": CONTROLS[recipe.phases[-1].pretext], **how}
        return ask_pretext(model, recipe, source or Sides(200), self.rows, **how)

    def test_somebody_who_knows(self):
        found = self.ask(Knowing())
        accuracy = {control: result.correct.mean() for control, result in found.items()}
        assert accuracy["none"] == 1.0
        # the same sounds with mirrored pictures: every answer is the other one, and right again
        assert accuracy["mirrored"] == 1.0
        np.testing.assert_array_equal(found["mirrored"].own, -found["none"].own)
        # nothing to go by: exactly one half
        assert accuracy["silent"] == accuracy["mono"] == 0.5
        assert found["silent"].chance == found["mono"].chance == 1.0
        assert 0.001 < found["another"].chance < 1
        assert found["none"].chance < 1e-30

    def test_the_sound_exchanged_exchanges_the_answer(self):
        found = self.ask(Knowing())["none"]
        np.testing.assert_array_equal(found.own, -found.changed)

    def test_a_network_without_training_is_at_chance_in_every_control(self):
        source = Sides(200)
        found = self.ask(initial_model(RECIPE, source), source)
        for control in ("silent", "mono"):
            np.testing.assert_array_equal(found[control].own, found[control].changed)
            assert found[control].correct.mean() == 0.5

    @pytest.mark.parametrize("pretext", list(CONTROLS))
    def test_every_pretext(self, pretext):
        recipe = pretext_config(pretext, clip=RECIPE.clip)
        source = ToyClips(40, size=16)
        rows = np.arange(40)
        found = ask_pretext(initial_model(recipe, source), recipe, source, rows, controls=CONTROLS[pretext])
        assert set(found) == set(CONTROLS[pretext])
        assert not np.array_equal(found["none"].own, found["none"].changed)
        again = ask_pretext(initial_model(recipe, source), recipe, source, rows, controls=("none",))
        np.testing.assert_array_equal(again["none"].own, found["none"].own)

    def test_by_hand(self):
        result = PretextResult(np.array([-1.0, -1.0, 1.0, 0.0]), np.array([1.0, -2.0, -1.0, 0.0]))
        np.testing.assert_array_equal(result.correct, [1.0, 0.5, 0.0, 0.5])
        # one win, two losses, one tie that counts as half, rounded down
        assert result.chance == pytest.approx(10 / 16)
        other = dataclasses.replace(result, reversed=True)
        np.testing.assert_array_equal(other.correct, [0.0, 0.5, 1.0, 0.5])

    def test_figures(self):
        source = Sides(64)
        figures = [
            f
            for name, knowledge in (("knows", 1.0), ("knows the opposite", -1.0), ("knows nothing", 0.0))
            for f in pretext_figures(name, Knowing(knowledge), RECIPE, source, np.arange(64))
        ]
        assert {f.name for f in figures} == {
            "flip",
            "flip, pictures mirrored",
            "flip, silence",
            "flip, both channels alike",
            "flip, another's sounds",
        }
        found = {(f.subject, f.way): f.values[0] for f in figures if f.name == "flip"}
        assert found["knows", "as trained"] == 1.0
        assert found["knows", "p of chance"] < 1e-15
        assert found["knows nothing", "as trained"] == 0.5
        assert left_chance(figures).startswith("1 of 3 left 50 %")

    def test_what_cannot_be(self):
        with pytest.raises(AmbikitError, match="controls .'mono'. for mismatch"):
            ask_pretext(Knowing(), pretext_config("mismatch"), Sides(), np.arange(4), controls=("mono",))
        with pytest.raises(AmbikitError, match="phase of avc and 4 clips"):
            ask_pretext(Knowing(), RECIPE, Sides(), np.arange(4), phase=Phase("avc", 1, 4, 1))


class TestRecipes:
    def test_the_paper(self):
        """Yang2020, section 4."""
        recipe = load_yaml(TrainingConfig, preset_path("recipes", "yang2020"))
        clip, (phase,) = recipe.clip, recipe.phases
        assert (clip.size, clip.frame_rate, clip.duration, clip.frames) == (256, 6.0, 3.0, 18)
        assert (recipe.sound.format, recipe.sound.sample_rate) == ("stereo", 16000)
        assert (recipe.optimizer, recipe.momentum, phase.learning_rate) == ("sgd", 0.9, 0.01)
        assert phase.steps * phase.clips == 7_000_000
        assert recipe.horizontal_flip == "joint"
        assert (recipe.model.video, recipe.model.grid) == ("resnet18", 8)

    def test_the_four_channels_of_first_order(self):
        recipe = load_yaml(TrainingConfig, preset_path("recipes", "yang2020_foa"))
        assert recipe.phases[0].objective == "rotation"
        assert recipe.sound.channels == 4


TINY = ("phases.0.steps=2", "phases.0.clips=4", "model.width=8", "sound.bands=8", "clip.size=16", "model.grid=2")


def settings(*values):
    return [word for value in (*TINY, *values) for word in ("--set", value)]


@pytest.mark.parametrize("objective", ["flip", "rotation", "mismatch", "shift"])
def test_commands_on_the_world(objective, tmp_path, capsys):
    out = str(tmp_path / "run")
    extra = ["phases.0.objective=" + objective, "sound.format=binaural" if objective == "flip" else "seed=1"]
    world = ["--world", "8", "--world-set", "reverberation=0.0", "--workers", "1"]
    main(["train", *world, "--preset", "yang2020_small", *settings(*extra), "--output", out, "--accelerator", "cpu"])
    recipe = load_yaml(TrainingConfig, tmp_path / "run" / "config.yaml")
    noted = load_world(tmp_path / "run", recipe)
    assert noted == world_for(recipe, ["reverberation=0.0"])
    assert noted.duration == (1.5 if objective == "shift" else 0.5)
    found = str(tmp_path / "found")
    main(["evaluate", "pretext", out, "--world", "6", "--workers", "1", "--output", found, "--device", "cpu"])
    figures = json.loads((tmp_path / "found" / "figures.json").read_text())["figures"]
    silence = [f for f in figures if f["name"] == f"{objective}, silence" and f["way"] == "as trained"]
    assert [f["values"] for f in silence] == [[0.5]]
    assert "of 1 left 50 %" in capsys.readouterr().out


SMALL = (
    "phases.0.steps=1",
    "phases.0.clips=2",
    "model.width=8",
    "sound.bands=16",
    "clip={size: 64, frames: 2, duration: 0.5}",
)


@pytest.mark.parametrize("recipe", ["yang2020", "yang2020_foa", "yang2020_small_sides"])
def test_every_recipe_in_small_form_on_the_world(recipe, tmp_path, capsys):
    """ResNet-18 and the audio network of the paper as they are, on few bands and small pictures."""
    out, where = str(tmp_path / "run"), ["--workers", "1"]
    several = ["phases.1.steps=1", "phases.1.clips=2"] if recipe.endswith("sides") else []
    sets = [word for value in (*SMALL, *several, "model.grid=2") for word in ("--set", value)]
    main(["train", "--world", "16", *where, "--preset", recipe, *sets, "--output", out, "--accelerator", "cpu"])
    found = ["--output", str(tmp_path / "found"), "--device", "cpu"]
    main(["evaluate", "pretext", out, "--world", "4", *where, *found])
    assert "of 1 left 50 %" in capsys.readouterr().out


class TestWorldOfATraining:
    def test_it_is_found_from_the_training_and_from_each_of_its_checkpoints(self, tmp_path):
        dry = world_for(RECIPE, ["reverberation=0.0"])
        save_world(dry, tmp_path / "run")
        for place in ("", "checkpoints", "checkpoints/step-000002"):
            assert load_world(tmp_path / "run" / place, RECIPE) == dry != world_for(RECIPE)

    def test_a_folder_that_holds_trainings_is_none(self, tmp_path):
        save_world(world_for(RECIPE, ["reverberation=0.0"]), tmp_path)
        for place in ("run", "run/checkpoints", "run/checkpoints/step-000002"):
            assert load_world(tmp_path / place, RECIPE) == world_for(RECIPE)

    def test_another_world_is_the_usual_one_with_changes(self, tmp_path):
        save_world(world_for(RECIPE, ["reverberation=0.0"]), tmp_path)
        assert load_world(tmp_path, RECIPE, ["silent=[0,0]"]) == world_for(RECIPE, ["silent=[0,0]"])

    def test_the_command_asks_about_that_world(self, tmp_path, monkeypatch):
        config = load_yaml(TrainingConfig, preset_path("recipes", "yang2020_small"))
        config = override(config, TINY)
        save_checkpoint(tmp_path / "checkpoints", config.build_model(), None, config, 1)
        save_world(world_for(config, ["reverberation=0.0"]), tmp_path)
        asked = []

        def spy(recipe, world, indices, **how):
            asked.append(world)
            return render_world(recipe, world, indices, **how)

        monkeypatch.setattr("ambikit_models.study.pretexts.render_world", spy)
        command = ["evaluate", "pretext", str(tmp_path / "checkpoints" / "step-000001"), "--world", "4"]
        command += ["--workers", "1", "--output", str(tmp_path / "found"), "--device", "cpu"]
        main(command)
        main([*command, "--world-set", "sounding=[1,1]"])
        assert asked == [world_for(config, ["reverberation=0.0"]), world_for(config, ["sounding=[1,1]"])]

    def test_only_for_pretext_on_the_world(self, tmp_path):
        with pytest.raises(SystemExit, match="got --world-set silent"):
            main(["evaluate", "actions", str(tmp_path), "--world", "4", "--world-set", "silent=[0,0]"])


def test_either_a_folder_or_the_world(tmp_path):
    for arguments in (["train"], ["train", str(tmp_path), "--world", "4"]):
        with pytest.raises(SystemExit, match="expected one of them"):
            main(arguments)
