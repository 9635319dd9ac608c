"""The command line: ``ambikit info | check | analyse | convert | rotate | beamform | decode | plot``.

Angles are degrees here. An error of the input is one line on the standard error and exit status 2. torch is never
imported.
"""

from ambikit.cli.entry import main

__all__ = ["main"]
