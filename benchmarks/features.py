"""Features of clips of one second at 24 kHz, as a training loop asks for them, against the peers.

``python -m benchmarks.features``
"""

import librosa
import numpy as np
import torch
import torchaudio

import ambikit
from benchmarks.common import Candidate, Table, largest_error, measure, report
from benchmarks.intensity import BANDS, FRAME, FRAMES, HOP, RATE, plain_intensity, without_loops

FEW, MANY = 16, 112  # clips


def librosa_recipe(signal, window="hann"):
    """The usual recipe of the field, clip by clip: librosa's transform and mel bank, NumPy's intensity."""
    result = []
    for clip in signal:
        spectrum = librosa.stft(clip, n_fft=FRAME, hop_length=HOP, window=window, pad_mode="reflect")[..., :FRAMES]
        bank = librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=BANDS)
        level = librosa.power_to_db(bank @ np.abs(spectrum) ** 2, amin=1e-30, top_db=100)
        result.append(np.concatenate([level, plain_intensity(spectrum, bank)]))
    return np.stack(result)


def baseline_recipe(signal):
    """As the DCASE baselines do it: double precision, channel by channel, products with the whole mel bank."""
    result, weights = [], librosa.filters.mel(sr=RATE, n_fft=FRAME, n_mels=BANDS).T
    for clip in signal.astype(np.float64):
        spectra = [librosa.stft(np.asfortranarray(c), n_fft=FRAME, hop_length=HOP, pad_mode="reflect") for c in clip]
        spectrum = np.stack([s[:, :FRAMES].T for s in spectra])  # (channels, frames, freq)
        power = np.stack([np.abs(s) ** 2 @ weights for s in spectrum])
        level = librosa.power_to_db(power, amin=1e-30, top_db=100)
        w, dipoles = spectrum[0], spectrum[[3, 1, 2]]
        flow = np.real(np.conj(w) * dipoles) / ((np.abs(w) ** 2 + np.sum(np.abs(dipoles) ** 2, axis=0)) / 2)
        result.append(np.concatenate([level, flow @ (weights / weights.sum(axis=0))]).swapaxes(-1, -2))
    return np.stack(result)


class Eager:
    """The plain chain in torch: ``torch.stft`` of the whole batch, then the formulas, each step through memory."""

    def __init__(self):
        self.window = torch.hann_window(FRAME)
        self.bank = torch.from_numpy(ambikit.mel_filterbank(RATE, FRAME, BANDS)).float()
        self.average = self.bank / self.bank.sum(1, keepdim=True)

    def spectra(self, signal):
        """Of the first 100 frames."""
        flat = signal.reshape(-1, signal.shape[-1])
        spectrum = torch.stft(flat, FRAME, HOP, window=self.window, return_complex=True)[..., :FRAMES]
        return spectrum.reshape(*signal.shape[:-1], *spectrum.shape[-2:])

    def levels(self, spectrum):
        """In dB, not more than 100 below the peak."""
        level = 10 * torch.log10((self.bank @ spectrum.abs() ** 2).clamp(min=1e-30))
        return torch.maximum(level, level.amax((-3, -2, -1), keepdim=True) - 100)

    def log_mel(self, signal):
        """Levels alone."""
        return self.levels(self.spectra(signal))

    def foa_features(self, signal):
        """Levels and intensity."""
        spectrum = self.spectra(signal)
        energy = (spectrum.abs() ** 2).sum(-3, keepdim=True)
        flow = 2 * (spectrum[:, :1].conj() * spectrum[:, [3, 1, 2]]).real / energy
        return torch.cat([self.levels(spectrum), self.average @ flow], -3)

    def stereo_features(self, signal):
        """Levels and interaural cues."""
        spectrum = self.spectra(signal)
        left, right = spectrum[:, 0], spectrum[:, 1]
        difference = (20 * torch.log10(left.abs() / right.abs())).clamp(-40, 40)
        phase = (left * right.conj()).angle()
        cues = torch.stack([difference, torch.cos(phase), torch.sin(phase)], 1)
        return torch.cat([self.levels(spectrum), self.average @ cues], -3)


