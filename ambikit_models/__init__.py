"""Learning from 360° video with spatial audio: audio-visual spatial alignment and its family."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ambikit_models.hub import Pretrained, load

__all__ = ["Pretrained", "load"]


def __getattr__(name: str) -> Any:
    """Load trained models, and torch with them, only when they are asked for."""
    if name in __all__:
        from ambikit_models import hub

        return getattr(hub, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
