"""What the first call costs: in a fresh process, when loops are compiled, and when their code is kept from before.

Each operation runs in two processes of its own that share a folder for compiled code, empty at first. Both say how long
the imports took, the first call, and the call after it. ``python -m benchmarks.first_call``
"""

import json
import os
import subprocess
import sys
import tempfile

from benchmarks.common import Figures, quick, report

#: What is called: a preparation, and an expression.
OPERATIONS = {
    "rotate, order 1": ("x = noise(4, 48000)", "ambikit.rotate(x, 0.3)"),
    "rotate, order 3": ("x = noise(16, 48000)", "ambikit.rotate(x, 0.3)"),
    "rotation_matrix, 100 of order 3": ("angles = noise(3, 100)", "ambikit.rotation_matrix(*angles, order=3)"),
    "rotate_track, order 3": (
        "x, angles = noise(16, 48000), noise(3, 100)",
        "ambikit.rotate_track(x, *angles, pose_rate=100, sample_rate=48000)",
    ),
    "spherical_harmonics, 1000 directions, order 7": (
        "angles = noise(2, 1000)",
        "ambikit.spherical_harmonics(*angles, 7)",
    ),
    "log_mel, 1 s": ("x = noise(4, 24000)", "ambikit.log_mel(x, 24000)"),
    "foa_features, 1 s": ("x = noise(4, 24000)", "ambikit.foa_features(x, 24000)"),
    "stereo_features, 1 s": ("x = noise(2, 24000)", "ambikit.stereo_features(x, 24000)"),
    "check_foa, 1 s": ("x = noise(4, 48000)", "ambikit.check_foa(x, 48000)"),
    "decode_binaural, order 3, 1 s": (
        "x, ears = noise(16, 48000), ambikit.binaural_decoder(order=3, sample_rate=48000)",
        "ambikit.decode_binaural(x, 48000, ears)",
    ),
    "crop, 4 views of one frame": (
        "from ambikit_models.panorama import crop; frame = np.zeros((1, 480, 960, 3), np.uint8)",
        "crop(frame, np.zeros((1, 4)), np.zeros((1, 4)), field_of_view=1.2, size=112)",
    ),
}

_CHILD = """
import json, sys
from time import perf_counter
start = perf_counter()
import numpy as np
numpy_ready = perf_counter()
import ambikit
def noise(*shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)
preparation, call = json.loads(sys.argv[1])
exec(preparation)
code = compile(call, "call", "eval")
times = [perf_counter()]
for _ in range(3):
    eval(code)
    times.append(perf_counter())
print(json.dumps([numpy_ready - start, *(b - a for a, b in zip(times, times[1:]))]))
"""


def process(operation: tuple[str, str], folder: str) -> list[float]:
    """Seconds of NumPy's import and of the first three calls, in a process that keeps compiled code in ``folder``."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    command = [sys.executable, "-c", _CHILD, json.dumps(operation)]
    return json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)


def first_calls() -> Figures:
    rows, operations = [], list(OPERATIONS.items())
    for name, operation in operations[:2] if quick() else operations:
        with tempfile.TemporaryDirectory() as folder:
            compiled, kept = process(operation, folder), process(operation, folder)
        rows.append((name, compiled[1], kept[1], 1e3 * kept[3]))
    return Figures(
        "The first call of an operation in a fresh process, NumPy arrays",
        ("", "first call ever, s", "first call of a later process, s", "third call, ms"),
        tuple(rows),
        "The first call ever compiles the loops of the operation; their code is kept, and a later process loads it. "
        "Both include what the operation imports (numba, parts of SciPy); torch is not imported.",
    )


def main() -> None:
    report("first_call", [first_calls()])


if __name__ == "__main__":
    main()
