import os

import numpy as np
import pytest

from ambikit.errors import AmbikitError, FileError
from ambikit_models.datasets.yt360 import YT360
from ambikit_models.study.videos import open_videos, small_recipe, train_on_videos
from ambikit_models.training.checkpoints import load_model
from ambikit_models.training.metrics import read_metrics


@pytest.fixture
def layout(tmp_path, recordings):
    """The real recording, four times in the layout of YT-360, beside a clip that is none."""
    for folder, ending in (("video", "mp4"), ("audio", "m4a")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for start in range(4):
            os.symlink(
                recordings / "video360" / f"redownloaded_from_YT.{ending}",
                tmp_path / "data" / folder / f"grid_video{start}-10.{ending}",
            )
        (tmp_path / "data" / folder / f"not_a_video-0.{ending}").write_bytes(b"nothing to see")
    return tmp_path / "data"


@pytest.mark.recordings
class TestTraining:
    def test_it_trains_on_real_clips_and_names_the_broken_one(self, layout, tmp_path, capsys):
        model = train_on_videos(layout, tmp_path / "out", steps=3)
        out = " ".join(capsys.readouterr().out.split())
        assert "note: skipping clip not_a_video-0" in out
        assert "5 clips" in out
        assert "4 of them readable" in out
        assert "doubtful" in out  # the scene has no source in front: its X is silent
        assert "none are given" in out
        records = read_metrics(tmp_path / "out" / "metrics.jsonl")
        assert [r["phase"] for r in records] == ["avc", "avsa"]
        assert all(np.isfinite(r["loss"]) for r in records)
        loaded, config = load_model(tmp_path / "out")
        assert config.sound.format == "foa_intensity"
        assert sum(p.numel() for p in loaded.parameters()) == sum(p.numel() for p in model.parameters())

    def test_the_recipe_of_a_paper_opens_a_folder(self, layout):
        from ambikit_models.presets import preset_path
        from ambikit_models.training.config import TrainingConfig, load_yaml

        config = load_yaml(TrainingConfig, preset_path("recipes", "morgado2020"))
        clips = open_videos(layout, config)
        assert isinstance(clips, YT360)
        assert (clips.size, clips.frames, clips.sound) == (112, 8, config.sound)


class TestSmallRecipe:
    def test_one_clip_can_only_be_aligned_with_itself(self):
        assert [p.objective for p in small_recipe(1, 10).phases] == ["avsa"]
        assert [p.objective for p in small_recipe(3, 10).phases] == ["avc", "avsa"]
        assert {p.clips for p in small_recipe(100, 10).phases} == {8}


class TestBadInput:
    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(FileError, match="no folder video.*expected the layout of YT-360"):
            train_on_videos(tmp_path / "nowhere", tmp_path / "out")

    def test_nothing_readable(self, tmp_path, capsys):
        for folder, ending in (("video", "mp4"), ("audio", "m4a")):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / f"not_a_video-0.{ending}").write_bytes(b"nothing to see")
        with pytest.raises(AmbikitError, match="no readable clip"):
            train_on_videos(tmp_path, tmp_path / "out")
        assert "skipping clip" in capsys.readouterr().out

    def test_no_steps(self, layout, tmp_path):
        with pytest.raises(AmbikitError, match="steps=0"):
            train_on_videos(layout, tmp_path / "out", steps=0)
