"""Where something was measured: the machine, what else it was doing, the versions, the commit."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["commit", "device_name", "has_cuda", "load_average", "machine", "one_thread", "quick", "versions"]

_PACKAGES = (
    "numpy",
    "scipy",
    "numba",
    "torch",
    "torchaudio",
    "torchvision",
    "librosa",
    "opencv-python",
    "opencv-python-headless",
    "py360convert",
    "spaudiopy",
    "sphericart",
    "pyroomacoustics",
    "e3nn",
    "jaxtyping",
    "soundfile",
    "av",
)


def one_thread() -> None:
    """Hold the libraries that are loaded to one thread; the environment has said so to those that read it."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    if cv2 := sys.modules.get("cv2"):
        cv2.setNumThreads(1)


def quick() -> bool:
    """Whether this is a smoke run: everything once, and no figure worth keeping."""
    return bool(os.environ.get("AMBIKIT_BENCHMARK_QUICK"))


def has_cuda() -> bool:
    """Whether there is torch and a CUDA device for it."""
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()


def device_name(device: str) -> str:
    """What a device is called, for a title: "CPU", "NVIDIA H200"."""
    if device == "cpu":
        return "CPU"
    import torch

    return torch.cuda.get_device_name()


def machine() -> dict[str, Any]:
    """What the machine is, not what it is called."""
    found: dict[str, Any] = {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()}
    if caches := _caches():
        found["caches"] = caches
    if "torch" in sys.modules and has_cuda():
        found["gpu"] = device_name("cuda")
    return found


def load_average() -> float | None:
    """How many processes wanted the processor in the last minute, ours included; None where nobody counts."""
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None


def versions() -> dict[str, str]:
    """Python and the packages that are installed, ours and the peers."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit the working tree is at, with a plus if the code has changes that are not committed."""
    root = Path(__file__).parents[1]
    code = ["ambikit", "ambikit_models", "benchmarks", ":!benchmarks/results"]
    try:
        at = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=root, capture_output=True, check=True)
        status = ["git", "status", "--porcelain", "--untracked-files=no", "--", *code]
        changes = subprocess.run(status, cwd=root, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return at.stdout.decode().strip() + ("+" if changes.stdout.strip() else "")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _caches() -> dict[str, str]:
    """The data caches of the first core, where Linux tells them."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found
