"""What the tests share: the libraries, dtypes and tolerances they run over, and the real recordings."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ambikit",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("ambikit")
torch.set_num_threads(1)

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Library:
    """One array library on one device: makes arrays from NumPy and brings results back."""

    name: str
    device: str = "cpu"

    def array(self, x: Any, dtype: str | None = None) -> Any:
        x = np.asarray(x)
        if self.name == "numpy":
            return x if dtype is None else x.astype(dtype)
        tensor = torch.as_tensor(np.ascontiguousarray(x), device=self.device)
        return tensor if dtype is None else tensor.to(getattr(torch, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        assert (self.name == "torch") == isinstance(x, torch.Tensor), f"{type(x)} came out of {self}"
        if isinstance(x, torch.Tensor):
            assert x.device.type == self.device
            x = x.detach().resolve_conj().cpu()
            return (x.float() if x.dtype == torch.bfloat16 else x).numpy()
        return np.asarray(x)


_CUDA = pytest.param(
    Library("torch", "cuda"),
    id="torch-cuda",
    marks=[pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")],
)


@pytest.fixture(params=[pytest.param(Library("numpy"), id="numpy"), pytest.param(Library("torch"), id="torch"), _CUDA])
def library(request: pytest.FixtureRequest) -> Library:
    """Run the test once per array library and device."""
    return request.param


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    """Run the test once per working precision."""
    return request.param


@pytest.fixture
def rng() -> np.random.Generator:
    """A fresh generator with a fixed seed."""
    return np.random.default_rng(20240229)


@pytest.fixture
def no_shape_hook() -> Any:
    """Switch the shape annotations off: for tests of our own error messages and of ``torch.compile``."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings beside the project."""
    if not DATA.is_dir():
        pytest.skip("the real recordings are not beside the project")
    return DATA
