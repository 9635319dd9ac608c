"""The memory that a command takes: the peak of a process of its own."""

import subprocess
import sys
from pathlib import Path

_CODE = """
import sys
from ambikit.cli import main
status = main()
with open("/proc/self/status") as file:
    print(*[line.split()[1] for line in file if line.startswith("VmHWM")], "torch" in sys.modules, file=sys.stderr)
sys.exit(status)
"""


def peak_of(*words: str | Path) -> tuple[float, bool]:
    """MiB that ``ambikit`` with these words takes at most, and whether it has imported torch.

    Not ``ru_maxrss``, which begins with what the parent held: the process of the tests holds more than most commands.
    """
    result = subprocess.run([sys.executable, "-c", _CODE, *words], capture_output=True, text=True, check=True)
    *_, peak, torch = result.stderr.split()
    return float(peak) / 1024, torch == "True"
