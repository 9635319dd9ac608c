"""Run the benchmarks named on the command line, or all of them, each in a fresh process.

``python -m benchmarks``                  everything that takes minutes, then the targets
``python -m benchmarks rotate maps``      some
``python -m benchmarks --quick maps``     a smoke run: everything once, results into a folder that is thrown away
``python -m benchmarks --list``           what there is
"""

import os
import pkgutil
import subprocess
import sys
import tempfile
from time import perf_counter

import benchmarks

#: What the cases are measured and shown with.
SUPPORT = {"__main__", "common", "gains", "judging", "machine", "page", "picture", "talkers", "targets", "writing"}
#: Cases that are run by name alone, and why.
BY_NAME = {
    "audit_defects": "measures verdicts, not time",
    "files": "writes and reads gigabytes for many minutes",
    "localization": "measures errors, not time, for many minutes",
    "viewpoint_directions": "measures where viewpoints lie, not time",
}


def cases() -> list[str]:
    """The names of all cases."""
    return sorted({module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - SUPPORT)


def main(arguments: list[str]) -> int:
    options = {argument for argument in arguments if argument.startswith("-")}
    names, known = [argument for argument in arguments if argument not in options], cases()
    unknown = [name for name in names if name not in known] + sorted(options - {"--quick", "--list"})
    if unknown:
        print(f"got {', '.join(unknown)}; expected --quick, --list or some of {', '.join(known)}", file=sys.stderr)
        return 2
    if "--list" in options:
        print("\n".join(f"{name}  (by name alone: {BY_NAME[name]})" if name in BY_NAME else name for name in known))
        return 0
    names = names or [name for name in known if name not in BY_NAME]
    if "--quick" not in options:
        return run(names, dict(os.environ))
    with tempfile.TemporaryDirectory() as folder:
        return run(names, {**os.environ, "AMBIKIT_BENCHMARK_QUICK": "1", "AMBIKIT_BENCHMARK_RESULTS": folder})


def run(names: list[str], environment: dict[str, str]) -> int:
    """Run the cases one after the other, say how long each took, and then where the targets stand."""
    failed, took = [], []
    for name in names:
        start, before = perf_counter(), _processor_seconds()
        if subprocess.call([sys.executable, "-m", f"benchmarks.{name}"], env=environment):
            failed.append(name)
        took.append(f"{name} {perf_counter() - start:.0f} s ({_processor_seconds() - before:.0f} s of a processor)")
    print(f"\n{', '.join(took)}" + (f"; FAILED: {', '.join(failed)}" if failed else ""))
    if "AMBIKIT_BENCHMARK_QUICK" not in environment:
        subprocess.call([sys.executable, "-m", "benchmarks.targets"], env=environment)
    return bool(failed)


def _processor_seconds() -> float:
    """What all processes that we have started and that have ended took of the processors."""
    used = os.times()
    return used.children_user + used.children_system


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
