import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError, FileError, MissingExtraError, ShapeError
from ambikit_models.panorama.detection import Detections, Detector, YoloDetector, boxes_to_detections
from ambikit_models.panorama.viewpoints import HasDirections, ObjectViewpoints


def skip_without_ultralytics():
    # looked for, not imported: its import changes how the whole session prints arrays, which the adapter undoes
    if importlib.util.find_spec("ultralytics") is None:
        pytest.skip("ultralytics is not installed")


class TestBoxes:
    def test_a_known_pixel_has_a_known_direction(self):
        """640 x 320: half a degree is 8/9 of a pixel; the middle of the left half is azimuth 90 degrees."""
        boxes = [[152, 140, 168, 180], [472, 72, 488, 88], [0, 312, 2, 320]]
        found = boxes_to_detections(boxes, [0.9, 0.5, 0.3], ["dog", "car", "cat"], width=640, height=320)
        np.testing.assert_allclose(np.degrees(found.azimuth), [90, -90, 180 - 0.5625])
        np.testing.assert_allclose(np.degrees(found.elevation), [0, 45, -90 + 2.25])
        np.testing.assert_allclose(np.degrees(found.width), [9, 9, 1.125])
        np.testing.assert_allclose(np.degrees(found.height), [22.5, 9, 4.5])
        assert found.label.tolist() == ["dog", "car", "cat"]
        assert found.score.tolist() == [0.9, 0.5, 0.3]
        assert len(found[found.score > 0.4]) == 2

    def test_nothing_found(self):
        found = boxes_to_detections(np.empty((0, 4)), [], [], width=640, height=320)
        assert len(found) == 0
        assert found.azimuth.shape == found.label.shape == (0,)

    def test_counts_must_agree(self):
        with pytest.raises(ShapeError, match="1 boxes, 2 scores and 1 labels"):
            boxes_to_detections([[0, 0, 1, 1]], [0.5, 0.6], ["dog"], width=4, height=2)

    def test_viewpoints_look_at_what_was_found(self, rng):
        found = boxes_to_detections([[152, 140, 168, 180]], [0.9], ["dog"], width=640, height=320)
        assert isinstance(found, HasDirections)
        drawn = ObjectViewpoints(views=1).draw(rng, [found])
        assert np.degrees(drawn.azimuth.item()) == pytest.approx(90)


class FakeNetwork:
    """Answers as ultralytics does: it finds the reddest pixel of a blue, green, red image, and something else."""

    names = {0: "person", 7: "train"}

    def __init__(self):
        self.calls = []

    def predict(self, images, **settings):
        self.calls.append((len(images), settings))
        return [self.result(image) for image in images]

    def result(self, image):
        row, column = np.unravel_index(np.argmax(image[..., 2]), image.shape[:2])
        boxes = torch.tensor([[column, row, column + 1.0, row + 1.0], [0.0, 0.0, 2.0, 2.0]])
        found = SimpleNamespace(xyxy=boxes, conf=torch.tensor([0.8, 0.6]), cls=torch.tensor([7.0, 0.0]))
        return SimpleNamespace(boxes=found, names=self.names, orig_shape=image.shape[:2])


@pytest.fixture(scope="module")
def untrained():
    skip_without_ultralytics()
    return YoloDetector("yolo11n.yaml", confidence=0.0001, image_size=96)


class TestYolo:
    def test_an_untrained_network_gives_detections_of_the_right_shape(self, untrained, rng):
        assert isinstance(untrained, Detector)
        found = untrained.detect(rng.integers(0, 256, (2, 48, 96, 3), dtype=np.uint8))
        assert len(found) == 2
        for detections in found:
            assert isinstance(detections, Detections)
            assert detections.azimuth.shape == detections.elevation.shape == detections.score.shape
            assert len(detections.label) == len(detections)
            assert np.all(np.abs(detections.azimuth) <= np.pi)
            assert np.all(np.abs(detections.elevation) <= np.pi / 2)

    @pytest.fixture
    def fake(self, untrained, monkeypatch):
        monkeypatch.setattr(untrained, "network", FakeNetwork())
        return untrained

    def test_colours_boxes_and_names_arrive(self, fake):
        frames = np.zeros((1, 180, 360, 3), np.uint8)
        frames[0, 60, 90, 0] = 255  # red, at 89.5 degrees to the left and 29.5 up
        found = fake.detect(frames)[0]
        assert np.degrees(found.azimuth[0]) == pytest.approx(89.5)
        assert np.degrees(found.elevation[0]) == pytest.approx(29.5)
        assert found.label.tolist() == ["train", "person"]
        np.testing.assert_allclose(found.score, [0.8, 0.6], atol=1e-6)

    def test_only_wanted_labels(self, fake, monkeypatch):
        monkeypatch.setattr(fake, "labels", ("person",))
        assert fake.detect(np.zeros((1, 180, 360, 3), np.uint8))[0].label.tolist() == ["person"]

    def test_frames_go_through_in_batches(self, fake, monkeypatch):
        monkeypatch.setattr(fake, "batch_size", 2)
        assert len(fake.detect(np.zeros((5, 18, 36, 3), np.uint8))) == 5
        assert [count for count, _ in fake.network.calls] == [2, 2, 1]
        assert fake.network.calls[0][1]["conf"] == 0.0001

    def test_no_frames(self, fake):
        assert fake.detect(np.zeros((0, 18, 36, 3), np.uint8)) == []

    def test_wrong_frames(self, fake, no_shape_hook):
        with pytest.raises(ShapeError, match="uint8"):
            fake.detect(np.zeros((1, 18, 36, 3), np.float32))

    def test_missing_weights_are_not_fetched(self, tmp_path, monkeypatch):
        skip_without_ultralytics()
        monkeypatch.setenv("YOLO_OFFLINE", "true")
        with pytest.raises(FileError, match="YOLO_OFFLINE=false"):
            YoloDetector(tmp_path / "nowhere.pt")

    def test_without_the_package(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "ultralytics", None)
        with pytest.raises(MissingExtraError, match=r"AGPL-3\.0.*ambikit\[yolo\]"):
            YoloDetector()

    def test_wrong_confidence(self):
        with pytest.raises(AmbikitError, match="confidence=2"):
            YoloDetector(confidence=2)

    def test_importing_does_not_import_it(self):
        import subprocess

        code = "import sys, ambikit_models.panorama.detection; assert 'ultralytics' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)


def test_loading_a_network_leaves_the_printing_of_arrays_alone():
    # importing ultralytics sets NumPy's print options for the whole process; a fresh one shows whether we undo it
    code = (
        "import numpy as np; from ambikit_models.panorama.detection import YoloDetector; "
        "before = np.get_printoptions(); "
        "YoloDetector('yolo11n.yaml'); assert np.get_printoptions() == before"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr
