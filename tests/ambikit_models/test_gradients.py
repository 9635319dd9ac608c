import dataclasses

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from ambikit_models.batch import Batch
from ambikit_models.objectives.avc import AVC
from ambikit_models.objectives.avsa import AVSA
from ambikit_models.objectives.avts import AVTS
from ambikit_models.objectives.regression import Regression
from ambikit_models.training.gradients import Step, chunked_gradients, whole_gradients
from ambikit_models.training.processes import pieces_of
from tests.ambikit_models.toy import SOUND, toy_config

OBJECTIVES = {"avc": AVC(), "avts": AVTS(), "avsa": AVSA(within_clip=0.5), "regression": Regression()}


def example(clips=7, views=2, seed=3):
    """A float64 model with dropout and a head for rotations, and a batch for it."""
    torch.manual_seed(seed)
    settings = {"translation_dropout": 0.2, "regression": True}
    model = dataclasses.replace(toy_config().model, **settings).build(SOUND).double()
    video = torch.rand(clips, views, 3, 1, 12, 12, dtype=torch.float64)
    audio = torch.randn(clips, views, 7, 8, 5, dtype=torch.float64)
    return model, Batch(video, audio, torch.arange(clips), torch.linspace(-3, 3, clips, dtype=torch.float64))


def with_dropout(model):
    """The same model, whose encoders draw something too."""
    model.video_encoder.layers.append(nn.Dropout2d(0.3))
    model.audio_encoder.layers.append(nn.Dropout2d(0.3))
    return model


def alone():
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    return fabric


def gradients_of(model, make, batch, seed=11):
    model.zero_grad()
    torch.manual_seed(seed)
    loss, logs = make(batch)
    return loss.detach(), logs, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def assert_equal_gradients(a, b):
    assert a.keys() == b.keys()
    for name, gradient in a.items():
        torch.testing.assert_close(b[name], gradient, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_chunks_have_the_gradients_of_the_whole(name, pieces):
    model, batch = example()
    model.eval()  # each row by itself
    step, fabric = Step(model, OBJECTIVES[name]), alone()
    loss, logs, whole = gradients_of(model, whole_gradients(fabric, fabric.setup(step)), batch)
    same, others, parts = gradients_of(model, chunked_gradients(fabric, step, pieces=pieces), batch)
    assert abs(loss - same) < 1e-12
    assert logs.keys() == others.keys()
    assert_equal_gradients(whole, parts)
    assert sum(g.norm() for g in parts.values()) > 1e-3


class PieceByPiece(AVSA):
    """The same objective with all graphs kept: what caching is to equal where normalisation sees each piece alone."""

    def embed(self, model, batch):
        columns = [x.tensor_split(3) for x in (batch.video, batch.audio, batch.index)]
        embedded = [super(PieceByPiece, self).embed(model, Batch(*row)) for row in zip(*columns, strict=True)]
        return tuple(torch.cat(tensors) for tensors in zip(*embedded, strict=True))


@pytest.mark.parametrize("dropout", [False, True])
def test_normalisation_and_dropout_in_training(dropout):
    model, batch = example()
    model = (with_dropout(model) if dropout else model).train()
    fabric, before = alone(), {k: v.clone() for k, v in model.state_dict().items()}
    # both draw for the encoders piece by piece, and then for the translations
    make = whole_gradients(fabric, fabric.setup(Step(model, PieceByPiece())))
    loss, _, whole = gradients_of(model, make, batch)
    moved = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(before)
    same, _, parts = gradients_of(model, chunked_gradients(fabric, Step(model, AVSA()), pieces=3), batch)
    assert abs(loss - same) < 1e-12
    assert_equal_gradients(whole, parts)
    for name, value in model.state_dict().items():  # running statistics moved once per piece, not twice
        torch.testing.assert_close(value, moved[name], rtol=0, atol=0, msg=name)
    assert not torch.equal(moved["audio_encoder.layers.1.running_mean"], before["audio_encoder.layers.1.running_mean"])


def test_the_graph_of_one_piece_at_a_time():
    model, batch = example(clips=12)
    model.eval()
    seen = []
    hook = model.video_encoder.register_forward_hook(
        lambda module, inputs, output: seen.append((len(inputs[0]), output.requires_grad))
    )
    gradients_of(model, chunked_gradients(alone(), Step(model, AVSA()), pieces=4), batch)
    hook.remove()
    assert seen == [(6, False)] * 4 + [(6, True)] * 4  # 3 clips of 2 views


def test_compiled_encoders(no_shape_hook, monkeypatch):
    compiled = torch.compile
    asked = []

    def eagerly(function):
        asked.append(function)
        return compiled(function, backend="eager")

    monkeypatch.setattr(torch, "compile", eagerly)
    model, batch = example()
    model.eval()
    step, fabric = Step(model, AVSA()), alone()
    _, _, plain = gradients_of(model, chunked_gradients(fabric, step, pieces=2), batch)
    assert not asked
    _, _, fast = gradients_of(model, chunked_gradients(fabric, step, pieces=2, compiled=True), batch)
    assert asked
    assert_equal_gradients(plain, fast)


@pytest.mark.parametrize(
    ("clips", "processes", "chunk", "pieces"),
    [(64, 1, 64, 1), (64, 1, 63, 2), (64, 2, 10, 4), (7, 2, 2, 2), (3, 2, 1, 1)],
)
def test_how_many_pieces(clips, processes, chunk, pieces):
    assert pieces_of(clips, processes, chunk) == pieces
