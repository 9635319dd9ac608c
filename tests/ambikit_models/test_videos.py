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


class TestPlainFolder:
    """Videos that lie about anyhow, with sound of their own or beside them."""

    @pytest.fixture
    def plain(self, tmp_path):
        from tests.ambikit_models.clips import numbered_frame, write_video

        sound = np.random.default_rng(0).uniform(-0.2, 0.2, (4, 57600))
        film = write_video(tmp_path / "film.mkv", [numbered_frame(n) for n in range(30)], 25, sound=sound)
        folder = tmp_path / "data"
        for name in ("boat.mkv", "day 1/boat.mkv", "day 2/boat.mkv"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(film)
        return folder

    def test_every_video_is_a_clip(self, plain):
        clips = open_videos(plain, small_recipe(3, 1))
        assert len(clips) == len(clips.readable()) == len(set(clips.videos)) == 3

    def test_selected_by_an_audit(self, plain, tmp_path):
        from dataclasses import replace

        from ambikit_models.preparation.records import write_records

        passing = {"boat.mkv": True, "day 1/boat.mkv": False, "day 2/boat.mkv": True}
        audited = [{"path": path, "verdict": "valid", "passes_energy_test": good} for path, good in passing.items()]
        write_records(tmp_path / "audit.jsonl", audited)
        recipe = small_recipe(3, 1)
        recipe = replace(recipe, clip=replace(recipe.clip, selection="passing"))
        clips = open_videos(plain, recipe, audited=tmp_path / "audit.jsonl")
        assert [clip.sound.relative_to(plain).as_posix() for clip in clips.clips] == ["boat.mkv", "day 2/boat.mkv"]

    def test_a_split_needs_the_layout(self, plain):
        with pytest.raises(FileError, match="no folder video"):
            open_videos(plain, small_recipe(3, 1), split="train")