def noise(clips, channels=4, seed=0):
    return np.random.default_rng(seed).normal(size=(clips, channels, RATE)).astype(np.float32)


def mel_features() -> list[Table]:
    """Levels and cues in mel bands."""
    eager = Eager()
    transform = torchaudio.transforms.MelSpectrogram(
        RATE, FRAME, hop_length=HOP, n_mels=BANDS, norm="slaney", mel_scale="slaney"
    )
    decibels = torchaudio.transforms.AmplitudeToDB("power", top_db=100)

    def librosa_log_mel(signal):
        power = librosa.feature.melspectrogram(
            y=signal, sr=RATE, n_fft=FRAME, hop_length=HOP, n_mels=BANDS, pad_mode="reflect"
        )
        return librosa.power_to_db(power[..., :FRAMES], amin=1e-30, top_db=None)

    def case(title, function, peers, channels=4):
        signal = noise(MANY, channels)
        tensor = torch.from_numpy(signal)
        error = largest_error(without_loops(lambda: function(signal.astype(np.float64), RATE))())
        copy_in, out = np.empty_like(signal), np.zeros_like(function(signal, RATE))

        def copy_and_fill():
            np.copyto(copy_in, signal)
            out.fill(0)

        rows = [
            Candidate("limit: copy the signal, fill the result", copy_and_fill),
            Candidate("ambikit, NumPy", lambda: function(signal, RATE), error),
            Candidate("ambikit, torch", lambda: function(tensor, RATE), error),
            Candidate("formula for the bands, NumPy", without_loops(lambda: function(signal, RATE)), error),
            *(
                Candidate(name, lambda run=run, name=name: run(tensor if "torch" in name else signal), error)
                for name, run in peers.items()
            ),
        ]
        return measure(f"{title} of {MANY} clips of 1 s at 24 kHz", rows, error="largest error, dB or 1", rounds=7)

    return [
        case(
            "Log-mel (4, 128, 100)",
            ambikit.log_mel,
            {
                "torchaudio MelSpectrogram, AmplitudeToDB": lambda x: decibels(transform(x))[..., :FRAMES],
                "torch.stft and the formulas": eager.log_mel,
                "librosa melspectrogram, power_to_db": librosa_log_mel,
            },
        ),
        case(
            "FOA features (7, 128, 100)",
            ambikit.foa_features,
            {
                "torch.stft and the formulas": eager.foa_features,
                "librosa and NumPy, clip by clip": librosa_recipe,
                "librosa and NumPy as in the DCASE baselines": baseline_recipe,
            },
        ),
        case(
            "Stereo features (5, 128, 100)",
            ambikit.stereo_features,
            {"torch.stft and the formulas": eager.stereo_features},
            channels=2,
        ),
    ]


def other_features() -> Table:
    """What else networks hear, on the same clips: how the features compare with each other."""
    signal = noise(FEW)
    tensor, double = torch.from_numpy(signal), signal.astype(np.float64)
    rows = []
    for function in (ambikit.foa_features, ambikit.dcase_foa_features, ambikit.dcase_mic_features, ambikit.salsa,
                     ambikit.salsa_lite):  # fmt: skip
        expected = function(double, RATE)
        # Where a test of SALSA is decided by rounding a bin has a cue or none: a share of bins, not the largest error.
        error = (lambda e: lambda r: float(np.mean(np.abs(np.asarray(r) - e) > 1e-2)))(expected)
        rows.append(Candidate(f"ambikit.{function.__name__}, NumPy", lambda f=function: f(signal, RATE), error))
        rows.append(Candidate(f"ambikit.{function.__name__}, torch", lambda f=function: f(tensor, RATE), error))
        if function is ambikit.salsa:
            rows.append(Candidate("formula for salsa, NumPy", without_loops(lambda f=function: f(signal, RATE)), error))
    return measure(
        f"Features of {FEW} clips of 1 s of 4 channels at 24 kHz",
        rows,
        error="share of values off by more than 0.01 from double precision",
        rounds=7,
    )


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
    report("features", [*mel_features(), other_features(), turning()])
