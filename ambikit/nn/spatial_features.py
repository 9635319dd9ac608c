"""Features for the localisation of sound events as ``torch.nn`` modules: SALSA, the DCASE baselines, correlations."""

import inspect
from collections.abc import Callable
from math import ceil
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit._checks import check_sample_rate
from ambikit.analysis.correlation import gcc_phat
from ambikit.analysis.dcase import dcase_foa_features, dcase_mic_features
from ambikit.analysis.salsa import salsa
from ambikit.analysis.salsa_lite import salsa_lite
from ambikit.analysis.spectra import stft
from ambikit.errors import AmbikitError
from ambikit.nn.mel import Stft, no_autocast

__all__ = ["DcaseFoaFeatures", "DcaseMicFeatures", "GccPhat", "Salsa", "SalsaLite"]


class _Features(nn.Module):
    """A function of a signal and its sample rate, with its keywords."""

    _function: Callable[..., Any]

    def __init__(self, sample_rate: float, **parameters: Any) -> None:
        super().__init__()
        check_known(parameters, self._function)
        self.sample_rate, self.parameters_of_features = check_sample_rate(sample_rate), parameters
        # A few frames of silence: what is wrong with the parameters is said at once.
        seconds = 4 * max(parameters.get("window", 0.0), parameters.get("hop", 0.0), 0.021)
        silence = torch.zeros(4, ceil(seconds * self.sample_rate), requires_grad=True)
        self._function(silence, self.sample_rate, **parameters)

    def forward(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "*batch features freq frames"]:
        """Turn ``(..., channels, time)`` into ``(..., features, freq, frames)``."""
        with no_autocast(signal):
            return self._function(signal, self.sample_rate, **self.parameters_of_features)

    def extra_repr(self) -> str:
        """Show the parameters."""
        shown = {"sample_rate": self.sample_rate, **self.parameters_of_features}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


def check_known(parameters: dict[str, Any], function: Callable) -> None:
    """Refuse keywords that a function does not have."""
    known = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise AmbikitError(f"got {unknown}; expected keywords of ambikit.{function.__name__}: {', '.join(known)}")


class Salsa(_Features):
    """Fine spectrograms and directions, as a layer: see :func:`ambikit.salsa`.

    Parameters
    ----------
    sample_rate
        In Hz.
    **parameters
        As in :func:`ambikit.salsa`.

    Raises
    ------
    AmbikitError
        If a parameter is unknown or out of its range.

    Examples
    --------
    >>> import torch
    >>> Salsa(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 7, 200, 80])
    """

    _function = staticmethod(salsa)


class SalsaLite(_Features):
    """Spectrograms of microphones and the ways between them, as a layer: see :func:`ambikit.salsa_lite`.

    Parameters
    ----------
    sample_rate
        In Hz.
    **parameters
        As in :func:`ambikit.salsa_lite`.

    Raises
    ------
    AmbikitError
        If a parameter is unknown or out of its range.

    Examples
    --------
    >>> import torch
    >>> SalsaLite(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 7, 191, 80])
    """

    _function = staticmethod(salsa_lite)


class DcaseFoaFeatures(_Features):
    """What the DCASE baseline for Ambisonics hears, as a layer: see :func:`ambikit.dcase_foa_features`.

    Parameters
    ----------
    sample_rate
        In Hz.
    **parameters
        As in :func:`ambikit.dcase_foa_features`.

    Raises
    ------
    AmbikitError
        If a parameter is unknown or out of its range.

    Examples
    --------
    >>> import torch
    >>> DcaseFoaFeatures(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 7, 64, 50])
    """

    _function = staticmethod(dcase_foa_features)


class DcaseMicFeatures(_Features):
    """What the DCASE baseline for microphones hears, as a layer: see :func:`ambikit.dcase_mic_features`.

    Parameters
    ----------
    sample_rate
        In Hz.
    **parameters
        As in :func:`ambikit.dcase_mic_features`.

    Raises
    ------
    AmbikitError
        If a parameter is unknown or out of its range.

    Examples
    --------
    >>> import torch
    >>> DcaseMicFeatures(24000)(torch.randn(2, 4, 24000)).shape
    torch.Size([2, 10, 64, 50])
    """

    _function = staticmethod(dcase_mic_features)


class GccPhat(Stft):
    """The correlation of channels over lags, of each frame, as a layer: see :func:`ambikit.gcc_phat`.

    Parameters
    ----------
    frame_length, hop_length
        In samples.
    **parameters
        As in :func:`ambikit.gcc_phat`.

    Raises
    ------
    AmbikitError
        If a length is not a whole number in its range, or a parameter is unknown.

    Examples
    --------
    >>> import torch
    >>> GccPhat(frame_length=1024, hop_length=480, max_lag=32)(torch.randn(3, 2, 24000)).shape
    torch.Size([3, 65, 51])
    """

    def __init__(self, *, frame_length: int, hop_length: int, **parameters: Any) -> None:
        super().__init__(frame_length=frame_length, hop_length=hop_length)
        check_known(parameters, gcc_phat)
        self.parameters_of_features = {**parameters, "frame_length": self.frame_length}

    def forward(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "..."]:
        """Turn ``(..., channels, time)`` into ``(..., lags, frames)``."""
        with no_autocast(signal):
            spectrum = stft(signal, frame_length=self.frame_length, hop_length=self.hop_length)
            return gcc_phat(spectrum, **self.parameters_of_features)

    def extra_repr(self) -> str:
        """Show the parameters."""
        others = "".join(f", {k}={v!r}" for k, v in self.parameters_of_features.items() if k != "frame_length")
        return super().extra_repr() + others
