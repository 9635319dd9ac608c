"""How far one sound is from another: spectra, envelopes, and the level of what does not belong."""

from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from ambikit.errors import AmbikitError, ShapeError

__all__ = ["ComplexL1", "MagnitudeL1", "envelope", "envelope_distance", "louder_side", "si_sdr"]


@dataclass(frozen=True)
class ComplexL1:
    """The mean absolute difference of real and of imaginary parts, over channels and bins (yang2020, section 5.2).

    Examples
    --------
    >>> one, other = torch.tensor([[1.0 + 1.0j, 0.0]]), torch.tensor([[1.0 - 1.0j, 0.0]])
    >>> ComplexL1()(one, other).item()  # 2 of one imaginary part of four parts
    0.5
    """

    def __call__(self, outputs: Complex[Tensor, "*clips"], targets: Complex[Tensor, "*clips"], /) -> Tensor:
        """The mean over everything."""
        return torch.view_as_real(outputs - targets).abs().mean()


@dataclass(frozen=True)
class MagnitudeL1:
    """The mean absolute difference of magnitudes, over channels and bins (yang2020, section 5.3).

    Examples
    --------
    >>> MagnitudeL1()(torch.tensor([3j, 1.0]), torch.tensor([1.0 + 0j, -1.0])).item()
    1.0
    """

    def __call__(self, outputs: Complex[Tensor, "*clips"], targets: Complex[Tensor, "*clips"], /) -> Tensor:
        """The mean over everything."""
        return (outputs.abs() - targets.abs()).abs().mean()


def envelope(sound: Float[Tensor, "*channels time"]) -> Float[Tensor, "*channels time"]:
    """The magnitude of the analytic signal: how loud a sound is from moment to moment.

    Examples
    --------
    >>> wave = torch.cos(2 * torch.pi * 3 * torch.arange(16) / 16)
    >>> bool(torch.allclose(envelope(wave), torch.ones(16), atol=1e-5))
    True
    """
    length = sound.shape[-1]
    if length == 0:
        raise ShapeError(f"got a sound of shape {tuple(sound.shape)}; expected at least one sample")
    spectrum = torch.fft.fft(sound)
    weights = torch.zeros(length, dtype=sound.dtype, device=sound.device)
    weights[0], weights[1 : (length + 1) // 2] = 1.0, 2.0
    if length % 2 == 0:
        weights[length // 2] = 1.0
    return torch.fft.ifft(spectrum * weights).abs()


def envelope_distance(
    estimate: Float[Tensor, "*clips channels time"], target: Float[Tensor, "*clips channels time"]
) -> Float[Tensor, "*clips"]:
    """The root of the mean square of the difference of envelopes, added up over the channels (gao2019, section 5)."""
    return (envelope(estimate) - envelope(target)).square().mean(-1).sqrt().sum(-1)


def louder_side(
    estimate: Float[Tensor, "*clips 2 time"], target: Float[Tensor, "*clips 2 time"]
) -> Float[Tensor, "*clips"]:
    """1 where the channel that should be louder is, 0 where the other is, ½ where both are equal.

    Examples
    --------
    >>> left = torch.tensor([[0.5, 0.5], [0.1, 0.1]])
    >>> louder_side(left, left).item(), louder_side(left.flip(0), left).item(), louder_side(left[[0, 0]], left).item()
    (1.0, 0.0, 0.5)
    """
    turn = torch.tensor([1.0, -1.0], dtype=target.dtype, device=target.device)
    sides = [torch.sign(sound.square().mean(-1) @ turn) for sound in (estimate, target)]
    return (1 + sides[0] * sides[1]) / 2


def si_sdr(
    estimate: Float[Tensor, "*channels time"], target: Float[Tensor, "*_channels _time"], *, limit_db: float = 100.0
) -> Float[Tensor, "*channels"]:
    r"""By how many dB that part of an estimate that is the target exceeds the rest of it.

    .. math:: 10 \log_{10} \frac{|\alpha s|^2}{|\hat s - \alpha s|^2}, \qquad
       \alpha = \frac{\langle \hat s, s \rangle}{|s|^2}

    after the mean of both was taken away. It does not change when either is scaled. It is at most ``limit_db`` and at
    least ``-limit_db``, and 0 where either is silent: there is nothing to be compared.

    Raises
    ------
    ShapeError
        If the two differ in shape, or are empty.

    References
    ----------
    J. Le Roux, S. Wisdom, H. Erdogan, J. R. Hershey, "SDR - half-baked or well done?", ICASSP 2019, equation (3).

    Examples
    --------
    A tenth of the amplitude of the target, at right angles to it, is 20 dB below:

    >>> target, noise = torch.tensor([1.0, -1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0, -1.0])
    >>> round(si_sdr(target + noise / 10, target).item(), 4)
    20.0
    """
    if estimate.shape != target.shape or not target.numel():
        raise ShapeError(
            f"got an estimate of shape {tuple(estimate.shape)} and a target of shape {tuple(target.shape)}; expected "
            "the same shape with at least one sample; cut both to the same length"
        )
    if not limit_db > 0:
        raise AmbikitError(f"got limit_db={limit_db}; expected decibels above 0")
    kind = target.dtype
    estimate, target = (_centred(sound.double()) for sound in (estimate, target))
    energy = target.square().sum(-1, keepdim=True)
    silent = (energy == 0) | (estimate.square().sum(-1, keepdim=True) == 0)
    part = target * (estimate * target).sum(-1, keepdim=True) / torch.where(silent, 1.0, energy)
    wanted, rest = (x.square().sum(-1) for x in (part, estimate - part))
    ratio = wanted / torch.where(silent[..., 0], 1.0, wanted + rest)  # from 0 to 1, never 0 / 0
    edge = 1 / (1 + 10 ** (limit_db / 10))
    ratio = ratio.clamp(edge, 1 - edge)
    return torch.where(silent[..., 0], 0.0, 10 * torch.log10(ratio / (1 - ratio))).to(kind)


def _centred(sound: Tensor) -> Tensor:
    """Without its mean, and no softer or louder than 1: the squares of very soft sounds would vanish."""
    sound = sound - sound.mean(-1, keepdim=True)
    peak = sound.abs().amax(-1, keepdim=True)
    return sound / torch.where(peak > 0, peak, 1.0)
