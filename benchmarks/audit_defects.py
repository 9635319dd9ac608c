"""How often `check_foa` sees that a sound is broken, defect by defect, and how often it says so of one that is not.

Scenes of the synthetic world, which have rooms, several sources and ambience, with more sources and without
reflections; every scene is judged as it is and with each defect.

``python -m benchmarks.audit_defects`` measures, and writes the tables into ``docs/defects.md``.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import ambikit
from ambikit_models.world import WorldConfig, render_sound, scene
from ambikit_models.world.defects import DEFECTS, break_sound
from benchmarks.common import conditions, quick, record, show

PAGE = Path(__file__).parents[1] / "docs" / "defects.md"
BEGIN, END = "<!-- tables of benchmarks/results/audit_defects.json -->", "<!-- end of the tables -->"

SCENES, SEED, SECONDS = 100, 20, 10.0
VERDICTS = ("invalid", "doubtful", "valid")
CLEAN = "nothing"
WORLDS = (
    ("one to three sources in rooms", {}),
    ("eight sources in rooms", {"sounding": (8, 8), "silent": (0, 0)}),
    ("one to three sources without reflections", {"reverberation": 0.0}),
)


def verdicts(config: WorldConfig, scenes: int, seed: int = SEED) -> dict[str, list[Any]]:
    """The reports of every scene as it is and with each defect."""
    found: dict[str, list[Any]] = {name: [] for name in (CLEAN, *DEFECTS)}
    for index in range(scenes):
        signal = render_sound(config, seed, scene(config, seed, index))[0].numpy()
        for defect, reports in found.items():
            broken = signal if defect == CLEAN else break_sound(signal, defect, seed=index)
            reports.append(ambikit.check_foa(broken, config.sample_rate))
    return found


def table(title: str, config: WorldConfig, scenes: int) -> dict[str, Any]:
    """How many scenes got which verdict, which share the energy test alone lets pass, and the guess of a scale."""
    rows = []
    for defect, reports in verdicts(config, scenes).items():
        counted = Counter(report.verdict for report in reports)
        passing = sum(report.passes_energy_test for report in reports)
        guesses = Counter(report.normalization for report in reports)
        rows.append([defect, *(counted[v] for v in VERDICTS), passing, guesses["n3d"], guesses["fuma"]])
    columns = ["defect", *VERDICTS, "passes the energy test", "guess n3d", "guess fuma"]
    return {"title": title, "scenes": scenes, "seconds": SECONDS, "columns": columns, "rows": rows}


def study(scenes: int) -> list[dict[str, Any]]:
    base = {"duration": SECONDS, "speed_degrees": (-3.0, 3.0)}
    return [table(title, WorldConfig(**base, **changed), scenes) for title, changed in WORLDS]


def page(result: dict[str, Any]) -> str:
    """The tables as they stand on the page."""
    lines = [conditions(result)]
    for found in result["tables"]:
        scenes = found["scenes"]
        lines += ["", f"**{found['title'].capitalize()}; {scenes} scenes of {found['seconds']:g} s**", ""]
        lines += ["| defect | what it is | invalid | doubtful | valid | passes the energy test alone | guessed scale |"]
        lines += ["|---|---|---:|---:|---:|---:|---|"]
        for defect, invalid, doubtful, valid, passing, n3d, fuma in found["rows"]:
            shares = " | ".join(f"{100 * count / scenes:.0f} %" for count in (invalid, doubtful, valid, passing))
            words = "a sound as it should be" if defect == CLEAN else DEFECTS[defect]
            guess = ", ".join(f"{name} {100 * n / scenes:.0f} %" for name, n in (("N3D", n3d), ("FuMa", fuma)) if n)
            lines.append(f"| `{defect}` | {words} | {shares} | {guess or '–'} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    import torch

    torch.set_num_threads(1)
    text = page(record("audit_defects", study(1 if quick() else SCENES)))
    if not quick():
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")
    show(text)


if __name__ == "__main__":
    main()
