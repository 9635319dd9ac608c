"""Processors one after the other."""

from typing import Any

from jaxtyping import Inexact

from ambikit._arrays import Array
from ambikit.errors import AmbikitError
from ambikit.stream.processor import Processor, joined
from ambikit.stream.spectra import Framed

__all__ = ["Chain"]


class Chain(Processor):
    """Processors one after the other, as one: each takes what the one before it makes.

    Parameters
    ----------
    *processors
        In the order in which the sound goes through them; of a chain, its own. One that makes spectra or features can
        only be the last.

    Attributes
    ----------
    processors
        All of them; a pose is set at the rotator itself.

    Raises
    ------
    AmbikitError
        If there is none, one is no processor, or one that makes spectra or features is not the last.

    Examples
    --------
    A source in front of a head that looks to the right is heard at the left:

    >>> import numpy as np, ambikit
    >>> head = ambikit.stream.Rotator(48000, yaw=-90, inverse=True, degrees=True)
    >>> ears = ambikit.stream.Chain(head, ambikit.stream.StereoDecoder())
    >>> front = np.array([[1.0], [0.0], [0.0], [1.0]])
    >>> ears.process(front)[:, 0].round(12).tolist()
    [1.0, -0.5]
    """

    processors: tuple[Processor, ...]

    def __init__(self, *processors: Processor) -> None:
        steps = [step for part in processors for step in (part.processors if isinstance(part, Chain) else (part,))]
        unknown = [type(step).__name__ for step in steps if not isinstance(step, Processor)]
        if unknown or not steps:
            raise AmbikitError(
                f"got {', '.join(unknown) or 'nothing'} to chain; expected processors of ambikit.stream, "
                "made already: Chain(Rotator(48000), StereoDecoder())"
            )
        frames = [type(step).__name__ for step in steps[:-1] if isinstance(step, Framed)]
        if frames:
            raise AmbikitError(
                f"got {', '.join(frames)} before the end of a chain; expected what makes frames at the end, as nothing "
                "here takes them; put it last"
            )
        self.processors = tuple(steps)

    @property
    def latency(self) -> int:
        """Samples by which the results are late: those of all together."""
        return sum(step.latency for step in self.processors)

    def process(self, block: Inexact[Array, "..."], *, out: Any = None) -> Inexact[Array, "..."]:
        """Take the next block through all of them; see :meth:`Processor.process`."""
        for step in self.processors[:-1]:
            block = step.process(block)
        return self.processors[-1].process(block, out=out)

    def flush(self) -> Inexact[Array, "..."]:
        """End the stream: the results that are still to come; see :meth:`Processor.flush`."""
        last = self.processors[-1]
        if not isinstance(last, Framed):
            return super().flush()
        rest = joined(self.process(self._silence(self.latency - last.latency)), last.flush())
        self.reset()
        return rest

    def reset(self) -> None:
        """Reset all of them."""
        for step in self.processors:
            step.reset()

    def _silence(self, samples: int) -> Array:
        return self.processors[0]._silence(samples)
