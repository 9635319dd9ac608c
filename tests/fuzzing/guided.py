"""Coverage-guided fuzzing by atheris (group ``fuzz``): ``python -m tests.fuzzing.guided mp4 -runs=100000``.

The arguments after the parser are libFuzzer's: ``-max_total_time=60``, a folder to keep inputs in, and so on.
"""

import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ambikit.files.metadata"]):
    from tests.fuzzing.runs import answer
    from tests.fuzzing.seeds import seeds

if __name__ == "__main__":
    parser, arguments = sys.argv[1], sys.argv[2:]
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds()[parser]):
            Path(folder, str(number)).write_bytes(data)
        atheris.Setup([sys.argv[0], *arguments, folder], lambda data: (answer(parser, data), None)[1])
        atheris.Fuzz()
