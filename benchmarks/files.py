"""An hour of sound through every command that reads a file: how long it takes, and whether memory stays flat.

Noise of four channels at 48 kHz, 16 bits, one minute and one hour, written to a temporary folder (3 GB with what the
commands write). Each command is a process of its own, one thread; memory is the most that the process held (ru_maxrss).

``python -m benchmarks.files``; it takes many minutes and is not among those that run when none is named. A number
behind it is another length in minutes than an hour.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.common import Figures, quick, report

CHANNELS, RATE, MINUTE = 4, 48000, 60
#: The command, and why memory may grow where it is known to.
COMMANDS = {
    "info IN": "",
    "check IN": "the whole recording is judged at once",
    "analyse IN --json out.json": "",
    "convert IN out.wav --to fuma": "",
    "convert IN out.wav --sample-rate 44100": "the whole recording is resampled at once",
    "convert IN out.flac": "",
    "rotate IN out.wav --yaw 30": "",
    "beamform IN out.wav --azimuth 30": "",
    "decode IN out.wav": "",
    "decode IN out.wav --to binaural": "",
    "decode IN out.wav --to 5.1.4": "",
    "plot energy IN out.png": "the whole recording is read at once",
    "plot energy-over-time IN out.png": "the whole recording is read at once",
    "plot spectrum IN out.png": "the whole recording is read at once",
}


def write_noise(path: Path, seconds: int) -> None:
    """A diffuse field of noise, minute by minute."""
    import soundfile

    generator = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, CHANNELS, subtype="PCM_16") as file:
        for _ in range(0, seconds, MINUTE):
            noise = generator.standard_normal((MINUTE * RATE, CHANNELS), dtype=np.float32)
            file.write(0.1 * noise * np.array([1, *[3**-0.5] * 3], np.float32))


def run(command: str, path: Path, folder: Path) -> tuple[float, float, int]:
    """Seconds, megabytes at most, and the exit status of a command."""
    words = [str(path) if word == "IN" else word for word in command.split()]
    start = perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "ambikit", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    for file in folder.glob("out.*"):
        file.unlink()
    return perf_counter() - start, usage.ru_maxrss / 1024, child.returncode


def all_commands(minutes: int) -> Figures:
    lengths = (MINUTE, minutes * MINUTE)
    kept = 0.1 * lengths[1] * RATE * CHANNELS * 4 / 2**20  # a tenth of the recording as float32: what allocators keep
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short, long = (folder / f"{seconds}.wav" for seconds in lengths)
        for path, seconds in zip((short, long), lengths, strict=True):
            write_noise(path, seconds)
        for command, why in list(COMMANDS.items())[: 2 if quick() else None]:
            _, base, _ = run(command, short, folder)
            seconds, most, status = run(command, long, folder)
            flat = "yes" if most - base < kept else f"no{': ' + why if why else ''}"
            said = "" if status in (0, 1, 3) else f" (exit status {status})"
            rows.append((f"`{command}`{said}", seconds, lengths[1] / seconds, round(base), round(most), flat))
            print(*rows[-1], sep="  ", flush=True)
    return Figures(
        f"{lengths[1] // 60} minutes of first order at {RATE // 1000} kHz through the commands, one process each",
        ("command", "seconds", "× real time", "peak with 1 minute, MB", f"with {lengths[1] // 60} minutes, MB", "flat"),
        tuple(rows),
        f"The long file holds {lengths[1] * RATE * CHANNELS * 2 / 1e6:.0f} MB, twice that as float32. The sound of"
        " videos is read whole by every command, which is not measured here.",
    )


def main() -> None:
    if not hasattr(os, "wait4"):
        print("memory of processes is read by wait4, which is not here: not measured")
        return
    report("files", [all_commands(int(sys.argv[1]) if len(sys.argv) > 1 else 2 if quick() else 60)])


if __name__ == "__main__":
    main()
