"""Spectra summed over mel bands: by loops into the room of a feature, or by the formula."""

from math import prod
from typing import NamedTuple

import numpy as np

from ambikit._arrays import Array, empty_like_signal, kernel_view, namespace
from ambikit.analysis.filterbank import band_sums

__all__ = ["Room", "clips_of", "mel_magnitudes", "mel_products", "room_for", "views_for_kernel"]


class Room(NamedTuple):
    """What the loops read, and where they write the quantities of a feature side by side, ``(..., mel, frames)``."""

    spectra: np.ndarray
    bank: np.ndarray
    out: Array

    @property
    def clips(self) -> np.ndarray:
        """``out`` as ``(clips, quantities, mel, frames)``."""
        return clips_of(self.out)


def room_for(quantities: int, spectrum: Array, bank: Array, out: Array | None = None) -> Room | None:
    """Room for the quantities of a spectrum, in ``out`` if it is given; None where only the formula can go."""
    views = views_for_kernel(spectrum, bank)
    if views is None:
        return None
    if out is None:
        out = empty_like_signal((*spectrum.shape[:-3], quantities, len(bank), spectrum.shape[-1]), bank)
    return Room(*views, out)


def mel_magnitudes(spectrum: Array, bank: Array, power: float, room: Room | None = None) -> Array:
    """``|X|²`` for power 2, ``|X|`` for power 1 (with gradient 0 where X is 0), summed over each band.

    They are the first channels of ``room``, if there is one.
    """
    if spectrum.ndim == 2:
        return mel_magnitudes(spectrum[None], bank, power)[0]
    count = spectrum.shape[-3]
    if power == 2:
        return mel_products(spectrum, bank, list(range(count)), list(range(count)), room)
    if room is None:
        room = room_for(count, spectrum, bank)
    if room is not None:
        from ambikit.kernels import mel as kernels

        kernels.mel_magnitudes(room.spectra, room.bank, room.clips)
        return room.out[..., :count, :, :]
    xp = namespace(spectrum)
    squared = spectrum.real**2 + spectrum.imag**2
    silent = squared == 0
    return band_sums(bank, xp.where(silent, 0.0, xp.sqrt(xp.where(silent, 1.0, squared))))


def mel_products(spectrum: Array, bank: Array, left: list[int], right: list[int], room: Room | None = None) -> Array:
    """``Re(conj(X_left) X_right)`` for pairs of channels, summed over each band: ``(..., pairs, mel, frames)``.

    They are the first channels of ``room``, if there is one.
    """
    if room is None:
        room = room_for(len(left), spectrum, bank)
    if room is not None:
        from ambikit.kernels import mel as kernels

        kernels.mel_products(room.spectra, np.array(left), np.array(right), room.bank, room.clips)
        return room.out[..., : len(left), :, :]
    real, imaginary = spectrum.real, spectrum.imag
    products = real[..., left, :, :] * real[..., right, :, :] + imaginary[..., left, :, :] * imaginary[..., right, :, :]
    return band_sums(bank, products)


def views_for_kernel(spectrum: Array, bank: Array) -> tuple[np.ndarray, np.ndarray] | None:
    """The spectrum as ``(clips, channels, frames, freq)``, the way it lies in memory, and the bank; or None."""
    view, bank_view = kernel_view(spectrum.mT), kernel_view(bank)
    return None if view is None or bank_view is None else (clips_of(view), bank_view)


def clips_of(x: Array) -> np.ndarray:
    """A view of ``(..., a, b, c)`` as ``(clips, a, b, c)``."""
    view = kernel_view(x)
    return view.reshape(prod(view.shape[:-3]), *view.shape[-3:])
