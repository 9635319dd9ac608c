"""The operations on a GPU, against a copy of the same bytes on the device; nothing where there is no CUDA device.

Times are the device's, between two events. What memory bounds works on 200 MB and more, so that no cache holds it.
Errors are those of a part, against NumPy in double precision. ``python -m benchmarks.cuda``
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import ambikit
from benchmarks import training_files
from benchmarks.common import Candidate, Figures, Table, measure, optional, quick, report
from benchmarks.machine import has_cuda
from benchmarks.training_step import FULL, SMALL, profile

torchaudio = optional("torchaudio")
RATE = 48000


class Device:
    """Where to run, and how much to work on: all of it on a GPU, a hundredth for a smoke run."""

    def __init__(self, name: str = "cuda") -> None:
        self.name, self.part = name, 0.01 if quick() else 1.0
        self.generator = torch.Generator(name).manual_seed(0)

    def count(self, size: int) -> int:
        """How many of what a GPU would get."""
        return max(2, int(size * self.part))

    def noise(self, *shape: int) -> torch.Tensor:
        """Float32 on the device."""
        return torch.randn(shape, generator=self.generator, device=self.name)

    def table(self, title: str, candidates: list[Any], error: str = "largest error of a part") -> Table:
        """Measured there, and so titled."""
        return measure(f"{title}, CUDA", candidates, error=error, device=self.name)


def error_of(oracle: np.ndarray, part: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Any], float]:
    """The largest error of a part of the result against NumPy's in double precision."""

    def error(result: torch.Tensor) -> float:
        return float(np.abs(part(result).double().cpu().numpy() - oracle).max())

    return error


def as_numpy(x: torch.Tensor) -> np.ndarray:
    return x.double().cpu().numpy()


def turned_batch(device: Device) -> Table:
    """A batch of clips, each by its own rotation."""
    x = device.noise(device.count(288), 4, RATE)
    yaw, pitch = device.noise(len(x)), device.noise(len(x)) / 4
    out, own, calls = torch.empty_like(x), torch.empty_like(x), 0

    def in_place() -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 1:  # the one whose error is looked at
            own.copy_(x)
        return ambikit.rotate(own, yaw, pitch, out=own)

    matrix = ambikit.rotation_matrix(yaw, pitch)
    error = error_of(ambikit.rotate(*map(as_numpy, (x[:2], yaw[:2], pitch[:2]))), lambda y: y[:2])
    return device.table(
        f"Rotate, first order, {len(x)} clips of 1 s at 48 kHz, each by its own angles",
        [
            Candidate("limit: copy the signal", lambda: out.copy_(x)),
            Candidate("ambikit, out=", lambda: ambikit.rotate(x, yaw, pitch, out=out), error),
            Candidate("ambikit, new result", lambda: ambikit.rotate(x, yaw, pitch), error),
            Candidate("ambikit, in place", in_place, error),
            Candidate("torch.matmul, matrices ready, out=", lambda: torch.matmul(matrix, x, out=out), error),
            Candidate("torch.einsum, matrices ready", lambda: torch.einsum("bij,bjt->bit", matrix, x), error),
        ],
    )


