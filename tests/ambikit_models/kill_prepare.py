"""A run that prepares a folder into another, to be killed: python kill_prepare.py FOLDER OUTPUT WORKERS."""

import sys

from ambikit_models.preparation.clip_files import Storing
from ambikit_models.preparation.prepare import prepare
from ambikit_models.preparation.recording import PrepareConfig
from ambikit_models.preparation.segments import Cutting

SMALL = PrepareConfig(cutting=Cutting(duration=1.0, shortest=0.5), storing=Storing(height=32))

if __name__ == "__main__":
    print("begun", flush=True)
    prepare(sys.argv[1], sys.argv[2], SMALL, workers=int(sys.argv[3]))
    print("done", flush=True)
