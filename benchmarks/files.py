"""An hour of sound through every command that reads a file: how long it takes, and whether memory stays flat.

Noise of four channels at 48 kHz, one minute and one hour, as WAV with 16 bits and as AAC in MP4, written to a temporary
folder (4.5 GB with what the commands write). Each command is a process of its own, one thread; memory is the most that
the process held.

``python -m benchmarks.files``; it takes many minutes and is not among those that run when none is named. A number
behind it is another length in minutes than an hour.
"""

import os
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import numpy as np

from benchmarks.common import Figures, quick, report

CHANNELS, RATE, MINUTE = 4, 48000, 60
#: IN is the WAV, VIDEO the MP4
COMMANDS = (
    "info IN",
    "check IN",
    "convert IN out.wav --to fuma",
    "convert IN out.wav --sample-rate 44100",
    "convert IN out.flac",
    "rotate IN out.wav --yaw 30",
    "beamform IN out.wav --azimuth 30",
    "decode IN out.wav",
    "decode IN out.wav --to binaural",
    "decode IN out.wav --to 5.1.4",
    "plot energy IN out.png",
    "plot energy-over-time IN out.png",
    "plot spectrum IN out.png",
    "check VIDEO",
    "convert VIDEO out.wav",
    "convert VIDEO out.wav --sample-rate 44100",
    "plot energy-over-time VIDEO out.png",
)
#: a sixth of the length is enough for it
SLOW = ("analyse IN --json out.json",)
#: what is run in each process: the peak of its own memory alone, where ru_maxrss begins with that of its parent
CHILD = """
import sys
from ambikit.cli import main
status = main()
with open("/proc/self/status") as file:
    print(*[line.split()[1] for line in file if line.startswith("VmHWM")], file=sys.stderr)
sys.exit(status)
"""
#: megabytes that a peak may grow by and still be called flat: a hundredth of the hour, what allocators keep
KEPT = 32


def write_noise(path: Path, seconds: int) -> None:
    """A diffuse field of noise, minute by minute."""
    import soundfile

    generator = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", RATE, CHANNELS, subtype="PCM_16") as file:
        for _ in range(0, seconds, MINUTE):
            noise = generator.standard_normal((MINUTE * RATE, CHANNELS), dtype=np.float32)
            file.write(0.1 * noise * np.array([1, *[3**-0.5] * 3], np.float32))


def write_video(path: Path, wave: Path, seconds: int) -> None:
    """The first minute of a file as AAC, its packets again and again."""
    import av
    import soundfile

    noise, _ = soundfile.read(wave, frames=MINUTE * RATE, dtype="float32")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=RATE, layout="4.0")
        packets = []
        for start in range(0, len(noise), 1024):
            part = np.ascontiguousarray(noise[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="4.0")
            frame.sample_rate, frame.pts = RATE, start
            packets += stream.encode(frame)
        packets = [bytes(packet) for packet in packets]
        for number in range(seconds * RATE // 1024):
            packet = av.Packet(packets[number % len(packets)])
            packet.stream, packet.time_base = stream, Fraction(1, RATE)
            packet.pts = packet.dts = number * 1024
            packet.duration = 1024
            file.mux(packet)


def run(command: str, files: dict[str, Path], folder: Path) -> tuple[float, float, int]:
    """Seconds, megabytes at most, and the exit status of a command."""
    words = [str(files.get(word, word)) for word in command.split()]
    start = perf_counter()
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    seconds = perf_counter() - start
    for file in folder.glob("out.*"):
        file.unlink()
    return seconds, float(child.stderr.split()[-1]) * 1024 / 1e6, child.returncode


def peaks(commands: tuple[str, ...], minutes: int) -> Figures:
    lengths = (MINUTE, minutes * MINUTE)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short, long = ({"IN": folder / f"{n}.wav", "VIDEO": folder / f"{n}.mp4"} for n in lengths)
        for files, seconds in zip((short, long), lengths, strict=True):
            write_noise(files["IN"], seconds)
            write_video(files["VIDEO"], files["IN"], seconds)
        for command in commands[: 2 if quick() else None]:
            _, base, _ = run(command, short, folder)
            seconds, most, status = run(command, long, folder)
            said = "" if status in (0, 1, 3) else f" (exit status {status})"
            flat = "yes" if most - base < KEPT else "no"
            rows.append((f"`{command}`{said}", seconds, lengths[1] / seconds, round(base), round(most), flat))
            print(*rows[-1], sep="  ", flush=True)
    return Figures(
        f"{lengths[1] // 60} minutes of first order at {RATE // 1000} kHz through the commands, one process each",
        ("command", "seconds", "× real time", "peak with 1 minute, MB", f"with {lengths[1] // 60} minutes, MB", "flat"),
        tuple(rows),
        f"IN is a WAV of 16 bits, VIDEO an MP4 with AAC. The long recording holds"
        f" {lengths[1] * RATE * CHANNELS * 4 / 1e6:.0f} MB as float32. Flat is what takes less than {KEPT} MB more for"
        " it than for a minute.",
    )


def main() -> None:
    if not Path("/proc/self/status").exists():
        print("the memory of processes is read in /proc, which is not here: not measured")
        return
    minutes = int(sys.argv[1]) if len(sys.argv) > 1 else 12 if quick() else 60
    report("files", [peaks(COMMANDS, minutes), peaks(SLOW, minutes // 6)])


if __name__ == "__main__":
    main()
