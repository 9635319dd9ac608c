"""Where a command reads and where it computes."""

from pathlib import Path

from ambikit.errors import AmbikitError

__all__ = ["check_source", "device_of"]


def check_source(data: Path | None, world: int | None) -> None:
    """Refuse a folder and the world at once, and neither of them."""
    if (data is None) == (world is None):
        raise AmbikitError(f"got data={data} and world={world}; expected either --data DIR or --world SCENES")


def device_of(name: str) -> str:
    """What ``auto`` stands for on this machine; other names stay as they are."""
    import torch

    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
