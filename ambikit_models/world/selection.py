"""Scenes of the world selected by what an audit would say of their sound."""

import numpy as np

import ambikit
from ambikit_models.preparation.selection import Selection, select
from ambikit_models.world.clips import WorldClips

__all__ = ["select_scenes"]

_BLOCK = 64


def select_scenes(clips: WorldClips, selection: Selection, *, seed: int = 0) -> WorldClips:
    """The scenes that :func:`~ambikit_models.preparation.selection.select` chooses by the energy test of their sound.

    Parameters
    ----------
    clips
        Rendered scenes; some of them are broken in a world with a ``broken_fraction``.
    selection
        ``"all"`` changes nothing.
    seed
        Decides which of those that fail.
    """
    if selection == "all":
        return clips
    records = []
    for start in range(0, len(clips), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(clips)))
        for row, signal in zip(rows, clips.signals(rows).numpy(force=True), strict=True):
            report = ambikit.check_foa(signal, clips.config.sample_rate)
            judged = {"verdict": report.verdict, "passes_energy_test": bool(report.passes_energy_test)}
            records.append({"index": int(row), **judged})
    chosen = np.array([record["index"] for record in select(records, selection, seed=seed)], dtype=np.int64)
    shown = {"size": clips.size, "frames": clips.frames, "duration": clips.duration}
    kept = clips.prepared[chosen]
    return WorldClips(clips.config, clips.seed, clips.indices[chosen], clips.sound, kept, **shown, device=clips.device)
