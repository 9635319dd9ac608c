"""Features of clips of one second at 24 kHz: the loops against the formulas, NumPy, torch and the peers.

``python -m benchmarks.intensity``
"""

import librosa
import numpy as np
import torch
import torchaudio

import ambikit
from ambikit.analysis import features, mel
from ambikit.analysis.spectra import frame_spectrum
from benchmarks.common import Candidate, Table, largest_error, measure, report

RATE, FRAME, HOP, BANDS, FRAMES = 24000, 512, 240, 128, 100
FEW, MANY = 16, 112  # clips


def without_loops(function):
    """The same call by the plain formula."""

    def run():
        kept = mel.views_for_kernel
        mel.views_for_kernel = lambda spectrum, bank: None
        try:
            return function()
        finally:
            mel.views_for_kernel = kept

    return run


def plain_intensity(spectrum, bank):
    """Equation (7) as anybody would write it in NumPy, without care for silent or faint bins."""
    w, y, z, x = np.moveaxis(spectrum, -3, 0)
    energy = np.abs(w) ** 2 + np.abs(x) ** 2 + np.abs(y) ** 2 + np.abs(z) ** 2
    flow = np.stack([2 * np.real(np.conj(w) * c) for c in (x, y, z)], axis=-3) / energy[..., None, :, :]
    return (bank / bank.sum(axis=1, keepdims=True)) @ flow


def librosa_recipe(signal, window="hann"):
    """The usual recipe of the field, clip by clip: librosa's transform and mel bank, NumPy's intensity."""
    result = []
    for clip in signal:
        spectrum = librosa.stft(clip, n_fft=FRAME, hop_length=HOP, window=window, pad_mode="reflect")[..., :FRAMES]
        bank = librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=BANDS)
        level = librosa.power_to_db(bank @ np.abs(spectrum) ** 2, amin=1e-30, top_db=100)
        result.append(np.concatenate([level, plain_intensity(spectrum, bank)]))
    return np.stack(result)


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
        case("Powers of 4 channels", lambda s, b: mel.mel_products(s, b, four, four)),
        case("The 10 products of W, Y, Z, X", lambda s, b: mel.mel_products(s, b, left, right)),
    ]


def whole_features() -> list[Table]:
    """From signals to features, as a training loop asks for them, against the peers."""
    signal = np.random.default_rng(0).normal(size=(MANY, 4, RATE)).astype(np.float32)
    tensor = torch.from_numpy(signal)
    peer = torchaudio.transforms.MelSpectrogram(
        RATE, FRAME, hop_length=HOP, n_mels=BANDS, norm="slaney", mel_scale="slaney"
    )
    decibels = torchaudio.transforms.AmplitudeToDB("power", top_db=100)
    copy_in, out = np.empty_like(signal), np.empty((MANY, 7, BANDS, FRAMES), np.float32)

    def copy_and_fill():
        np.copyto(copy_in, signal)
        out.fill(0)

    def librosa_log_mel():
        power = librosa.feature.melspectrogram(
            y=signal, sr=RATE, n_fft=FRAME, hop_length=HOP, n_mels=BANDS, pad_mode="reflect"
        )
        return librosa.power_to_db(power[..., :FRAMES], amin=1e-30, top_db=None)

    def case(title, function, peers):
        error = largest_error(without_loops(lambda: function(signal.astype(np.float64), RATE))())
        rows = [
            Candidate("limit: copy the signal, fill the result", copy_and_fill),
            Candidate("ambikit, NumPy", lambda: function(signal, RATE), error),
            Candidate("ambikit, torch", lambda: function(tensor, RATE), error),
            Candidate("ambikit, NumPy, without loops", without_loops(lambda: function(signal, RATE)), error),
            *(Candidate(name, run, error) for name, run in peers.items()),
        ]
        return measure(f"{title} of {MANY} clips of 1 s at 24 kHz", rows, error="largest error, dB or 1", rounds=7)

    return [
        case(
            "Log-mel (4, 128, 100)",
            ambikit.log_mel,
            {
                "torchaudio MelSpectrogram, AmplitudeToDB": lambda: decibels(peer(tensor))[..., :FRAMES],
                "librosa melspectrogram, power_to_db": librosa_log_mel,
            },
        ),
        case(
            "FOA features (7, 128, 100)",
            ambikit.foa_features,
            {"librosa and NumPy, clip by clip": lambda: librosa_recipe(signal)},
        ),
    ]


def turning() -> Table:
    """Four viewpoints of each clip: turn the sound and analyse it again, or turn its mel covariance."""
    generator = np.random.default_rng(1)
    azimuth, elevation = generator.uniform(-np.pi, np.pi, (FEW, 4)), generator.uniform(-1, 1, (FEW, 4))
    scenes = generator.normal(size=(FEW, 1, 4, RATE)).astype(np.float32)

    def turn_the_sound(x=scenes):
        return ambikit.foa_features(ambikit.align(x, azimuth, elevation), RATE)

    covariance = ambikit.mel_covariance(scenes, RATE)

    def turn_the_covariance(c=covariance):
        return ambikit.mel_covariance_features(ambikit.align_mel_covariance(c, azimuth, elevation))

    def turn_everything():
        return turn_the_covariance(ambikit.mel_covariance(scenes, RATE))

    exact = turn_the_sound(scenes.astype(np.float64))

    def error(result):
        # In the power of the band: a channel far below the others keeps the rounding of the loudest.
        power, expected = 10 ** (result[..., :4, :, :].astype(np.float64) / 10), 10 ** (exact[..., :4, :, :] / 10)
        levels = np.abs(power - expected) / expected.sum(axis=-3, keepdims=True)
        return max(levels.max(), np.abs(result - exact)[..., 4:, :, :].max())

    return measure(
        f"FOA features of 4 viewpoints of each of {FEW} clips",
        [
            Candidate("align, then foa_features", turn_the_sound, error),
            Candidate("align_mel_covariance, once mel_covariance is there", turn_the_covariance, error),
            Candidate(
                "the same, mel_covariance included",
                lambda: turn_the_covariance(ambikit.mel_covariance(scenes, RATE)),
                error,
            ),
        ],
        error="largest error of power in its band, or of intensity",
        rounds=9,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    report("intensity", [*reductions(), *whole_features(), turning()])
