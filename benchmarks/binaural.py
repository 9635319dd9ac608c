"""Two ears of a sound field, and microphones of a sphere: the same fast convolution with matrices of filters.

``python -m benchmarks.binaural``
"""

import numpy as np
import torch
from scipy.signal import fftconvolve, oaconvolve

import ambikit
from ambikit.operators import convolution
from ambikit.operators.convolution import filter_channels
from ambikit.stream import BinauralDecoder
from benchmarks.common import Candidate, Table, largest_error, measure, optional, report, with_another

RATE = 48000


def by_formula(function):
    """The same call without the compiled loop."""
    return with_another(convolution, "_filtered_by_loop", lambda *arguments: None, function)


def ears() -> Table:
    """Third order, 256 taps, 10 s."""
    samples, taps = 10 * RATE, 256
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(16, samples)).astype(np.float32)
    filters = rng.normal(size=(2, 16, taps)) * np.exp(-np.arange(taps) / 40)
    decoder = ambikit.BinauralFilters(filters, RATE)
    exact = np.stack([oaconvolve(signal.astype(np.float64), row, axes=-1).sum(0)[:samples] for row in filters])
    error, tensor, copy = largest_error(exact), torch.from_numpy(signal), np.empty_like(signal)
    single = filters.astype(np.float32)
    weight = torch.from_numpy(single[..., ::-1].copy())

    def ours(x):
        return ambikit.decode_binaural(x, RATE, decoder)

    def blocks():
        player = BinauralDecoder(decoder)
        return np.concatenate([player.process(signal[:, s : s + 4800]) for s in range(0, samples, 4800)], -1)

    def scipy(function):
        return lambda: np.stack([function(signal, row, axes=-1).sum(0)[:samples] for row in single])

    spaudiopy = optional("spaudiopy")
    return measure(
        "Two ears of a sound field of order 3, 256 taps, 10 s at 48 kHz",
        [
            Candidate("limit: copy the signal", lambda: np.copyto(copy, signal)),
            Candidate("ambikit, loop, NumPy", lambda: ours(signal), error),
            Candidate("ambikit, loop, torch", lambda: ours(tensor), error),
            Candidate("ambikit, as it plays, 100 ms at a time", blocks, error),
            Candidate("formula, NumPy", by_formula(lambda: ours(signal)), error),
            Candidate("formula, torch", by_formula(lambda: ours(tensor)), error),
            Candidate("SciPy oaconvolve, ear by ear", scipy(oaconvolve), error),
            Candidate(
                "SciPy oaconvolve, both ears in one call",
                lambda: oaconvolve(signal[None], single, axes=-1).sum(1)[:, :samples],
                error,
            ),
            Candidate("SciPy fftconvolve", scipy(fftconvolve), error),
            spaudiopy
            and Candidate(
                "spaudiopy sh2bin",
                lambda: np.asarray(spaudiopy.decoder.sh2bin(signal, single))[:, :samples],
                error,
            ),
            Candidate(
                "torch conv1d",
                lambda: torch.nn.functional.conv1d(tensor[None], weight, padding=taps - 1)[0, :, :samples],
                error,
            ),
        ],
        error="largest absolute error (values up to 100)",
        rounds=9,
    )


def microphones() -> Table:
    """32 capsules to fourth order, 512 taps, 3 s."""
    samples, taps = 3 * RATE, 512
    rng = np.random.default_rng(0)
    signal = rng.normal(size=(32, samples)).astype(np.float32)
    filters = rng.normal(size=(25, 32, taps)).astype(np.float32) * np.float32(0.05)
    exact = np.stack(
        [oaconvolve(signal.astype(np.float64), r.astype(np.float64), axes=-1).sum(0)[:samples] for r in filters]
    )
    error, tensor, copy = largest_error(exact), torch.from_numpy(signal), np.empty_like(signal)
    return measure(
        "32 microphones to order 4, 512 taps, 3 s at 48 kHz",
        [
            Candidate("limit: copy the signal", lambda: np.copyto(copy, signal)),
            Candidate("ambikit, loop, NumPy", lambda: filter_channels(signal, filters), error),
            Candidate("ambikit, loop, torch", lambda: filter_channels(tensor, filters), error),
            Candidate("formula, NumPy", by_formula(lambda: filter_channels(signal, filters)), error),
            Candidate(
                "SciPy oaconvolve",
                lambda: np.stack([oaconvolve(signal, row, axes=-1).sum(0)[:samples] for row in filters]),
                error,
            ),
        ],
        rounds=5,
    )


def main() -> None:
    report("binaural", [ears(), microphones()])


if __name__ == "__main__":
    main()
