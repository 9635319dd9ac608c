"""Torch's switches and generators for a while: only algorithms that repeat themselves, and all given back as it was."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["generators_given_back", "only_deterministic"]

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def generators_given_back(device: torch.device) -> Iterator[None]:
    """Leave torch's generators, on the CPU and on ``device``, as they were before."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def only_deterministic(enabled: bool) -> Iterator[None]:
    """Use only algorithms that give the same bits every time, and leave the switches as they were."""
    if not enabled:
        yield
        return
    cudnn = torch.backends.cudnn
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    before = cudnn.deterministic, cudnn.benchmark, os.environ.get(_CUBLAS)
    os.environ.setdefault(_CUBLAS, ":4096:8")  # read when a device is first multiplied on; without it cuBLAS refuses
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
        cudnn.deterministic, cudnn.benchmark = before[:2]
        if before[2] is None:
            del os.environ[_CUBLAS]
