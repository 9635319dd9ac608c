"""Three operators through torch's own compiler, not only through its tracer. Each compiles C++ for tens of seconds."""

import shutil

import pytest
import torch

import ambikit

OPERATORS = {
    "rotate": lambda signal, angle: ambikit.rotate(signal, angle, 0.3, -0.2),
    "beamform": lambda signal, angle: ambikit.beamform(signal, angle, 0.1, "max_re"),
    "active_intensity": lambda signal, angle: ambikit.active_intensity(
        torch.complex(signal, signal.flip(-1)).reshape(2, 4, 16, 16)
    ),
}


@pytest.mark.skipif(shutil.which("g++") is None, reason="no C++ compiler")
@pytest.mark.parametrize("name", OPERATORS)
def test_compiled_equals_eager(name, no_shape_hook):
    torch.manual_seed(0)
    signal, angle = torch.randn(2, 4, 256), torch.tensor([0.4, -1.0])
    operator = OPERATORS[name]
    compiled = torch.compile(operator, fullgraph=True)
    torch.testing.assert_close(compiled(signal, angle), operator(signal, angle), rtol=1e-5, atol=1e-6)
