"""Gnomonic views of equirectangular frames: four views of each of eight frames, as one clip of a batch needs them."""

import math
import os
from functools import cache

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
import torch
from scipy.ndimage import zoom

from ambikit import angles_to_pixels, crop_rays, vectors_to_angles
from ambikit.kernels.crop import sample_bytes
from ambikit_models.panorama import crop
from ambikit_models.panorama.sampling import sample_by_formula, words_of
from benchmarks.common import Candidate, Table, measure, optional, report

py360convert = optional("py360convert")

SIZE, FRAMES = 112, 8
AZIMUTH = np.radians([[20.0, 110.0, -150.0, -70.0]])
ELEVATION = np.radians([[0.0, 35.0, -20.0, 55.0]])
FIELD = np.radians([[90.0, 60.0, 40.0, 25.0]])
VIEWS = AZIMUTH.shape[1]


@cache
def frames_of(width: int) -> np.ndarray:
    """Frames with detail at every scale, as pictures have: noise of all octaves, the same at the left and right rim.

    Each frame is the one before, turned.
    """
    rng, height = np.random.default_rng(0), width // 2
    frame = np.full((height, width, 3), 128.0, np.float32)
    step = 60
    while step >= 1:
        noise = rng.standard_normal((height // step, width // step, 3)).astype(np.float32)
        frame += 25 * zoom(noise, (step, step, 1), order=1, mode="grid-wrap", grid_mode=True)
        step //= 2 if step % 2 == 0 else 3
    frame = np.clip(np.round(frame), 0, 255).astype(np.uint8)
    return np.stack([np.roll(frame, k * width // FRAMES, axis=1) for k in range(FRAMES)])


def positions(height: int, width: int, samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rays = crop_rays(AZIMUTH[0], ELEVATION[0], FIELD[0], SIZE * samples)
    return angles_to_pixels(*vectors_to_angles(rays), width, height)


def bytes_of(crops):
    return np.floor(crops + 0.5).astype(np.uint8)


def one_sample(width: int) -> Table:
    """One bilinear sample per pixel, the work that all peers do."""
    frames = frames_of(width)
    height = width // 2
    tensor = torch.from_numpy(frames)
    column, row = positions(height, width)
    frame_of, view_of = np.repeat(np.arange(FRAMES), VIEWS), np.tile(np.arange(VIEWS), FRAMES)
    oracle = sample_by_formula(frames.astype(np.float64), frame_of, view_of, column, row, SIZE)
    out = np.empty(oracle.shape, np.uint8)
    maps = [(c.astype(np.float32), r.astype(np.float32)) for c, r in zip(column, row, strict=True)]
    fixed = [cv2.convertMaps(c, r, cv2.CV_16SC2) for c, r in maps]
    grid = torch.from_numpy(np.stack([(column + 1.5) / (width + 2) * 2 - 1, (row + 0.5) / height * 2 - 1], -1)).float()

    def error(result) -> float:
        result = np.asarray(result).reshape(oracle.shape)
        return float(np.mean(np.abs(result.astype(np.float64) - oracle)))

    def whole(frames):
        angles = (torch.from_numpy(AZIMUTH), torch.from_numpy(ELEVATION), torch.from_numpy(FIELD))
        azimuth, elevation, field = angles if isinstance(frames, torch.Tensor) else (AZIMUTH, ELEVATION, FIELD)
        return crop(frames, azimuth, elevation, field_of_view=field, size=SIZE, antialias=False)

    def loop():
        sample_bytes(frames, words_of(frames), frame_of, view_of, column, row, out, 1.0, 0.5)
        return out

    def torch_formula():
        crops = sample_by_formula(tensor, frame_of, view_of, torch.from_numpy(column), torch.from_numpy(row), SIZE)
        return torch.floor(crops + 0.5).to(torch.uint8)

    def grid_sample():
        picture = tensor.permute(0, 3, 1, 2).float()
        picture = torch.cat([picture[..., -1:], picture, picture[..., :1]], -1)
        views = [
            torch.nn.functional.grid_sample(
                picture, g.expand(FRAMES, -1, -1, -1), padding_mode="border", align_corners=False
            )
            for g in grid
        ]
        return torch.stack(views, 1).permute(0, 1, 3, 4, 2).round().to(torch.uint8)

    def remap(chosen):
        wrap = cv2.BORDER_WRAP
        return np.stack([cv2.remap(f, *m, cv2.INTER_LINEAR, borderMode=wrap) for f in frames for m in chosen])

    def peer():
        degrees = np.degrees(np.stack([FIELD[0], -AZIMUTH[0], ELEVATION[0]], 1)).tolist()
        return np.stack([py360convert.e2p(f, fov, u, v, (SIZE, SIZE)) for f in frames for fov, u, v in degrees])

    return measure(
        f"{FRAMES * VIEWS} views of {SIZE} × {SIZE} from {FRAMES} frames {width} × {height} uint8, "
        "one bilinear sample per pixel",
        [
            Candidate("limit: copy the result", lambda: out.copy()),
            Candidate("ambikit_models crop, NumPy", lambda: whole(frames), error),
            Candidate("ambikit_models crop, torch", lambda: whole(tensor), error),
            Candidate("ambikit_models, the loop alone, positions ready", loop, error),
            Candidate(
                "formula, NumPy, positions ready",
                lambda: bytes_of(sample_by_formula(frames, frame_of, view_of, column, row, SIZE)),
                error,
            ),
            Candidate("formula, torch, positions ready", torch_formula, error),
            Candidate("torch grid_sample, grid ready, frames to float inside", grid_sample, error),
            Candidate("cv2.remap, fixed-point maps ready", lambda: remap(fixed), error),
            Candidate("cv2.remap, float maps ready", lambda: remap(maps), error),
            py360convert and Candidate("py360convert.e2p (its own pixel grid; keeps its maps)", peer, error),
        ],
        error="mean absolute error, grey levels",
        rounds=7,
    )


def for_networks(width: int) -> Table:
    """The same views as networks take them: float32 in [0, 1], channels first."""
    frames, height = frames_of(width), width // 2
    tensor = torch.from_numpy(frames)
    column, row = positions(height, width)
    frame_of, view_of = np.repeat(np.arange(FRAMES), VIEWS), np.tile(np.arange(VIEWS), FRAMES)
    shape = (FRAMES * VIEWS, 3, SIZE, SIZE)
    oracle = sample_by_formula(frames.astype(np.float64), frame_of, view_of, column, row, SIZE)
    oracle = oracle.transpose(0, 3, 1, 2) / 255
    planes = np.empty(shape, np.float32)
    ready = [(c.astype(np.float32), r.astype(np.float32)) for c, r in zip(column, row, strict=True)]
    fixed = [cv2.convertMaps(c, r, cv2.CV_16SC2) for c, r in ready]

    def error(result) -> float:
        return float(np.mean(np.abs(np.asarray(result).reshape(shape).astype(np.float64) - oracle)) * 255)

    def ours(frames):
        angles = (AZIMUTH, ELEVATION, FIELD)
        azimuth, elevation, field = map(torch.from_numpy, angles) if isinstance(frames, torch.Tensor) else angles
        return crop(frames, azimuth, elevation, field_of_view=field, size=SIZE, antialias=False, normalized=True)

    def loop():
        sample_bytes(
            frames, words_of(frames), frame_of, view_of, column, row, planes.transpose(0, 2, 3, 1), 1 / 255, 0.0
        )
        return planes

    def normalized(views):
        result = np.empty(shape, np.float32)
        return np.multiply(views.transpose(0, 3, 1, 2), np.float32(1 / 255), out=result)

    def remap(chosen):
        wrap = cv2.BORDER_WRAP
        return normalized(
            np.stack([cv2.remap(f, *m, cv2.INTER_LINEAR, borderMode=wrap) for f in frames for m in chosen])
        )

    def remap_all():
        maps = zip(*positions(height, width), strict=True)
        return remap([(c.astype(np.float32), r.astype(np.float32)) for c, r in maps])

    def peer():
        degrees = np.degrees(np.stack([FIELD[0], -AZIMUTH[0], ELEVATION[0]], 1)).tolist()
        return normalized(
            np.stack([py360convert.e2p(f, fov, u, v, (SIZE, SIZE)) for f in frames for fov, u, v in degrees])
        )

    return measure(
        f"{FRAMES * VIEWS} views of {SIZE} × {SIZE} from {FRAMES} frames {width} × {height} uint8, "
        "as float32 in [0, 1] with channels first",
        [
            Candidate("limit: copy the result", lambda: planes.copy()),
            Candidate("ambikit_models crop, normalized, NumPy", lambda: ours(frames), error),
            Candidate("ambikit_models crop, normalized, torch", lambda: ours(tensor), error),
            Candidate("ambikit_models, the loop alone, positions ready", loop, error),
            Candidate(
                "formula, NumPy, positions ready",
                lambda: normalized(sample_by_formula(frames, frame_of, view_of, column, row, SIZE)),
                error,
            ),
            Candidate("cv2.remap with float maps computed in NumPy, normalised", remap_all, error),
            Candidate("cv2.remap, float maps ready, normalised", lambda: remap(ready), error),
            Candidate("cv2.remap, fixed-point maps ready, normalised", lambda: remap(fixed), error),
            py360convert
            and Candidate("py360convert.e2p (its own pixel grid; keeps its maps), normalised", peer, error),
        ],
        error="mean absolute error, grey levels",
        rounds=9,
    )


def antialiased(width: int) -> Table:
    """What falls into a pixel averaged: against eight by eight samples per pixel of the whole frame."""
    frames, height = frames_of(width), width // 2
    column, row = positions(height, width, samples=8)
    first = np.zeros(VIEWS, int)
    oracle = sample_by_formula(frames[:1].astype(np.float64), first, np.arange(VIEWS), column, row, SIZE)
    smaller = 2 ** int(math.log2(2 * math.tan(FIELD.max() / 2) / SIZE / (math.pi / height)))
    maps = [
        (c.astype(np.float32), r.astype(np.float32)) for c, r in zip(*positions(height // smaller, width // smaller))
    ]

    def error(result) -> float:
        return float(np.mean(np.abs(np.asarray(result)[:VIEWS].astype(np.float64).reshape(oracle.shape) - oracle)))

    def ours(antialias=True):
        views = crop(frames, AZIMUTH, ELEVATION, field_of_view=FIELD, size=SIZE, antialias=antialias)
        return views.reshape(-1, SIZE, SIZE, 3)

    def area():
        small = (width // smaller, height // smaller)
        reduced = [cv2.resize(f, small, interpolation=cv2.INTER_AREA) for f in frames]
        return np.stack([cv2.remap(f, *m, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) for f in reduced for m in maps])

    return measure(
        f"the same views from {FRAMES} frames {width} × {height} uint8, antialiased",
        [
            Candidate("limit: read every pixel of the frames once (sum)", lambda: frames.sum(dtype=np.uint64)),
            Candidate("ambikit_models crop", ours, error),
            Candidate("ambikit_models crop, antialias=False", lambda: ours(False), error),
            Candidate(f"cv2.resize INTER_AREA by {smaller} for all views, cv2.remap", area, error),
        ],
        error="mean absolute error of the first frame, grey levels",
        rounds=7,
    )


def main() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    report(
        "crop",
        [
            for_networks(1920),
            for_networks(3840),
            one_sample(1920),
            one_sample(3840),
            antialiased(1920),
            antialiased(3840),
        ],
    )


if __name__ == "__main__":
    main()
