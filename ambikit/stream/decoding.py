"""Decoding as sound plays: fixed gains from channels to loudspeakers or to two microphones."""

import numpy as np

from ambikit._arrays import Array, constant_like
from ambikit._checks import order_of_channels
from ambikit.errors import ShapeError
from ambikit.operators.beamforming import beam_weights
from ambikit.operators.loudspeakers.decoder import LoudspeakerDecoder as Design
from ambikit.operators.loudspeakers.decoder import loudspeaker_decoder
from ambikit.operators.loudspeakers.layouts import Layout
from ambikit.stream.processor import Form, check_channels
from ambikit.stream.sampled import Sampled

__all__ = ["LoudspeakerDecoder", "StereoDecoder"]


class _Gains(Sampled):
    """A matrix on the first channels of each sample."""

    def __init__(self, matrix: np.ndarray) -> None:
        self._matrix = matrix

    def _begin(self, form: Form, like: Array) -> None:
        self._gains = constant_like(self._matrix, like)
        self._loop_gains = self._matrix.astype(str(like.dtype).removeprefix("torch."))

    def _loop(self, sound: np.ndarray, out: np.ndarray) -> None:
        np.matmul(self._loop_gains, sound[:, : self._matrix.shape[1]], out=out)

    def _formula(self, block: Array) -> Array:
        return self._gains @ block[..., : self._matrix.shape[1], :]


class StereoDecoder(_Gains):
    """Two coincident microphones, to the left and to the right, block by block: see :func:`ambikit.decode_stereo`.

    Parameters
    ----------
    pattern
        Name of a pattern of :func:`ambikit.beam_weights` at order 1.

    Raises
    ------
    AmbikitError
        If the pattern is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> StereoDecoder().process(np.array([[1.0], [1.0], [0.0], [0.0]]))[:, 0].tolist()  # from the left
    [1.0, -0.5]
    """

    def __init__(self, pattern: str = "hypercardioid") -> None:
        omni, dipole = beam_weights(pattern, 1)
        super().__init__(np.array([[omni, dipole], [omni, -dipole]]))

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        if order_of_channels(channels, f"{channels} channels of a block of shape {shape}") == 0:
            raise ShapeError(
                f"got one channel in a block of shape {shape}; expected at least 4 (order 1); a mono signal carries no "
                "direction: encode it first"
            )
        return 2


class LoudspeakerDecoder(_Gains):
    """The signals of loudspeakers block by block: see :func:`ambikit.decode_loudspeakers`.

    Parameters
    ----------
    decoder
        From :func:`ambikit.loudspeaker_decoder`, or a layout or the name of one for the default decoder of ``order``.
    order
        Ambisonic order of the blocks, where ``decoder`` is a layout.

    Raises
    ------
    AmbikitError
        If the layout is unknown or cannot be decoded to at that order.

    Examples
    --------
    >>> import numpy as np
    >>> LoudspeakerDecoder("5.1").process(np.zeros((4, 64))).shape
    (6, 64)
    """

    def __init__(self, decoder: Design | Layout | str, order: int = 1) -> None:
        self.decoder = decoder if isinstance(decoder, Design) else loudspeaker_decoder(decoder, order)
        super().__init__(self.decoder.matrix)

    def _rows(self, channels: int, shape: tuple[int, ...]) -> int:
        check_channels(channels, self.decoder.order, shape)
        return len(self.decoder.layout)
