"""Which time-frequency bins stand out of the noise: a floor that follows the level of each frequency."""

import numpy as np

from ambikit._arrays import Array, is_torch, namespace
from ambikit.analysis.running_sums import moving_sum

__all__ = ["above_noise_floor", "bins_above_noise_floor"]

# Frames that are averaged, frames from which the floor begins, and frames for which it rises fast.
_AVERAGED, _FIRST, _FAST = 3, 5, 3
_RISE, _SLOW_RISE, _FALL = 1.02, 1.002, 0.98


def above_noise_floor(power: Array, ratio: float) -> Array:
    """Whether the magnitude of a bin is more than ``ratio`` times the noise floor of its frequency.

    ``power`` is ``(..., freq, time)``. The level is the root of its mean over three frames. The floor begins at half
    the mean level of the first five frames; while the level is above it, it rises by 2 % per frame, after three frames
    in a row by 0.2 %, and while it is not, it falls by 2 %. A floor at 0 begins anew, at half the first level there is:
    no level is absolute. What sounds on and on becomes noise: a steady level no longer stands out after some 150
    frames. NaN stands out.

    One step per frame, for all frequencies and clips at once.
    """
    xp = namespace(power)
    power = power.detach() if is_torch(power) else power
    level = xp.sqrt(moving_sum(power, _AVERAGED) / moving_sum(xp.ones_like(power), _AVERAGED))
    known = xp.where(xp.isfinite(level), level, 0.0)
    floor = known[..., :_FIRST].mean(-1) / 2
    rest = xp.zeros_like(floor)
    passed = []
    for t in range(level.shape[-1]):
        now = known[..., t]
        floor = xp.where(floor == 0, now / 2, floor)
        above = now > floor
        rest = xp.where(above, rest + 1, 0.0)
        floor = floor * xp.where(above, xp.where(rest > _FAST, _SLOW_RISE, _RISE), _FALL)
        passed.append(~(level[..., t] <= ratio * floor))
    return xp.stack(passed, -1)


def bins_above_noise_floor(spectra: np.ndarray, bins: int, ratio: float) -> np.ndarray:
    """The same by a loop, ``(clips, freq, time)``, for the first channel of ``(clips, channels, frames, freq)``.

    The first ``bins`` above 0 Hz are judged.
    """
    from ambikit.kernels.noise_floor import above_noise_floor as loop

    passed = np.empty((len(spectra), bins, spectra.shape[-2]), bool)
    loop(spectra, 1, _AVERAGED, _FIRST, _FAST, _RISE, _SLOW_RISE, _FALL, float(ratio), passed)
    return passed
