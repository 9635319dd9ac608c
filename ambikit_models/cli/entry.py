"""Where the command line begins: which commands there are, and what becomes of their errors."""

import sys

import tyro

from ambikit.errors import AmbikitError
from ambikit_models.cli.audit import Audit
from ambikit_models.cli.evaluate import Evaluate
from ambikit_models.cli.evaluate_sound import EvaluateSound
from ambikit_models.cli.follow_sound import FollowSound
from ambikit_models.cli.localize import Localize
from ambikit_models.cli.prepare import Prepare
from ambikit_models.cli.published import ImportPublished
from ambikit_models.cli.reproduce import Reproduce
from ambikit_models.cli.shards import Shards
from ambikit_models.cli.study import Study
from ambikit_models.cli.track import Track
from ambikit_models.cli.train import Train
from ambikit_models.cli.world import WriteWorld

__all__ = ["main"]

_DESCRIPTION = "Audit and prepare collections, train on 360° videos, evaluate, and the synthetic world: studies, files."


def main(arguments: list[str] | None = None) -> None:
    """Run the command line."""
    command = tyro.cli(
        Study
        | Train
        | Evaluate
        | Reproduce
        | EvaluateSound
        | Localize
        | FollowSound
        | Track
        | Audit
        | Prepare
        | Shards
        | WriteWorld
        | ImportPublished,
        args=arguments,
        prog="ambikit-models",
        description=_DESCRIPTION,
        config=(tyro.conf.OmitArgPrefixes,),
    )
    try:
        command.run()
    except AmbikitError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from the last checkpoint")
