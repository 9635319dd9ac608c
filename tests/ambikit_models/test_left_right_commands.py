"""The commands to follow a sound and to track what sounds, on small networks with random weights."""

import json

import av
import numpy as np
import pytest
import soundfile
import torch

from ambikit.errors import AmbikitError
from ambikit_models.cli.evaluate import Evaluate
from ambikit_models.cli.follow_sound import FollowSound
from ambikit_models.cli.track import Track
from ambikit_models.datasets.sounding_faces import FaceTrack
from ambikit_models.datasets.stereo_clips import StereoClip
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.downstream.tracking.filmed_tracks import FilmedTracks
from ambikit_models.panorama.detection import Detections
from ambikit_models.panorama.viewpoints import Viewpoints
from ambikit_models.preparation.clip_files import Storing, write_pictures
from ambikit_models.sound import SoundFeatures
from ambikit_models.study.following import scenes_to_follow
from ambikit_models.training.checkpoints import save_checkpoint
from ambikit_models.training.config import ClipConfig, Phase, TrainingConfig
from ambikit_models.training.correspondence_config import CorrespondenceConfig
from ambikit_models.world.config import WorldConfig


def recipe(format="stereo"):
    sound = SoundFeatures(format, sample_rate=16000, bands=16, window=0.064, hop=0.05, pattern="cardioid")
    return TrainingConfig(
        phases=(Phase("flip" if format == "stereo" else "rotation", 1, 4, 1),),
        sound=sound,
        model=CorrespondenceConfig(video="small", audio="small", grid=2, width=8),
        clip=ClipConfig(size=16, frames=2, frame_rate=4.0, duration=0.5),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    for format in ("stereo", "foa_intensity"):
        torch.manual_seed(0)
        config = recipe(format)
        save_checkpoint(folder / format / "checkpoints", config.build_model(), None, config, 1)
    return folder


class TestScenesToFollow:
    def test_the_truth_is_where_the_object_is_seen_and_heard(self):
        """Of one dry source the azimuth of the intensity is the true one, and the view shows it there."""
        followed, clips, looked = scenes_to_follow(recipe("foa_intensity"), 4, workers=1)
        assert followed.video.shape == (4, 6, 3, 2, 16, 16)
        assert followed.heard.shape == followed.truth.shape == (4, 12)
        off = np.degrees(np.abs(np.angle(np.exp(1j * (followed.heard - followed.truth)))))
        assert np.median(off) < 10  # in a room
        slot = clips.scenes.objects.sounding.argmax(-1)
        middle = clips.scenes.objects.azimuth[np.arange(4), slot] - looked
        np.testing.assert_allclose(followed.truth.mean(1), middle, atol=1e-6)

    def test_the_truth_moves_as_the_object_is_seen_and_heard_to_move(self):
        """One source, dry and alone; the left and the right rim of a ball are as far from its azimuth in any view."""
        dry = WorldConfig(silent=(0, 0), reverberation=0.0, snr_db=None)
        followed, clips, looked = scenes_to_follow(recipe("foa_intensity"), 24, world=dry, workers=1)
        side, pieces = 96, followed.video.shape[1]
        angles = torch.from_numpy(looked)[:, None].expand(-1, pieces)
        views = Viewpoints(angles, torch.zeros_like(angles), torch.full_like(angles, np.pi / 2))
        when = torch.linspace(0, 1, pieces).double().expand(24, -1)
        shown = clips.variant(size=side).object_map(np.arange(24), views, when)
        slot = torch.from_numpy(clips.scenes.objects.sounding.argmax(-1))[:, None, None, None, None]
        columns = (shown == slot).any(-2).flatten(1, 2).numpy()
        first, last = columns.argmax(-1), side - columns[..., ::-1].argmax(-1)
        whole = (columns.sum(-1) == last - first) & (first > 0) & (last < side)  # from rim to rim
        assert whole.sum() > 100
        seen = -np.arctan(2 * np.stack([first, last]) / side - 1).mean(0)

        def of_scenes(angles):
            """How far from their mean in each scene."""
            known = np.ma.masked_array(angles, ~whole)
            return (known - known.mean(1, keepdims=True))[whole]

        moved = of_scenes(followed.truth)
        assert np.degrees(moved).std() > 2
        assert np.degrees(np.abs(seen - followed.truth)[whole]).max() < 2.5  # a pixel of the middle has 1.2
        assert np.corrcoef(moved, of_scenes(seen))[0, 1] > 0.95
        assert np.corrcoef(moved, of_scenes(followed.heard))[0, 1] > 0.95

    def test_pieces_are_those_of_the_whole(self):
        """What is right is louder at the right, in every piece."""
        followed, _, _ = scenes_to_follow(recipe(), 12, workers=1)
        assert not followed.around
        assert np.corrcoef(followed.heard.ravel(), -followed.truth.ravel())[0, 1] > 0.8


class TestFollowSound:
    @pytest.mark.parametrize("format", ["stereo", "foa_intensity"])
    def test_on_the_world(self, trained, tmp_path, format):
        FollowSound(trained / format, world=4, output=tmp_path, workers=1, device="cpu").run()
        with av.open(str(tmp_path / "bars.mp4")) as file:
            frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        assert len(frames) == 12
        assert frames[0].shape == ((192, 192, 3) if format == "stereo" else (192, 384, 3))
        assert (tmp_path / "bars.png").stat().st_size > 1000
        figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
        assert {f["way"] for f in figures} == {"components", "GradCAM", "HiResCAM"}
        assert {f["subject"] for f in figures} == {format, f"{format}, untrained"}

    def test_errors(self, trained, tmp_path):
        with pytest.raises(AmbikitError, match="either --data DIR or --world"):
            FollowSound(trained / "stereo", output=tmp_path).run()
        with pytest.raises(AmbikitError, match="expected one of 4"):
            FollowSound(trained / "stereo", world=4, clip=4, output=tmp_path, device="cpu").run()


class TestTrack:
    def test_on_the_world(self, trained, tmp_path):
        Track(trained / "stereo", world=8, epochs=1, grid=4, width=4, output=tmp_path, workers=1, device="cpu").run()
        figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
        rows = {f["subject"] for f in figures}
        assert rows == {
            *("ours", "ours, other sound", "mono audio", "stereo audio", "visual context"),
            *("+ pretext", "− pretext", "usual box"),
        }
        assert {f["name"] for f in figures} == {"AP50", "IoU", "x error", "y error"}
        assert {f["way"] for f in figures if f["subject"] == "+ pretext"} >= {"frozen"}

    def test_errors(self, trained, tmp_path):
        with pytest.raises(AmbikitError, match="either --data DIR or --world"):
            Track(trained / "stereo", output=tmp_path).run()


class TestFilmedTracks:
    @pytest.fixture
    def tracks(self, tmp_path):
        """Four seconds in which a bright stripe walks to the right, and the sound with it."""
        pictures = np.zeros((32, 32, 64, 3), np.uint8)
        for number, picture in enumerate(pictures):
            picture[:, 2 * number : 2 * number + 2] = 255
        write_pictures(tmp_path / "a.mp4", pictures, Storing(height=32, frame_rate=8.0))
        noise = np.random.default_rng(0).standard_normal(4 * 16000)
        right = np.linspace(0.02, 0.2, len(noise))
        sound = np.stack([noise * (0.22 - right), noise * right], -1)
        soundfile.write(tmp_path / "a.flac", sound / np.abs(sound).max(), 16000)
        times = np.array([0.25, 1.25, 2.25, 3.25])
        known = np.array([0.1, 0.35, 0.6, np.nan])
        track = FaceTrack(times, known, known * 0 + 0.5, known * 0 + 0.1, known * 0 + 0.9, np.ones(4))
        clip = StereoClip("a", tmp_path / "a.flac", tmp_path / "a.mp4")
        return FilmedTracks([clip], [track], recipe().sound, size=32)

    def test_faces_with_a_picture_of_another_moment(self, tracks):
        assert len(tracks) == 3  # the last picture has no face, but may be shown
        given = tracks.inputs(np.arange(3))
        assert given.video.shape == (3, 1, 3, 1, 32, 32)
        columns = given.video[:, 0].mean((1, 2, 3)).argmax(-1)
        assert columns.tolist() == pytest.approx([26, 26, 2], abs=1)  # the farthest: 3.25, 3.25 and 0.25 s
        assert tracks.moving.all()
        levels = given.audio[:, 0].mean((2, 3))
        assert (levels.diff(dim=1)[:, 0].diff() > 0).all()  # the right one grows

    def test_nothing_to_learn_from(self, tracks):
        clip, none = tracks.clips[0], np.full(2, np.nan)
        with pytest.raises(AmbikitError, match="without a face"):
            FilmedTracks([clip], [FaceTrack(np.array([0.0, 3.0]), none, none, none, none, np.zeros(2))], recipe().sound)


def test_directions_of_a_network_that_tells_left_from_right(trained, tmp_path):
    pytest.importorskip("sklearn")
    Evaluate(
        "directions",
        (trained / "foa_intensity",),
        world=16,
        one_shot=2,
        output=tmp_path,
        workers=1,
        device="cpu",
    ).run()
    figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
    shots = {(f["subject"], f["senses"]) for f in figures if f["way"] == "one shot, SVM"}
    assert shots == {
        ("foa_intensity", "audio"),
        ("foa_intensity", "audio, four ways"),
        ("random embedding", "audio"),
    }
    assert len(figures) == len({(f["subject"], f["senses"], f["way"], f["name"]) for f in figures})


def test_a_subject_of_either_family(trained):
    system = System.embedding(trained / "stereo")
    assert system.name == "stereo"
    fresh = system.untrained(1).model.state_dict()
    assert any(not torch.equal(fresh[name], value) for name, value in system.model.state_dict().items())
    with pytest.raises(AmbikitError, match="tells whether a sound fits"):
        System.load(trained / "stereo")


class Stripes:
    """A detector of bright stripes, which it calls faces."""

    def __init__(self, weights):
        self.weights = weights

    def detect(self, frames):
        found = []
        for frame in frames:
            x = (frame.mean((0, 2)).argmax() + 0.5) / frame.shape[1]
            one = [np.array([value]) for value in (2 * np.pi * (0.5 - x), 0.0, 0.2 * np.pi, 0.8 * np.pi)]
            found.append(Detections(*one, label=np.array(["face"]), score=np.ones(1)))
        return found


class TestYouTubeASMR:
    @pytest.fixture
    def folder(self, tmp_path_factory):
        """The true layout: two videos to learn from and two to be tested on, in which something walks to the right."""
        root = tmp_path_factory.mktemp("asmr")
        for kind in ("audio", "video"):
            (root / "data" / kind).mkdir(parents=True)
        for part, names in {"train": ("a", "b"), "val": ("c",), "test": ("d", "e")}.items():
            lines = []
            for name in names:
                lines.append(f"{name * 11},0,3.5")
                pictures = np.zeros((28, 32, 48, 3), np.uint8)
                for number, picture in enumerate(pictures):
                    picture[:, number + 2 : number + 6] = 255
                file = f"{name * 11}_0_3500"
                write_pictures(root / "data" / "video" / f"{file}.mp4", pictures, Storing(height=32, frame_rate=8.0))
                noise = 0.1 * np.random.default_rng(ord(name)).standard_normal(7 * 8000)
                right = np.linspace(0.1, 0.9, len(noise))
                sound = np.stack([noise * (1 - right), noise * right], -1)
                soundfile.write(root / "data" / "audio" / f"{file}.flac", sound, 16000)
            (root / f"{part}.csv").write_text("\n".join(lines) + "\n")
        return root

    def test_faces_are_tracked(self, trained, folder, tmp_path, monkeypatch):
        monkeypatch.setattr("ambikit_models.panorama.detection.YoloDetector", Stripes)
        how = {"epochs": 1, "batch": 8, "grid": 4, "width": 4, "device": "cpu"}
        Track(trained / "stereo", data=folder, output=tmp_path, **how).run()
        figures = json.loads((tmp_path / "figures.json").read_text())["figures"]
        assert {f["way"] for f in figures if f["subject"] == "ours"} == {"tuned", "tuned, moving"}
        usual = {f["name"]: f["values"][0] for f in figures if f["subject"] == "usual box" and f["way"] == "–"}
        assert usual["y error"] == pytest.approx(0.0, abs=1e-6)  # all in the middle
        assert usual["x error"] > 0.1

    def test_sounds_are_followed(self, trained, folder, tmp_path):
        FollowSound(trained / "stereo", data=folder, output=tmp_path, device="cpu").run()
        assert (tmp_path / "bars.mp4").exists()
        with pytest.raises(AmbikitError, match="expected one of two channels"):
            FollowSound(trained / "foa_intensity", data=folder, output=tmp_path, device="cpu").run()
