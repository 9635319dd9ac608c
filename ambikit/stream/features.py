"""What networks hear, as sound plays: the features of each frame as soon as its last sample has come."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ambikit._arrays import Array, namespace, narrow
from ambikit._checks import check_choice, order_of_channels
from ambikit.analysis.features import WEIGHTINGS, mel_cues, mel_intensity
from ambikit.analysis.filterbank import bank_like, mel_filterbank
from ambikit.analysis.levels import check_levels, levels, peak_of
from ambikit.analysis.mel_bands import mel_magnitudes
from ambikit.analysis.spectra import feature_grid, spectrum_of_frames
from ambikit.errors import AmbikitError, ShapeError
from ambikit.stream.processor import Form
from ambikit.stream.spectra import Framed

__all__ = ["FoaFeatures", "LogMel", "StereoFeatures"]


class LogMel(Framed):
    """How loud each mel band is now: the frames of :func:`ambikit.log_mel` as they become complete.

    Parameters
    ----------
    sample_rate, bands, window, hop, power, dynamic_range_db, filterbank
        As in :func:`ambikit.log_mel`.
    top_db
        The level, in the decibels of the result, below which the dynamic range is counted: the loudest level that is to
        come, if it is known. By default the loudest of the stream so far, as nobody knows what is to come.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Warns
    -----
    UserWarning
        If a mel band is empty.

    Notes
    -----
    A clip has one floor, below its loudest level; a stream has one that rises as it hears louder sounds. From the first
    sound on, ``maximum(levels, levels.max() - dynamic_range_db)`` over all of it are the levels of the whole clip; with
    ``top_db=levels.max()`` all frames are, at once. Silence before the first sound is ``-dynamic_range_db``.

    A sample that is not finite makes no frame NaN but those it lies in.

    Examples
    --------
    One second gives 100 frames, the last of which need what comes after them, or the end:

    >>> import numpy as np
    >>> levels = LogMel(24000)
    >>> levels.process(np.ones((1, 24000))).shape, levels.flush().shape
    ((1, 128, 99), (1, 128, 1))
    """

    def __init__(
        self,
        sample_rate: float,
        *,
        bands: int = 128,
        window: float = 0.021,
        hop: float = 0.010,
        power: float = 2.0,
        dynamic_range_db: float = 100.0,
        top_db: float | None = None,
        filterbank: Any = None,
    ) -> None:
        check_levels(power, dynamic_range_db)
        frame_length, hop_length, _ = feature_grid(1, sample_rate, window, hop)
        super().__init__(frame_length, hop_length)
        if filterbank is None:
            filterbank = mel_filterbank(sample_rate, frame_length, bands)
        elif tuple(filterbank.shape[1:]) != (frame_length // 2 + 1,):
            raise ShapeError(
                f"got a filterbank of shape {tuple(filterbank.shape)}; expected (bands, {frame_length // 2 + 1}) for "
                f"frames of {frame_length} samples; make it with mel_filterbank(sample_rate, {frame_length}, bands)"
            )
        if top_db is not None and not (isinstance(top_db, int | float | np.number) and np.isfinite(top_db)):
            raise AmbikitError(f"got top_db={top_db!r}; expected a level in dB, or None for the loudest so far")
        self._bank, self._power, self._range, self._fixed_top = filterbank, power, dynamic_range_db, top_db

    def _begin(self, form: Form, like: Array) -> None:
        self._bank_here, self._top = bank_like(self._bank, like), None
        super()._begin(form, like)
        self._top = None

    def _count(self, samples: int) -> int:
        return -(-samples // self.hop_length)

    def _picture(self, sound: Array) -> Array:
        peak = peak_of(sound)  # squares of faint samples would be 0
        spectrum = spectrum_of_frames(sound / peak, self.frame_length, self.hop_length).mT
        mel = mel_magnitudes(spectrum, self._bank_here, self._power)
        level = self._floored(levels(mel, self._power, float("inf"), peak), mel)
        cues = self._cues(spectrum)
        return narrow(level if cues is None else namespace(level).concat([level, cues], -3), self._half)

    def _cues(self, spectrum: Array) -> Array | None:
        """What stands behind the levels."""
        return None

    def _floored(self, level: Array, mel: Array) -> Array:
        """Levels but nothing below the floor, which rises with the loudest level frame by frame."""
        xp = namespace(level)
        if self._fixed_top is not None:
            return xp.clip(level, self._fixed_top - self._range, None)
        audible = xp.isfinite(mel) & (mel > 0)
        loudest = xp.amax(xp.where(audible, level, -float("inf")), (-3, -2), keepdims=True)
        if self._top is not None:
            loudest = xp.concat([self._top, loudest], -1)
        top = xp.maximum.accumulate(loudest, axis=-1) if xp is np else xp.cummax(loudest, -1).values
        top = top[..., -level.shape[-1] :]
        self._top = top[..., -1:]
        heard = top > -float("inf")
        return xp.maximum(level, xp.where(heard, top, 0.0) - self._range)


class FoaFeatures(LogMel):
    """How loud it is now in each mel band, and from where: the frames of :func:`ambikit.foa_features`.

    Parameters
    ----------
    sample_rate, bands, window, hop, power, weighting, dynamic_range_db, filterbank
        As in :func:`ambikit.foa_features`.
    top_db
        As in :class:`LogMel`, whose floor the four levels have.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Examples
    --------
    Noise from the left, in blocks of 1000: the intensity (x, y, z) points along +y.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(size=24000)
    >>> left = np.stack([noise, noise, 0 * noise, 0 * noise])
    >>> features = FoaFeatures(24000)
    >>> frames = [features.process(left[:, start : start + 1000]) for start in range(0, 24000, 1000)]
    >>> frames = np.concatenate([*frames, features.flush()], axis=-1)
    >>> frames.shape, (frames[4:, 64, 50].round(6) + 0.0).tolist()
    ((7, 128, 100), [0.0, 1.0, 0.0])
    """

    _spatial: Callable[[Array, Array, str], Array] = staticmethod(mel_intensity)

    def __init__(self, sample_rate: float, *, weighting: str = "mean", **parameters: Any) -> None:
        check_choice(weighting, WEIGHTINGS, "weighting")
        self._weighting = weighting
        super().__init__(sample_rate, **parameters)

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        if order_of_channels(channels, f"{channels} channels of a block of shape {shape}") == 0:
            raise ShapeError(
                f"got one channel in a block of shape {shape}; expected at least 4 (order 1); a mono signal carries no "
                "direction: encode it first"
            )
        return channels

    def _taken(self, block: Array) -> Array:
        return block[..., :4, :]

    def _cues(self, spectrum: Array) -> Array:
        return self._spatial(spectrum, self._bank_here, self._weighting)


class StereoFeatures(FoaFeatures):
    """How left and right differ now in each mel band: the frames of :func:`ambikit.stereo_features`.

    Parameters
    ----------
    sample_rate, bands, window, hop, power, weighting, dynamic_range_db, filterbank
        As in :func:`ambikit.stereo_features`.
    top_db
        As in :class:`LogMel`, whose floor the two levels have.

    Raises
    ------
    AmbikitError
        If a parameter is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> StereoFeatures(24000).process(np.zeros((2, 2400))).shape
    (5, 128, 9)
    """

    _spatial = staticmethod(mel_cues)

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        if channels != 2:
            raise ShapeError(
                f"got {channels} channels in a block of shape {shape}; expected 2, left first; make them of an "
                "Ambisonic signal with a StereoDecoder before"
            )
        return channels
