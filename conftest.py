"""Switches on the shape checks of every annotated function for the whole test session.

The jaxtyping hook must be installed before ambikit is imported, also for doctests; it leaves out the kernels,
which numba compiles.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("YOLO_OFFLINE", "true")
os.environ.setdefault("MPLBACKEND", "Agg")

from jaxtyping import install_import_hook

import tests.typechecker  # noqa: F401 - the hook below finds it as an attribute of its package

CHECKED = [
    *(
        f"ambikit.{name}"
        for name in ("geometry", "operators", "analysis", "stream", "files", "conformance", "nn", "plot", "cli")
    ),
    "ambikit_models",
]

install_import_hook(CHECKED, "tests.typechecker.typechecked")
