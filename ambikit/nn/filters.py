"""Binaural decoder and microphone encoder as ``torch.nn`` modules: designs of filters, and their application."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ambikit._checks import check_signal
from ambikit.errors import AmbikitError
from ambikit.operators.binaural import BinauralFilters, binaural_decoder
from ambikit.operators.convolution import filter_channels
from ambikit.operators.microphones.encoder import MicrophoneEncoder as MicrophoneEncoderFilters
from ambikit.operators.microphones.encoder import check_capsules, microphone_encoder

__all__ = ["BinauralDecoder", "MicrophoneEncoder"]


class _Filters(nn.Module):
    """A design of filters, kept on the device of the module in single precision or better."""

    def __init__(self, design: BinauralFilters | MicrophoneEncoderFilters) -> None:
        super().__init__()
        self.sample_rate, self.delay, self._design = design.sample_rate, design.delay, design
        filters = torch.as_tensor(design.filters, dtype=torch.float32)
        self.register_buffer("filters", filters, persistent=False)

    def _apply(self, fn: Any, recurse: bool = True) -> "_Filters":
        """Follow ``.to(...)``, but keep the filters in single precision or better."""
        super()._apply(fn, recurse)
        dtype = torch.float64 if self.filters.dtype == torch.float64 else torch.float32
        self.filters = torch.as_tensor(self._design.filters, dtype=dtype, device=self.filters.device)
        return self

    def _filtered(self, signal: Tensor) -> Tensor:
        double = signal.dtype == torch.float64 and self.filters.dtype != torch.float64
        return filter_channels(signal, self._design.filters if double else self.filters, advance=self.delay)

    def extra_repr(self) -> str:
        """Show the parameters."""
        return repr(self._design)


class BinauralDecoder(_Filters):
    """Two ears in a sound field, as a layer: see :func:`ambikit.decode_binaural`.

    Parameters
    ----------
    decoder
        Filters of :func:`ambikit.binaural_decoder`, or a set of ears, or None for a rigid sphere.
    order, sample_rate
        Of the signals, where the decoder is not designed yet.
    **design
        Further keywords of :func:`ambikit.binaural_decoder`.

    Raises
    ------
    AmbikitError
        As :func:`ambikit.binaural_decoder`, or if filters and keywords of a design are both given.

    Examples
    --------
    >>> import torch
    >>> BinauralDecoder(order=1, sample_rate=24000)(torch.randn(2, 4, 2400)).shape
    torch.Size([2, 2, 2400])
    """

    def __init__(self, decoder: Any = None, *, order: int = 1, sample_rate: float | None = None, **design: Any) -> None:
        if not isinstance(decoder, BinauralFilters):
            decoder = binaural_decoder(decoder, order, sample_rate=sample_rate, **design)
        elif design or sample_rate not in (None, decoder.sample_rate):
            raise AmbikitError(
                f"got filters for {decoder.sample_rate:g} Hz together with sample_rate={sample_rate} and "
                f"{sorted(design)}; expected a design or the keywords of one; leave the keywords away"
            )
        super().__init__(decoder)

    def forward(self, signal: Float[Tensor, "*batch channels time"]) -> Float[Tensor, "*batch 2 time"]:
        """Turn ``(..., channels, time)`` into ``(..., 2, time)``, left ear first."""
        check_signal(signal, order=self._design.order)
        return self._filtered(signal)


class MicrophoneEncoder(_Filters):
    """The recording of a microphone array as AmbiX, as a layer: see :func:`ambikit.encode_microphones`.

    Parameters
    ----------
    encoder
        Filters of :func:`ambikit.microphone_encoder`, or an array, or the name of one.
    order, sample_rate
        Of the result, where the encoder is not designed yet; by default the highest order and 48000 Hz.
    **design
        Further keywords of :func:`ambikit.microphone_encoder`.

    Raises
    ------
    AmbikitError
        As :func:`ambikit.microphone_encoder`, or if filters and keywords of a design are both given.

    Examples
    --------
    >>> import torch
    >>> MicrophoneEncoder("ambeo_vr", sample_rate=24000)(torch.randn(2, 4, 2400)).shape
    torch.Size([2, 4, 2400])
    """

    def __init__(
        self, encoder: Any, *, order: int | None = None, sample_rate: float | None = None, **design: Any
    ) -> None:
        if not isinstance(encoder, MicrophoneEncoderFilters):
            rate = 48000 if sample_rate is None else sample_rate
            encoder = microphone_encoder(encoder, order, rate, **design)
        elif design or sample_rate not in (None, encoder.sample_rate) or order not in (None, encoder.order):
            raise AmbikitError(
                f"got filters of order {encoder.order} for {encoder.sample_rate:g} Hz together with order={order}, "
                f"sample_rate={sample_rate} and {sorted(design)}; expected a design or the keywords of one; leave the "
                "keywords away"
            )
        super().__init__(encoder)

    def forward(self, signal: Float[Tensor, "*batch capsules time"]) -> Float[Tensor, "*batch channels time"]:
        """Turn ``(..., capsules, time)`` into ``(..., channels, time)``."""
        check_capsules(signal, self._design.array)
        return self._filtered(signal)
