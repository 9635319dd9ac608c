"""From spectra to mel bands: each loop against its formula in NumPy and torch.

``python -m benchmarks.intensity``
"""

import numpy as np
import torch

import ambikit
from ambikit.analysis import features, mel_bands
from ambikit.analysis.spectra import frame_spectrum
from benchmarks.common import Candidate, Table, largest_error, measure, report, with_another

RATE, FRAME, HOP, BANDS, FRAMES = 24000, 512, 240, 128, 100
FEW = 16  # clips


def without_loops(function):
    """The same call by the plain formula."""
    return with_another(mel_bands, "views_for_kernel", lambda spectrum, bank: None, function)


def plain_intensity(spectrum, bank):
    """Equation (7) as anybody would write it in NumPy, without care for silent or faint bins."""
    w, y, z, x = np.moveaxis(spectrum, -3, 0)
    energy = np.abs(w) ** 2 + np.abs(x) ** 2 + np.abs(y) ** 2 + np.abs(z) ** 2
    flow = np.stack([2 * np.real(np.conj(w) * c) for c in (x, y, z)], axis=-3) / energy[..., None, :, :]
    return (bank / bank.sum(axis=1, keepdims=True)) @ flow


def reductions() -> list[Table]:
    """From spectra to mel bands: each loop against its formula."""
    generator = np.random.default_rng(0)
    signal = generator.normal(size=(FEW, 4, RATE)).astype(np.float32)
    bank = ambikit.mel_filterbank(RATE, FRAME, BANDS).astype(np.float32)

    def case(title, function, channels=4, plain=None):
        spectrum = frame_spectrum(signal[:, :channels], FRAME, HOP, FRAMES)
        tensor, tensor_bank = torch.from_numpy(spectrum).mT, torch.from_numpy(bank)
        copy, time_major, spectrum = np.empty_like(spectrum), spectrum, spectrum.mT
        exact = without_loops(lambda: function(spectrum.astype(np.complex128), bank.astype(np.float64)))()
        error = largest_error(exact)
        rows = [
            Candidate("limit: copy the spectrum", lambda: np.copyto(copy, time_major)),
            Candidate("ambikit, loop, NumPy", lambda: function(spectrum, bank), error),
            Candidate("ambikit, loop, torch", lambda: function(tensor, tensor_bank), error),
            Candidate("formula, NumPy", without_loops(lambda: function(spectrum, bank)), error),
            Candidate("formula, torch", without_loops(lambda: function(tensor, tensor_bank)), error),
        ]
        if plain is not None:
            rows.append(Candidate("plain NumPy, the equation as printed", lambda: plain(spectrum, bank), error))
        return measure(f"{title} in 128 mel bands, from the spectra of {FEW} clips of 1 s at 24 kHz", rows)

    four, left, right = [0, 1, 2, 3], [0, 0, 0, 0, 3, 1, 2, 3, 3, 1], [0, 3, 1, 2, 3, 1, 2, 1, 2, 2]
    return [
        case("Normalised intensity", lambda s, b: features.mel_intensity(s, b, "mean"), plain=plain_intensity),
        case("Level and phase differences", lambda s, b: features.mel_cues(s, b, "mean"), channels=2),
        case("Powers of 4 channels", lambda s, b: mel_bands.mel_products(s, b, four, four)),
        case("The 10 products of W, Y, Z, X", lambda s, b: mel_bands.mel_products(s, b, left, right)),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    report("intensity", reductions())
