"""Pictures and videos of where a trained model sees what it hears."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.batch import ClipSource
from ambikit_models.downstream.localization.localization_maps import localization_maps
from ambikit_models.downstream.probing.subjects import System
from ambikit_models.preparation.clip_files import Storing, write_pictures

__all__ = ["draw_maps", "maps_over_time", "overlaid", "write_overlay"]

_BLOCK = 8


def maps_over_time(
    system: System, source: ClipSource, index: int, moments: int, *, rows: int = 36, translated: bool = True
) -> Float[np.ndarray, "moments rows columns"]:
    """The localisation maps of a clip at moments spread from its beginning to its end.

    Each is of an excerpt of the length that the system hears; a clip that is no longer has one moment only.
    """
    when = np.linspace(0.0, 1.0, moments) if moments > 1 else np.array([0.5])
    parts = np.array_split(when, -(-len(when) // _BLOCK))
    return np.concatenate(
        [
            localization_maps(
                system.model, source, np.full(len(part), index), rows=rows, moments=part, translated=translated
            )
            for part in parts
        ]
    )


def draw_maps(
    picture: UInt8[np.ndarray, "height width 3"], values: Float[np.ndarray, "rows columns"], path: Path, title: str = ""
) -> None:
    """Draw one map over its panorama into a PNG."""
    import matplotlib.pyplot as plt

    axes = ambikit.plot.localization_map(picture, values, quantity="raises the match with the sound")
    axes.set_title(title or "Where picture and sound match (GradCAM)")
    axes.figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(axes.figure)


def overlaid(
    pictures: UInt8[np.ndarray, "frames height width 3"], maps: Float[np.ndarray, "moments rows columns"]
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Lay maps over pictures, both spread evenly over the same clip: the higher, the brighter, and nothing where NaN.

    Between the moments of the maps values are interpolated; the brightest of all is the highest of the whole clip.

    Examples
    --------
    >>> night = np.zeros((3, 4, 8, 3), np.uint8)
    >>> glow = np.zeros((2, 2, 4)); glow[1] = 1.0  # it grows from the first moment to the last
    >>> [int(frame.max()) for frame in overlaid(night, glow)]
    [0, 70, 191]
    """
    from matplotlib import colormaps

    if pictures.shape[1] * maps.shape[2] != pictures.shape[2] * maps.shape[1]:
        raise ShapeError(
            f"got pictures of {pictures.shape[1:3]} and maps of {maps.shape[1:]}; expected both equirectangular, twice "
            "as wide as high"
        )
    known = torch.from_numpy(np.nan_to_num(maps))[None, None]
    size = (len(pictures), *pictures.shape[1:3])
    # the ends of the clip are moments of both, pixels have centres
    spread = torch.nn.functional.interpolate(known, (size[0], *known.shape[-2:]), mode="trilinear", align_corners=True)
    fine = torch.nn.functional.interpolate(spread[0, 0][:, None], size[1:], mode="bilinear", align_corners=False)
    heat = fine[:, 0].numpy() / max(float(fine.max()), np.finfo(np.float64).tiny)
    alpha = 0.75 * heat[..., None]
    colours = 255.0 * colormaps["inferno"](heat)[..., :3]
    return ((1 - alpha) * pictures + alpha * colours).round().astype(np.uint8)


def write_overlay(
    pictures: UInt8[np.ndarray, "frames height width 3"],
    maps: Float[np.ndarray, "moments rows columns"],
    path: Path,
    frame_rate: float,
) -> None:
    """Write pictures with their maps as a video."""
    frames = overlaid(pictures, maps)
    write_pictures(path, frames, Storing(height=frames.shape[1], frame_rate=frame_rate))
