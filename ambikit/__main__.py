"""``python -m ambikit`` is ``ambikit``."""

import sys

from ambikit.cli.entry import main

sys.exit(main())
