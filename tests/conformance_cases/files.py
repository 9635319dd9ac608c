"""Makes the files of ``ambikit/conformance/data``, without any of our own code.

Run it as ``python -m tests.conformance_cases.files``. Answers come from closed forms, from published figures (typed
in), and from SciPy by way of ``tests/oracles.py``. A test makes the files anew and compares them with those that lie
there.
"""

import json
from pathlib import Path

from tests.conformance_cases.beams import beams
from tests.conformance_cases.conventions import conventions
from tests.conformance_cases.energetics import energetics, energy_ratios, interaural
from tests.conformance_cases.heads import heads
from tests.conformance_cases.loudspeakers import loudspeakers, weighted
from tests.conformance_cases.rotation import rotations

DATA = Path(__file__).resolve().parents[2] / "ambikit" / "conformance" / "data"

FILES = {
    "conventions": conventions,
    "rotation": rotations,
    "beams": beams,
    "energetics": energetics,
    "energy_ratio": energy_ratios,
    "interaural": interaural,
    "loudspeakers": loudspeakers,
    "weighted_decoders": weighted,
    "heads": heads,
}


def write(folder=DATA):
    """One case per line: what changed in a case is seen in the line of that case."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, cases in FILES.items():
        lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in cases())
        (folder / f"{name}.json").write_text(f'{{"cases": [\n{lines}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    write()
