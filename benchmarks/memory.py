"""How much memory an operation takes while it runs, its result included, in multiples of its input.

What Linux counts as the peak of resident memory (VmHWM) in a process of its own, after calls with a short input have
loaded and compiled everything: buffers of libraries that no tracer of Python sees are counted too.

``python -m benchmarks.memory``
"""

import ctypes
import gc
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ambikit
from benchmarks.common import Figures, quick, report
from benchmarks.machine import one_thread

#: The sound of an operation: channels, sample rate and seconds, some 46 MB as float32; and what is done to it.
OPERATIONS: dict[str, tuple[int, int, float, str]] = {
    "copy (for comparison)": (4, 48000, 60, "x.copy() if isinstance(x, np.ndarray) else x.clone()"),
    "rotate, order 1": (4, 48000, 60, "ambikit.rotate(x, 0.3)"),
    "rotate, order 1, in place": (4, 48000, 60, "ambikit.rotate(x, 0.3, out=x)"),
    "rotate, order 3": (16, 48000, 15, "ambikit.rotate(x, 0.3, 0.2)"),
    "rotate_track, order 3": (16, 48000, 15, "ambikit.rotate_track(x, [0.0, 1.0], pose_rate=0.1, sample_rate=48000)"),
    "convert AmbiX to N3D, order 3": (16, 48000, 15, "ambikit.convert(x, 'ambix', 'n3d')"),
    "beamform": (4, 48000, 60, "ambikit.beamform(x, 0.3, 0.1)"),
    "encode, order 3": (1, 48000, 240, "ambikit.encode(x[0], 0.3, 0.1, 3)"),
    "decode_binaural, order 3": (16, 48000, 15, "ambikit.decode_binaural(x, 48000)"),
    "decode_stereo": (4, 48000, 60, "ambikit.decode_stereo(x)"),
    "stft": (4, 48000, 60, "ambikit.stft(x, frame_length=1024, hop_length=480)"),
    "log_mel, clips of 1 s": (4, 24000, 120, "ambikit.log_mel(clips(x), 24000)"),
    "foa_features, clips of 1 s": (4, 24000, 120, "ambikit.foa_features(clips(x), 24000)"),
    "foa_features, one clip": (4, 24000, 120, "ambikit.foa_features(x, 24000)"),
    "salsa": (4, 24000, 120, "ambikit.salsa(x, 24000)"),
    "check_foa": (4, 48000, 60, "ambikit.check_foa(x, 48000)"),
}


def clips(x: Any) -> Any:
    """A long sound as a batch of clips of one second at 24 kHz."""
    return x.reshape(-1, len(x), 24000)


def resident() -> tuple[int, int]:
    """Bytes of memory that the process holds, and the most it has held."""
    status = Path("/proc/self/status").read_text()
    now, most = (int(status.split(f"{name}:")[1].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def peak(run: Callable[[], Any]) -> tuple[int, Any]:
    """The most memory beyond what was held before that a call takes, and its result."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what is free already must not hide what is taken
    before = resident()[0]
    Path("/proc/self/clear_refs").write_text("5")  # let the peak begin anew
    result = run()
    return max(0, resident()[1] - before), result


def one(name: str, library: str) -> tuple[int, int, int]:
    """The bytes of an operation's input, of its peak and of its result."""
    channels, rate, seconds, expression = OPERATIONS[name]
    names: dict[str, Any] = {"ambikit": ambikit, "np": np, "clips": clips}
    code = compile(expression, name, "eval")

    def sound(length: float) -> Any:
        x = np.random.default_rng(0).normal(size=(channels, int(rate * length))).astype(np.float32)
        return x if library == "NumPy" else torch.from_numpy(x)

    for length in (1.0, 2.0):
        eval(code, {**names, "x": sound(length)})
    x = sound(seconds)
    most, result = peak(lambda: eval(code, {**names, "x": x}))
    return x.nbytes, most, 0 if result is x else getattr(result, "nbytes", 0)


def peaks() -> Figures:
    one_thread()
    rows, chosen = [], list(OPERATIONS)[:2] if quick() else list(OPERATIONS)
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for name in chosen:
            (given, in_numpy, kept), (_, in_torch, _) = (pool.apply(one, (name, of)) for of in ("NumPy", "torch"))
            rows.append((name, f"{given / 1e6:.0f}", kept / given, in_numpy / given, in_torch / given))
    return Figures(
        "Peak memory beyond the input, in multiples of the input's bytes, float32 on the CPU",
        ("", "input, MB", "result", "peak, NumPy", "peak, torch"),
        tuple(rows),
        "The peak includes the result; it is known to some 2 MB (0.04). `check_foa` returns a report.",
    )


def main() -> None:
    if not Path("/proc/self/clear_refs").exists():
        print("peak memory is read from /proc, which is not here: not measured")
        return
    report("memory", [peaks()])


if __name__ == "__main__":
    main()
