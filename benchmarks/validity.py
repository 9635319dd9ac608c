"""``check_foa`` of 10 s at 48 kHz: the whole verdict against the filter and the energy sums of the peers alone.

The error is that of the energy ratio of the dipoles to W, relative to SciPy's filter in double precision.

``python -m benchmarks.validity``
"""

import numpy as np
import torch
import torchaudio
from scipy.signal import butter, sosfilt

import ambikit
from ambikit.analysis import block_statistics
from benchmarks.common import Candidate, Table, measure, report, with_another

RATE, SECONDS = 48000, 10


def by_formula(function):
    """The same call with SciPy's filter in place of the compiled loop."""
    return with_another(block_statistics._LowPass, "add_by_loop", lambda self, block, factor: 0, function)


def scene(dtype):
    """Sources from all around in diffuse sound."""
    generator = np.random.default_rng(0)
    azimuth, elevation = generator.uniform(-180, 180, 6), generator.uniform(-60, 60, 6)
    waves = ambikit.encode(generator.normal(size=(6, SECONDS * RATE)), azimuth, elevation, degrees=True).sum(0)
    diffuse = generator.normal(size=waves.shape) / np.sqrt([[1], [3], [3], [3]])
    return np.ascontiguousarray(0.05 * (waves + diffuse), dtype)


def ratio_of(energies):
    return float(energies[1:].sum() / energies[0])


def whole_test(dtype) -> Table:
    signal = scene(dtype)
    tensor = torch.from_numpy(signal)
    sections = butter(8, 4000, fs=RATE, output="sos")
    numerator, denominator = (torch.from_numpy(part) for part in butter(8, 4000, fs=RATE))
    exact = ratio_of((sosfilt(sections, signal.astype(np.float64), axis=-1) ** 2).sum(-1))
    copy = np.empty_like(signal)

    def error(ratio):
        return abs(ratio / exact - 1)

    def of_report(verdict):
        return error(verdict.energy_ratio)

    def by_scipy():
        return ratio_of((sosfilt(sections, signal, axis=-1) ** 2).sum(-1))

    def by_torchaudio():
        filtered = torchaudio.functional.lfilter(tensor.double(), denominator, numerator, clamp=False)
        return ratio_of((filtered**2).sum(-1))

    def by_transform():
        """The energies by Parseval's theorem, with the response of the filter as a weight for each frequency."""
        power = torch.fft.rfft(tensor).abs() ** 2
        return ratio_of((power * weights).sum(-1))

    frequency = np.fft.rfftfreq(signal.shape[-1], 1 / RATE)
    with np.errstate(over="ignore"):
        response = 1 / (1 + (np.tan(np.pi * frequency / RATE) / np.tan(np.pi * 4000 / RATE)) ** 16)
    weights = torch.from_numpy(response.astype(dtype))
    return measure(
        f"10 s of first order at 48 kHz, {dtype}",
        [
            Candidate("limit: copy the signal", lambda: np.copyto(copy, signal)),
            Candidate(
                "ambikit check_foa, NumPy (the whole verdict)", lambda: ambikit.check_foa(signal, RATE), of_report
            ),
            Candidate(
                "ambikit check_foa, torch (the whole verdict)", lambda: ambikit.check_foa(tensor, RATE), of_report
            ),
            Candidate(
                "ambikit check_foa, SciPy's filter", by_formula(lambda: ambikit.check_foa(signal, RATE)), of_report
            ),
            Candidate("SciPy sosfilt and sums, four energies only", by_scipy, error),
            Candidate("torchaudio lfilter and sums, float64, four energies only", by_torchaudio, error),
            Candidate("torch FFT of the whole clip, four energies only", by_transform, error),
        ],
        error="relative error of the energy ratio",
        rounds=15,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    report("validity", [whole_test("float32"), whole_test("float64")])
