"""Run the benchmarks named on the command line, or all of them, each in a fresh process."""

import pkgutil
import subprocess
import sys

import benchmarks

_NOT_CASES = {"__main__", "common"}


def main(names: list[str]) -> int:
    known = sorted({module.name for module in pkgutil.iter_modules(benchmarks.__path__)} - _NOT_CASES)
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"got {', '.join(unknown)}; expected one of {', '.join(known)}", file=sys.stderr)
        return 2
    return max(subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) for name in names or known)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