def turned(device: Device, order: int) -> Table:
    """One long scene by one rotation."""
    channels = (order + 1) ** 2
    x = device.noise(channels, device.count(57_600_000 // channels))
    out = torch.empty_like(x)
    matrix = ambikit.rotation_matrix(0.7, 0.2, order=order).astype(np.float32)
    matrix = torch.from_numpy(matrix).to(x.device)
    error = error_of(ambikit.rotate(as_numpy(x[:, :4800]), 0.7, 0.2), lambda y: y[:, :4800])
    return device.table(
        f"Rotate, order {order}, {x.shape[1] / RATE:.0f} s at 48 kHz",
        [
            Candidate("limit: copy the signal", lambda: out.copy_(x)),
            Candidate("ambikit, out=", lambda: ambikit.rotate(x, 0.7, 0.2, out=out), error),
            Candidate("ambikit, new result", lambda: ambikit.rotate(x, 0.7, 0.2), error),
            Candidate("torch.matmul, matrix ready, out=", lambda: torch.matmul(matrix, x, out=out), error),
        ],
    )


def matrices(device: Device, order: int) -> Table:
    count = device.count(10_000)
    angles = [device.noise(count) for _ in range(3)]
    result = ambikit.rotation_matrix(*angles, order=order)
    oracle = ambikit.rotation_matrix(*(as_numpy(angle[:4]) for angle in angles), order=order)
    error = error_of(oracle, lambda y: y[:4])
    return device.table(
        f"{count} rotation matrices, order {order}, float32",
        [
            Candidate("limit: fill the result", lambda: result.fill_(0)),
            Candidate("ambikit", lambda: ambikit.rotation_matrix(*angles, order=order), error),
        ],
    )


def tracked(device: Device, order: int) -> Table:
    """A pose for every block of 128 samples, interpolated for every sample."""
    channels = (order + 1) ** 2
    blocks = device.count(57_600_000 // channels // 128)
    x = device.noise(channels, 128 * blocks)
    poses = torch.cumsum(0.01 * device.noise(3, blocks + 1), -1)
    clock: dict[str, Any] = {"pose_rate": RATE / 128, "sample_rate": RATE}
    out = torch.empty_like(x)
    part = slice(0, 128 * 8)
    oracle = ambikit.rotate_track(as_numpy(x[:, part]), *as_numpy(poses[:, :9]), **clock)
    error = error_of(oracle, lambda y: y[:, part])
    return device.table(
        f"Rotation in time, order {order}, a pose per 128 samples, {x.shape[1] / RATE:.0f} s at 48 kHz",
        [
            Candidate("limit: copy the signal", lambda: out.copy_(x)),
            Candidate("ambikit rotate_track", lambda: ambikit.rotate_track(x, *poses, **clock), error),
        ],
    )


def harmonics(device: Device, order: int) -> Table:
    count = device.count(57_600_000 // (order + 1) ** 2)
    azimuth, elevation = 3 * device.noise(count), device.noise(count).clamp(-1.5, 1.5)
    result = ambikit.spherical_harmonics(azimuth, elevation, order)
    oracle = ambikit.spherical_harmonics(as_numpy(azimuth[:1000]), as_numpy(elevation[:1000]), order)
    error = error_of(oracle, lambda y: y[:1000])
    return device.table(
        f"Spherical harmonics, order {order}, {count} directions, float32",
        [
            Candidate("limit: fill the result", lambda: result.fill_(0)),
            Candidate("ambikit", lambda: ambikit.spherical_harmonics(azimuth, elevation, order), error),
        ],
    )


def features(device: Device) -> list[Table]:
    rate, clips = 24000, device.count(1120)
    signal = device.noise(clips, 4, rate)

    def case(title: str, function: Callable[..., Any], *peers: Candidate | None) -> Table:
        result = function(signal, rate)
        copy = torch.empty_like(signal)
        error = error_of(function(as_numpy(signal[:2]), rate), lambda y: y[:2, ..., :100])

        def floor() -> None:
            copy.copy_(signal)
            result.fill_(0)

        named = [Candidate(peer.name, peer.run, error) for peer in peers if peer]
        rows = [Candidate("limit: copy the signal, fill the result", floor)]
        rows.append(Candidate("ambikit", lambda: function(signal, rate), error))
        return device.table(f"{title} of {clips} clips of 1 s at 24 kHz", [*rows, *named], "error of a part, dB or 1")

    chain = None
    if torchaudio:
        spectrogram = torchaudio.transforms.MelSpectrogram(
            rate, n_fft=512, hop_length=240, n_mels=128, norm="slaney", mel_scale="slaney"
        ).to(device.name)
        decibels = torchaudio.transforms.AmplitudeToDB("power", top_db=None)
        chain = Candidate("torchaudio MelSpectrogram, AmplitudeToDB", lambda: decibels(spectrogram(signal)))
    return [case("Log-mel", ambikit.log_mel, chain), case("FOA features", ambikit.foa_features)]


def ears(device: Device) -> Table:
    x = device.noise(16, device.count(75 * RATE))
    decoder = ambikit.binaural_decoder(order=3, sample_rate=RATE)
    out = torch.empty_like(x)
    oracle = ambikit.decode_binaural(as_numpy(x[:, :9600]), RATE, decoder)[:, :4800]
    return device.table(
        f"Two ears, order 3, {x.shape[1] / RATE:.0f} s at 48 kHz",
        [
            Candidate("limit: copy the signal", lambda: out.copy_(x)),
            Candidate(
                "ambikit decode_binaural",
                lambda: ambikit.decode_binaural(x, RATE, decoder),
                error_of(oracle, lambda y: y[:, :4800]),
            ),
        ],
    )


def views(device: Device) -> Table:
    """Four views of each of eight frames, as one clip of a batch needs them."""
    from ambikit_models.panorama import crop

    frames = (255 * torch.rand((8, 960, 1920, 3), generator=device.generator, device=device.name)).to(torch.uint8)
    azimuth, elevation, field = (
        torch.tensor([row], device=device.name)
        for row in ([0.3, 1.9, -2.6, -1.2], [0.0, 0.6, -0.3, 0.9], [1.5, 1.0, 0.7, 0.5])
    )
    look: dict[str, Any] = {"size": 112, "antialias": False}
    oracle = crop(frames[:1].cpu().numpy(), *map(as_numpy, (azimuth, elevation)), field_of_view=as_numpy(field), **look)
    out = torch.empty((8, 4, 112, 112, 3), dtype=torch.uint8, device=device.name)
    result = crop(frames, azimuth, elevation, field_of_view=field, **look)
    shape = tuple(result.shape)

    def error(found: torch.Tensor) -> float:
        found = found.reshape(shape)[: len(found.reshape(shape)) // 8]
        return float(np.abs(as_numpy(found).ravel() - oracle.astype(np.float64).ravel()).mean())

    return device.table(
        "32 views of 112 × 112 from 8 frames 1920 × 960 uint8, one bilinear sample per pixel",
        [
            Candidate("limit: fill the result", lambda: out.fill_(0)),
            Candidate(
                "ambikit_models crop", lambda: crop(frames, azimuth, elevation, field_of_view=field, **look), error
            ),
        ],
        "mean absolute error of the first frame against NumPy, grey levels",
    )


def tables(device: Device) -> list[Table]:
    return [
        turned_batch(device),
        *(turned(device, order) for order in (1, 3, 7)),
        *(matrices(device, order) for order in (3, 7, 10)),
        *(tracked(device, order) for order in (1, 3)),
        *(harmonics(device, order) for order in (3, 7)),
        *features(device),
        ears(device),
        views(device),
    ]


def steps(device: Device) -> list[Figures]:
    """A training step of the demonstration, and of the papers' networks where that is no matter of minutes; batches."""
    small = [profile(SMALL, device.name, 31), training_files.profile(48 if quick() else 224, device.name, 7)]
    return small if quick() else [*small, profile(FULL, device.name, 15), training_files.profile(960, device.name, 7)]


def main() -> None:
    if has_cuda():
        device = Device()
    elif quick():  # that the code runs is worth knowing anywhere; what it takes is not
        device = Device("cpu")
    else:
        print("no CUDA device: not measured")
        return
    report("cuda", [*tables(device), *steps(device)])


if __name__ == "__main__":
    main()
