"""Real and imaginary parts of a spectrum, at a size whose squares neither vanish nor overflow."""

import numpy as np

from ambikit._arrays import Array, is_torch, namespace

__all__ = ["largest_part", "scaled_parts"]


def largest_part(real: Array, imaginary: Array, axes: int | tuple[int, ...]) -> Array:
    """The largest real or imaginary part along ``axes`` (``()``: each by itself), 1 where all are 0 or not finite.

    Without gradient: it cancels out of the ratios that it is made for.
    """
    xp = namespace(real)
    if is_torch(real):
        real, imaginary = real.detach(), imaginary.detach()
    largest = xp.maximum(xp.abs(real), xp.abs(imaginary))
    if axes != ():
        largest = xp.amax(largest, axes, keepdims=True)
    return xp.where((largest > 0) & (largest < np.inf), largest, 1.0)


def scaled_parts(spectrum: Array, axes: int | tuple[int, ...]) -> tuple[Array, Array]:
    """Real and imaginary parts, divided by the largest of them along ``axes`` (``()``: each bin by its own)."""
    real, imaginary = spectrum.real, spectrum.imag
    largest = largest_part(real, imaginary, axes)
    return real / largest, imaginary / largest
