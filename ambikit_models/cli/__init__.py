"""The command line: ``ambikit-models study | train | evaluate | reproduce | audit | prepare | shards | write-world``.

One file per command: a class whose fields are its options and whose method ``run`` does it.
"""

from ambikit_models.cli.entry import main

__all__ = ["main"]
