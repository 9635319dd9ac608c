"""Checkpoints of the published code, fabricated with their names and shapes, and a slow reading of what they mean."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ambikit.errors import AmbikitError, FileError
from ambikit_models.cli import main
from ambikit_models.hub import load
from ambikit_models.published import import_published
from ambikit_models.training import config as training_config
from tests.ambikit_models.toy import toy_config

SIZES = (64, 64, 128, 256, 512)


def norm(name, channels, draw):
    yield f"{name}.weight", 1 + 0.2 * draw(channels)
    yield f"{name}.bias", 0.2 * draw(channels)
    yield f"{name}.running_mean", 0.2 * draw(channels)
    yield f"{name}.running_var", (0.3 * draw(channels)).exp()
    yield f"{name}.num_batches_tracked", torch.tensor(3)


def convolution(name, outputs, inputs, *size, draw):
    yield f"{name}.weight", draw(outputs, inputs, *size) / math.sqrt(inputs * math.prod(size))


def video_tensors(draw):
    yield from convolution("conv1.0", 64, 3, 3, 7, 7, draw=draw)
    yield from norm("conv1.1", 64, draw)
    for stage, (inputs, outputs) in enumerate(pairwise(SIZES)):
        for block in range(2):
            name, before = f"conv{2 + stage}x.{block}", inputs if block == 0 else outputs
            yield from convolution(f"{name}.spt_conv1", outputs, before, 1, 3, 3, draw=draw)
            yield from norm(f"{name}.spt_bn1", outputs, draw)
            yield from convolution(f"{name}.tmp_conv1", outputs, outputs, 3, 1, 1, draw=draw)
            yield from norm(f"{name}.tmp_bn1", outputs, draw)
            yield from convolution(f"{name}.spt_conv2", outputs, outputs, 1, 3, 3, draw=draw)
            yield from norm(f"{name}.spt_bn2", outputs, draw)
            yield from convolution(f"{name}.tmp_conv2", outputs, outputs, 3, 1, 1, draw=draw)
            yield from norm(f"{name}.out_bn", outputs, draw)
            if before != outputs:
                yield from convolution(f"{name}.res_conv", outputs, before, 1, 1, 1, draw=draw)


def audio_tensors(draw, channels):
    yield from convolution("conv1.0", 64, channels, 7, 7, draw=draw)
    yield from norm("conv1.1", 64, draw)
    for block, (inputs, outputs) in enumerate(pairwise(SIZES), start=1):
        yield from convolution(f"block{block}.conv1", outputs, inputs, 3, 3, draw=draw)
        yield from norm(f"block{block}.bn1", outputs, draw)
        yield from convolution(f"block{block}.conv2", outputs, outputs, 3, 3, draw=draw)
        yield from norm(f"block{block}.bn2", outputs, draw)


def linear(name, outputs, inputs, draw):
    yield f"{name}.weight", draw(outputs, inputs) / math.sqrt(inputs)
    yield f"{name}.bias", 0.1 * draw(outputs)


def criterion_tensors(draw, depth):
    for way in ("v2a", "a2v"):
        for layer in range(depth):
            name = f"losses.0.{way}_transformer.transformer.{layer}"
            for part in ("query", "key", "value", "dense"):
                yield from linear(f"{name}.attention.{part}", 512, 512, draw)
            yield from linear(f"{name}.dense.0", 2048, 512, draw)
            yield from linear(f"{name}.dense.2", 512, 2048, draw)
            for part in ("attention_norm", "dense_norm"):
                yield f"{name}.{part}.weight", 1 + 0.1 * draw(512)
                yield f"{name}.{part}.bias", 0.1 * draw(512)
    for head in ("video_head", "audio_head", "video_pred_head", "audio_pred_head"):
        yield from linear(f"losses.0.{head}.projection.0", 128, 512, draw)


def fabricated(channels=4, depth=2, *, alignment=True):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    model = {f"module.video_model.{name}": value for name, value in video_tensors(draw)}
    model |= {f"module.audio_model.{name}": value for name, value in audio_tensors(draw, channels)}
    criterion = dict(criterion_tensors(draw, depth))
    if not alignment:
        heads = (("video_projection", "video_head"), ("audio_projection", "audio_head"))
        criterion = {
            f"losses.0.{theirs}.projection.0.{kind}": criterion[f"losses.0.{ours}.projection.0.{kind}"]
            for theirs, ours in heads
            for kind in ("weight", "bias")
        }
    return {"epoch": 50, "model": model, "train_criterion": criterion, "optimizer": {"state": {}, "param_groups": []}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    saved = fabricated()
    path = tmp_path_factory.mktemp("published") / "checkpoint.pth.tar"
    torch.save(saved, path)
    return path, saved


@pytest.fixture(scope="module")
def imported(checkpoint):
    return import_published(checkpoint[0])


class Slow:
    """The networks, step by step from their tensors."""

    def __init__(self, tensors, before):
        self.tensors = {name.removeprefix(before): value for name, value in tensors.items()}

    def norm(self, x, name):
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(x, *(self.tensors[f"{name}.{part}"] for part in names))

    def video(self, x):
        weights = self.tensors
        x = F.conv3d(x, weights["conv1.0.weight"], stride=(1, 2, 2), padding=(1, 3, 3))
        x = self.norm(x, "conv1.1").relu()
        for stage in range(4):
            for block in range(2):
                name, stride = f"conv{2 + stage}x.{block}", 2 if stage and not block else 1
                past = x
                if f"{name}.res_conv.weight" in weights:
                    past = F.conv3d(x, weights[f"{name}.res_conv.weight"], stride=stride)
                x = F.conv3d(x, weights[f"{name}.spt_conv1.weight"], stride=(1, stride, stride), padding=(0, 1, 1))
                x = self.norm(x, f"{name}.spt_bn1").relu()
                x = F.conv3d(x, weights[f"{name}.tmp_conv1.weight"], stride=(stride, 1, 1), padding=(1, 0, 0))
                x = self.norm(x, f"{name}.tmp_bn1").relu()
                x = self.norm(
                    F.conv3d(x, weights[f"{name}.spt_conv2.weight"], padding=(0, 1, 1)), f"{name}.spt_bn2"
                ).relu()
                x = F.conv3d(x, weights[f"{name}.tmp_conv2.weight"], padding=(1, 0, 0))
                x = self.norm(x + past, f"{name}.out_bn").relu()
        return x.amax((-3, -2, -1))

    def audio(self, x):
        """Of spectrograms ``(batch, channels, time, mel)``: the published code has time before frequency."""
        x = self.norm(F.conv2d(x, self.tensors["conv1.0.weight"], stride=2, padding=3), "conv1.1").relu()
        for block, stride in ((1, 1), (2, 2), (3, 2), (4, 1)):
            for number in (1, 2):
                weight = self.tensors[f"block{block}.conv{number}.weight"]
                x = F.conv2d(x, weight, stride=stride if number == 1 else 1, padding=1)
                x = self.norm(x, f"block{block}.bn{number}").relu()
        return x.amax((-2, -1))

    def linear(self, x, name):
        return F.linear(x, self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])

    def translated(self, x, way, depth=2):
        for layer in range(depth):
            name = f"{way}_transformer.transformer.{layer}"
            query, key, value = (self.linear(x, f"{name}.attention.{part}") for part in ("query", "key", "value"))
            weights = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(512), dim=-1)
            x = self.layer_norm(x + self.linear(weights @ value, f"{name}.attention.dense"), f"{name}.attention_norm")
            hidden = self.linear(x, f"{name}.dense.0").relu()
            x = self.layer_norm(x + self.linear(hidden, f"{name}.dense.2"), f"{name}.dense_norm").relu()
        return x

    def layer_norm(self, x, name):
        return F.layer_norm(x, (512,), self.tensors[f"{name}.weight"], self.tensors[f"{name}.bias"])


class TestNetworks:
    @torch.no_grad()
    def test_video(self, checkpoint, imported):
        # colours standardised as the published code does it
        pictures = torch.rand(2, 3, 4, 32, 32)
        centre, scale = (torch.tensor(v).reshape(3, 1, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        expected = Slow(checkpoint[1]["model"], "module.video_model.").video((pictures - centre) / scale)
        torch.testing.assert_close(imported.model.video_encoder(pictures), expected, atol=1e-4, rtol=1e-4)

    @torch.no_grad()
    def test_audio_is_turned(self, checkpoint, imported):
        spectrogram = torch.randn(2, 4, 40, 30)  # mel, time
        expected = Slow(checkpoint[1]["model"], "module.audio_model.").audio(spectrogram.transpose(-1, -2))
        torch.testing.assert_close(imported.model.audio_encoder(spectrogram), expected, atol=1e-4, rtol=1e-4)

    @torch.no_grad()
    def test_translations_and_heads(self, checkpoint, imported):
        slow, features = Slow(checkpoint[1]["train_criterion"], "losses.0."), torch.randn(3, 4, 512)
        model = imported.model
        for way, ours in (("v2a", model.video_to_audio), ("a2v", model.audio_to_video)):
            torch.testing.assert_close(ours(features), slow.translated(features, way), atol=1e-4, rtol=1e-4)
        heads = {"video_head": model.video_head, "audio_head": model.audio_head}
        heads |= {"video_pred_head": model.predicted_video_head, "audio_pred_head": model.predicted_audio_head}
        for name, head in heads.items():
            torch.testing.assert_close(head(features), slow.linear(features, f"{name}.projection.0"))

    def test_the_recipe_is_that_of_the_code(self, imported):
        assert imported.recipe.model.translation_relu
        assert imported.recipe.model.video == "r2plus1d_18_published"
        assert imported.recipe.sound.channels == 4
        assert not imported.model.training


class TestKinds:
    @pytest.mark.parametrize(("channels", "format"), [(1, "mono"), (2, "stereo")])
    def test_other_sounds(self, channels, format, tmp_path):
        torch.save(fabricated(channels), tmp_path / "c.tar")
        assert import_published(tmp_path / "c.tar").recipe.sound.format == format

    def test_direct_prediction_and_other_depths(self, tmp_path):
        for depth in (0, 1):
            torch.save(fabricated(depth=depth), tmp_path / "c.tar")
            assert len(import_published(tmp_path / "c.tar").model.video_to_audio.blocks) == depth

    def test_correspondence_has_two_heads(self, tmp_path):
        saved = fabricated(alignment=False)
        torch.save(saved, tmp_path / "c.tar")
        model = import_published(tmp_path / "c.tar").model
        assert torch.equal(
            model.video_head.weight, saved["train_criterion"]["losses.0.video_projection.projection.0.weight"]
        )

    def test_statistics_and_writing(self, checkpoint, tmp_path):
        mean, deviation = np.linspace(-60, -20, 128), np.linspace(5, 9, 128)
        np.savez(tmp_path / "stats.npz", mean=mean, std=deviation)
        found = import_published(checkpoint[0], statistics=tmp_path / "stats.npz", output=tmp_path / "out")
        # they measure 10 log₁₀ of the magnitude, we 20: the standardised levels are the same
        magnitude = torch.rand(1, 1, 4, 128, 6) + 0.1
        expected = (10 * magnitude.log10() - torch.tensor(mean)[:, None]) / (torch.tensor(deviation)[:, None] + 1e-5)
        torch.testing.assert_close(
            found.model.standardize(20 * magnitude.log10()), expected.float(), atol=1e-4, rtol=1e-4
        )
        again = load(tmp_path / "out")
        assert again.recipe == found.recipe
        for name, value in found.model.state_dict().items():
            assert torch.equal(value, again.model.state_dict()[name]), name


class TestTheCommand:
    def test_it_writes_what_evaluate_takes(self, checkpoint, tmp_path, capsys):
        main(["import-published", str(checkpoint[0]), "--output", str(tmp_path / "out")])
        out = capsys.readouterr().out
        assert "foa_log_mel, translation of depth 2" in out
        assert "not to be used" in out
        assert load(tmp_path / "out").recipe.model.video == "r2plus1d_18_published"

    def test_what_does_not_fit_is_one_line(self, tmp_path):
        torch.save({"state_dict": {}}, tmp_path / "c.tar")
        with pytest.raises(SystemExit, match="error: got .* expected one named 'model'"):
            main(["import-published", str(tmp_path / "c.tar"), "--output", str(tmp_path / "out")])


class TestWhatDoesNotFit:
    def refused(self, saved, tmp_path, match):
        torch.save(saved, tmp_path / "c.tar")
        with pytest.raises(FileError, match=match):
            import_published(tmp_path / "c.tar")

    def test_names(self, tmp_path):
        saved = fabricated()
        del saved["model"]["module.video_model.conv3x.0.res_conv.weight"]
        self.refused(saved, tmp_path, r"without model.video_model.conv3x.0.res_conv.weight \(1 missing, 0 left over\)")
        saved = fabricated()
        saved["train_criterion"]["losses.0.v2a_transformer.transformer.0.dense1.0.weight"] = torch.zeros(2048, 512)
        self.refused(saved, tmp_path, "dense1.0.weight, of which we know nothing")

    def test_shapes(self, tmp_path):
        saved = fabricated()
        saved["model"]["module.video_model.conv2x.0.spt_conv1.weight"] = torch.zeros(144, 64, 1, 3, 3)
        self.refused(
            saved, tmp_path, r"conv2x.0.spt_conv1.weight of shape \(144, 64, 1, 3, 3\); expected \(64, 64, 1, 3, 3\)"
        )

    def test_entries(self, tmp_path):
        self.refused({"state_dict": {}}, tmp_path, r"entries \['state_dict'\]; expected one named 'model'")
        self.refused([1, 2], tmp_path, "with a list")
        self.refused({"model": {}}, tmp_path, "0 channels")
        saved = fabricated(channels=7)
        self.refused(saved, tmp_path, "7 channels; expected 1, 2 or 4")

    def test_a_file_that_would_execute_something(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (print, ("executed",))

        torch.save({"model": Evil()}, tmp_path / "evil.tar")
        with pytest.raises(FileError, match="nothing in it is executed"):
            import_published(tmp_path / "evil.tar")
        with pytest.raises(FileError, match="could not read"):
            import_published(tmp_path / "nowhere.tar")

    def test_statistics(self, checkpoint, tmp_path):
        np.savez(tmp_path / "stats.npz", mean=np.zeros(64), std=np.ones(64))
        with pytest.raises(FileError, match=r"shapes \(64,\) and \(64,\); expected \(128,\)"):
            import_published(checkpoint[0], statistics=tmp_path / "stats.npz")
        with pytest.raises(FileError, match="expected an .npz"):
            import_published(checkpoint[0], statistics=checkpoint[0])


class TestKinetics:
    def test_the_weights_are_asked_for_by_name(self, monkeypatch):
        asked, real = [], training_config.R2Plus1DVideoEncoder

        def watched(weights=None):
            asked.append(weights)
            return real()

        monkeypatch.setattr(training_config, "R2Plus1DVideoEncoder", watched)
        networks = {"video": "r2plus1d_18", "audio": "conv2d_9"}
        training_config.ModelConfig(**networks, video_weights="KINETICS400_V1").build(toy_config().sound)
        assert asked == ["KINETICS400_V1"]

    def test_weights_that_cannot_be_had(self):
        networks = {"video": "r2plus1d_18", "audio": "conv2d_9"}
        with pytest.raises(AmbikitError, match="expected the name of weights of its r2plus1d_18, KINETICS400_V1"):
            training_config.ModelConfig(**networks, video_weights="IMAGENET").build(toy_config().sound)

    def test_only_one_network_has_them(self):
        with pytest.raises(AmbikitError, match="set model.video"):
            training_config.ModelConfig(video_weights="KINETICS400_V1").build(toy_config().sound)
