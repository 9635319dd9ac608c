"""``python -m ambikit_models.cli`` is ``ambikit-models``."""

from ambikit_models.cli import main

main()
