"""Trainings that are killed and started again: python kill_training.py OUTPUT.

Each training runs in a fork of this process, which has loaded everything and does nothing else. ``OUTPUT/whole`` is
left alone; ``OUTPUT/moments`` and ``OUTPUT/operations`` are killed (SIGKILL) again and again before they may finish,
those in ``OUTPUT/ends`` once each, shortly before their end. Says how often, as JSON.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import torch

from ambikit_models.training.checkpoints import latest_checkpoint
from ambikit_models.training.loop import train
from tests.ambikit_models.toy import ToyClips, toy_config

KILLS = 10


def run(output: Path, *, die_at: int | None = None, stop_at: int | None = None) -> int:
    """Train in another process, which dies at the given one of its operations on files; returns its number."""
    child = os.fork()
    if child:
        return child
    try:
        torch.set_num_threads(1)
        if die_at is not None:
            _die_at(die_at, str(output))
        train(toy_config(checkpoint_every=3), ToyClips(), output, stop_at=stop_at)
    except BaseException as error:
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def _die_at(number: int, folder: str) -> None:
    """Kill this process before the given one of its operations on files in a folder."""
    left = number

    def watch(event: str, arguments: tuple) -> None:
        nonlocal left
        about = event.startswith(("open", "os.", "shutil.")) and arguments and str(arguments[0]).startswith(folder)
        if about and "tensorboard" not in str(arguments[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def ended(child: int) -> bool:
    """Wait for a training; whether it came to its end, and was not killed."""
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def at_random_moments(output: Path, seconds: float) -> int:
    """Kill ten times or more within the seconds that a whole training takes, the last time behind a checkpoint."""
    kills, dice = 0, random.Random(0)
    while kills < KILLS or latest_checkpoint(output / "checkpoints") is None:
        child = run(output)
        time.sleep(dice.uniform(0.0, seconds))
        os.kill(child, signal.SIGKILL)
        if ended(child):  # too late: that was none
            shutil.rmtree(output)
        else:
            kills += 1
    assert ended(run(output))
    return kills


def at_operations(output: Path) -> int:
    """Each start lives a little longer than the one before, so that every kind of operation comes to be the last."""
    kills = 0
    while not ended(run(output, die_at=1 + 2 * kills)):
        kills += 1
    return kills


def at_each_of_the_last_operations(folder: Path) -> int:
    """Kill once in each of many trainings, which have their last checkpoint but one, and bring each to its end."""
    assert ended(run(folder / "begun", stop_at=9))
    kills = 0
    while True:
        output = folder / f"{kills + 1}"
        shutil.copytree(folder / "begun", output)
        if ended(run(output, die_at=kills + 1)):
            return kills
        assert ended(run(output))
        kills += 1


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    begun = time.monotonic()
    assert ended(run(folder / "whole"))
    lasted = time.monotonic() - begun
    found = {
        "moments": at_random_moments(folder / "moments", lasted),
        "operations": at_operations(folder / "operations"),
        "ends": at_each_of_the_last_operations(folder / "ends"),
    }
    print(json.dumps(found))
