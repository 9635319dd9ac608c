import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ambikit.errors import AmbikitError, FileError, MissingExtraError, ShapeError
from ambikit_models.panorama.detection import Detections, Detector
from ambikit_models.panorama.transformers_detection import TransformersDetector


class FakeNetwork(torch.nn.Module):
    """Answers as transformers does: a box on the reddest pixel, and one that is nearly sure to be nothing."""

    config = SimpleNamespace(id2label={0: "person", 1: "train"})

    def forward(self, pixel_values):
        count, _, height, width = pixel_values.shape
        place = pixel_values[:, 0].flatten(1).argmax(-1)
        x, y = (place % width + 0.5) / width, (place // width + 0.5) / height
        red = torch.stack([x, y, torch.full_like(x, 1 / width), torch.full_like(x, 1 / height)], -1)
        boxes = torch.stack([red, torch.full_like(red, 0.5)], 1)
        logits = torch.tensor([[-3.0, 2.0], [-4.0, -5.0]]).expand(count, 2, 2)
        return SimpleNamespace(logits=logits, pred_boxes=boxes)


@pytest.fixture
def fake():
    return TransformersDetector(FakeNetwork(), image_size=(180, 360))


class TestAdapter:
    def test_colours_boxes_and_names_arrive(self, fake):
        frames = np.zeros((3, 180, 360, 3), np.uint8)
        frames[:, 60, 90, 0] = 255  # red, at 89.5 degrees to the left and 29.5 up
        fake.batch_size = 2
        found = fake.detect(frames)
        assert isinstance(fake, Detector)
        assert [len(f) for f in found] == [1, 1, 1]
        assert np.degrees(found[2].azimuth[0]) == pytest.approx(89.5, abs=1e-3)
        assert np.degrees(found[2].elevation[0]) == pytest.approx(29.5, abs=1e-3)
        assert np.degrees(found[2].width[0]) == pytest.approx(1, abs=1e-3)
        assert found[2].label.tolist() == ["train"]
        assert found[2].score[0] == pytest.approx(1 / (1 + np.exp(-2)))

    def test_only_wanted_labels(self, fake):
        fake.labels = ("person",)
        assert len(fake.detect(np.zeros((1, 180, 360, 3), np.uint8))[0]) == 0

    def test_no_frames(self, fake):
        assert fake.detect(np.zeros((0, 18, 36, 3), np.uint8)) == []

    def test_errors(self, fake, no_shape_hook):
        with pytest.raises(ShapeError, match="uint8"):
            fake.detect(np.zeros((1, 18, 36, 3), np.float32))
        with pytest.raises(AmbikitError, match="confidence=2"):
            TransformersDetector(FakeNetwork(), confidence=2)

    def test_without_the_package(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "transformers", None)
        with pytest.raises(MissingExtraError, match=r"ambikit\[transformers\]"):
            TransformersDetector(tmp_path)

    def test_importing_does_not_import_it(self):
        code = "import sys, ambikit_models.panorama.transformers_detection; assert 'transformers' not in sys.modules"
        subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def untrained():
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("transformers is not installed")
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config

    torch.manual_seed(0)
    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 32, 32],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 32, 32, 64],
        stage_num_blocks=[1, 1, 1, 1],
        stage_numb_of_layers=[1, 1, 1, 1],
        hidden_sizes=[16, 32, 32, 64],
        depths=[1, 1, 1, 1],
        out_indices=[2, 3, 4],
    )
    config = DFineConfig(
        backbone_config=backbone,
        encoder_in_channels=[32, 32, 64],
        encoder_hidden_dim=32,
        encoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_in_channels=[32, 32, 32],
        d_model=32,
        decoder_ffn_dim=32,
        decoder_attention_heads=2,
        decoder_layers=2,
        num_queries=20,
        num_labels=3,
    )
    return DFineForObjectDetection(config)


class TestWithTransformers:
    def test_an_untrained_network_gives_detections_of_the_right_shape(self, untrained, rng):
        detector = TransformersDetector(untrained, confidence=0.0, image_size=(96, 192))
        found = detector.detect(rng.integers(0, 256, (2, 48, 96, 3), dtype=np.uint8))
        assert [len(f) for f in found] == [20, 20]
        for detections in found:
            assert isinstance(detections, Detections)
            assert np.all(np.abs(detections.azimuth) <= np.pi)
            assert np.all(np.abs(detections.elevation) <= np.pi / 2)

    def test_a_folder_gives_the_same_network(self, untrained, rng, tmp_path):
        untrained.save_pretrained(tmp_path)
        frames = rng.integers(0, 256, (1, 48, 96, 3), dtype=np.uint8)
        first, second = (
            TransformersDetector(network, confidence=0.0, image_size=(96, 192)).detect(frames)[0]
            for network in (untrained, tmp_path)
        )
        np.testing.assert_allclose(second.azimuth, first.azimuth, atol=1e-5)

    def test_a_folder_without_a_network(self, untrained, tmp_path):
        with pytest.raises(FileError, match=r"config\.json"):
            TransformersDetector(tmp_path)
