"""Where the time of a batch of clips from files goes: reading, cutting views, analysing and turning the sound.

The papers' views and sound of a few clips of made-up pictures and noise; one thread. On a GPU views are cut, and sounds
analysed, there. ``python -m benchmarks.training_files``
"""

import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
import torch

from ambikit_models.datasets.clip_reader import ClipFiles, ClipReader
from ambikit_models.panorama.projection import crop
from ambikit_models.panorama.viewpoints import RandomViewpoints
from ambikit_models.preparation.clip_files import Storing, write_pictures, write_sound
from ambikit_models.sound import SoundFeatures
from benchmarks.common import Figures, quick, report
from benchmarks.machine import device_name, one_thread
from benchmarks.training_step import Clock

ROW = ("part of the batch", "median, ms per clip", "quartiles, ms", "share, %")
VIEWS, SIZE, FRAMES, RATE = 4, 112, 8, 16.0


def profile(height: int, device: str, rounds: int) -> Figures:
    """The median time of each part, per clip, with nothing kept in memory."""
    one_thread()
    sound, clock = SoundFeatures("foa_intensity"), Clock(device, process_time if device == "cpu" else perf_counter)
    with tempfile.TemporaryDirectory() as folder:
        reader = ClipReader(
            _written(Path(folder), height),
            sound,
            frames=FRAMES,
            frame_rate=RATE,
            sound_duration=1.0,
            moments=16,
            seed=0,
            source="ambix",
            channel_map="auto",
            cache_bytes=0,
        )
        count = len(reader.clips)
        for turn in range((1 if quick() else rounds) + 1):
            if turn == 1:
                clock.times.clear()
            viewpoints = RandomViewpoints(views=VIEWS).draw(np.random.default_rng(turn), count)
            clock.begin()
            pictures = [reader.pictures(clip, turn) for clip in range(count)]
            clock.lap("pictures read and decoded")
            signals = torch.stack([reader.excerpt(clip, turn) for clip in range(count)])
            clock.lap("sound read, at its rate")
            seen = pictures if device == "cpu" else [torch.from_numpy(frames).to(device) for frames in pictures]
            signals = signals.to(device)
            clock.lap("moved to the device")
            for clip, frames in enumerate(seen):
                given = [viewpoints.azimuth, viewpoints.elevation, viewpoints.field_of_view]
                azimuth, elevation, field = (
                    angle[clip, None].numpy() if device == "cpu" else angle[clip, None].to(device) for angle in given
                )
                crop(frames, azimuth, elevation, field_of_view=field, size=SIZE, normalized=True)
            clock.lap("views cut")
            prepared = sound.prepare(signals)
            clock.lap("sound analysed")
            there = viewpoints.to(device, torch.float32)
            sound.view(prepared[:, None], there.azimuth, there.elevation)
            clock.lap("sound turned to the views, features")
    rows = []
    whole = np.sum(list(clock.times.values()), axis=0)
    for name, values in {**clock.times, "the batch": whole}.items():
        low, middle, high = np.quantile(np.asarray(values) / count, [0.25, 0.5, 0.75])
        share = 100 * middle * count / float(np.median(whole))
        rows.append((name, float(middle), f"{low:.3g} to {high:.3g}", float(share)))
    title = f"A batch of clips from files on {device_name(device)}: {count} clips of {2 * height} × {height} pixels"
    return Figures(
        f"{title}, {VIEWS} views of {SIZE} × {SIZE}, {FRAMES} pictures, 1 s of sound",
        ROW,
        tuple(rows),
        "On a CPU it is processor time: the machine may be busy with other things. H.264 and FLAC as "
        "prepared clips have them, with nothing kept from one batch to the next; moments that are "
        "met again would come from memory. The loader works in a thread beside the step.",
    )


def _written(folder: Path, height: int) -> list[ClipFiles]:
    """Clips of two seconds: a texture that drifts past a still one, and noise from all sides."""
    generator, storing = np.random.default_rng(0), Storing(height=height, frame_rate=RATE)
    clips = []
    for index in range(2 if quick() else 4):
        coarse = generator.integers(0, 256, (2, height // 16, height // 8, 3), np.uint8)
        still, drifting = (texture.repeat(16, 0).repeat(16, 1) for texture in coarse)
        band = slice(height // 3, height // 2)
        frames = np.repeat(still[None], int(2 * RATE), 0)
        for number, frame in enumerate(frames):
            frame[band] = np.roll(drifting[band], 4 * number, axis=1)
        clip = ClipFiles(str(index), str(index), folder / f"{index}.mp4", folder / f"{index}.flac")
        write_pictures(clip.pictures, frames, storing)
        write_sound(clip.sound, 0.1 * generator.standard_normal((4, 48000)), 24000, storing)
        clips.append(clip)
    return clips


def main() -> None:
    sizes = (48,) if quick() else (224, 960)
    report("training_files", [profile(height, "cpu", 7) for height in sizes])


if __name__ == "__main__":
    main()
