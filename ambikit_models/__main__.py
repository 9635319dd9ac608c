"""``python -m ambikit_models`` is ``ambikit-models``."""

from ambikit_models.cli import main

main()
