"""Fuzz the parsers: ``python -m tests.fuzzing --count 100000`` or ``--seconds 60``, for all parsers or one.

Deterministic for a given count and seed. What finds new lines of the parsers is kept and mutated further, if
``--guided``; without it the inputs come faster.
"""

import argparse
import json
import sys
import warnings

from tests.fuzzing.runs import answer, fuzz
from tests.fuzzing.seeds import PARSERS, seeds

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parser", choices=PARSERS, action="append")
    parser.add_argument("--count", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true")
    parser.add_argument("--truncations", action="store_true", help="and every truncation of every seed")
    options = parser.parse_args()
    if options.count is None and options.seconds is None:
        options.count = 100_000
    warnings.simplefilter("error")
    failed = False
    for name in options.parser or PARSERS:
        report = fuzz(name, count=options.count, seconds=options.seconds, seed=options.seed, guided=options.guided)
        if options.truncations:
            for data in seeds()[name]:
                for length in range(len(data)):
                    answer(name, data[:length])
        failed = failed or bool(report["failures"])
        print(json.dumps(report), flush=True)
    sys.exit(failed)
