"""Where on a panorama a model sees what it hears: GradCAM of the match of picture and sound, laid over the sphere."""

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

import ambikit
from ambikit.errors import ShapeError
from ambikit_models.alignment import AlignmentModel
from ambikit_models.batch import Batch, ClipSource
from ambikit_models.panorama.viewpoints import Viewpoints

__all__ = ["activation_maps", "localization_maps", "onto_panorama", "views_all_around"]

_ELEVATIONS = (-30.0, 0.0, 30.0)
_TURNS = 3  # views of a ring: three times four, a quarter turn apart
_FIELD = 65.0


def localization_maps(
    model: AlignmentModel,
    source: ClipSource,
    indices: Int[np.ndarray, "chosen"],
    *,
    rows: int = 36,
    moments: Float[np.ndarray, "chosen"] | None = None,
    sound_indices: Int[np.ndarray, "chosen"] | None = None,
    translated: bool = True,
) -> Float[np.ndarray, "chosen rows columns"]:
    """Where the pictures of clips show what the sound says, as equirectangular maps; NaN near the poles.

    The whole panorama is looked at from 36 overlapping views, four at a time, a quarter turn apart, as in training;
    the activation maps of all views that see a place are averaged (morgado2020, figure 7, shows such maps).

    Parameters
    ----------
    model
        In evaluation mode.
    source, indices
        The clips; a clip may come several times, with several moments.
    rows
        Height of the maps; they are twice as wide.
    moments
        Where in each clip, 0 to 1; None as the source likes.
    sound_indices
        The clips whose sound is heard, to see how much a map owes to the sound; by default those of the pictures.
    translated
        Whether the model was trained to align, see :meth:`~ambikit_models.alignment.AlignmentModel.match`.
    """
    around = views_all_around()
    rings, views = around.azimuth.shape
    everywhere = Viewpoints(
        *(a.repeat(len(indices), 1) for a in (around.azimuth, around.elevation, around.field_of_view))
    )
    when = None if moments is None else torch.from_numpy(np.repeat(moments, rings))[:, None].expand(-1, views)
    heard = None if sound_indices is None else np.repeat(sound_indices, rings)
    batch = source.batch(np.repeat(indices, rings), everywhere, sound_indices=heard, moments=when)
    maps = activation_maps(model, batch.to(next(model.parameters()).device), translated=translated)
    return onto_panorama(maps.cpu().unflatten(0, (len(indices), rings)), around, rows)


def activation_maps(
    model: AlignmentModel, batch: Batch, *, translated: bool = True
) -> Float[Tensor, "clips views height width"]:
    r"""Which places of each view raise the match with the sound of that view (GradCAM).

    .. math:: L = \max\left(0, \sum_k \alpha_k A_k\right), \quad
        \alpha_k = \frac{1}{N} \sum_{t, i, j} \frac{\partial s}{\partial A_k(t, i, j)}

    with the last features :math:`A_k` of the video encoder at :math:`N` places and times, and the match :math:`s` of
    the view. Averaged over time, and not scaled, so that views can be compared.

    References
    ----------
    R. R. Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV
    2017, equations 1 and 2.
    """
    with torch.no_grad():
        audio = model.embed_audio(batch.audio)
        maps = model.video_encoder.maps(batch.video.flatten(0, 1))
    maps = maps.detach().requires_grad_()
    with torch.enable_grad():
        video = model.video_encoder.pooled(maps).unflatten(0, batch.video.shape[:2])
        match = model.match(video, audio, translated=translated)
        found = []
        for view in range(batch.views):  # the translation lets every view act on the match of the others
            (slope,) = torch.autograd.grad(match[:, view].sum(), maps, retain_graph=True)
            mine = slice(view, None, batch.views)
            weights = slope[mine].mean((-3, -2, -1), keepdim=True)
            found.append((weights * maps[mine].detach()).sum(1).clamp(min=0).mean(1))
    return torch.stack(found, 1)


def views_all_around() -> Viewpoints:
    """Views over all of a panorama but the poles, ``(9, 4)``: the four of a row are a quarter turn apart."""
    ring = torch.arange(_TURNS)[:, None] * (math.tau / (4 * _TURNS)) + torch.arange(4) * (math.tau / 4)
    elevation = torch.tensor(_ELEVATIONS).deg2rad().repeat_interleave(_TURNS)[:, None].expand(-1, 4)
    azimuth = ring.repeat(len(_ELEVATIONS), 1)
    return Viewpoints(azimuth.double(), elevation.double(), torch.full_like(azimuth, math.radians(_FIELD)).double())


def onto_panorama(
    maps: Float[Tensor, "*batch rings views height width"], viewpoints: Viewpoints, rows: int
) -> Float[np.ndarray, "*batch rows columns"]:
    """Lay maps of square views over equirectangular ones, averaged where several views see a place; NaN where none.

    Parameters
    ----------
    maps
        One for each view.
    viewpoints
        Where the views look, ``(rings, views)``.
    rows
        Height of the result; it is twice as wide.

    Examples
    --------
    A view to the front, 90° wide: it sees 45° to each side, and its left half lies at positive azimuths.

    >>> views = Viewpoints(*(torch.full((1, 1), angle) for angle in (0.0, 0.0, math.pi / 2)))
    >>> onto_panorama(torch.tensor([[[[1.0, 0.0]]]]).expand(1, 1, 2, 2), views, 4)[1].round(3)
    array([  nan,   nan,   nan, 0.914, 0.086,   nan,   nan,   nan])
    """
    if maps.shape[-4:-2] != viewpoints.azimuth.shape:
        raise ShapeError(
            f"got maps of {tuple(maps.shape[-4:-2])} clips and views for viewpoints of "
            f"{tuple(viewpoints.azimuth.shape)}; expected one map for each"
        )
    row, column = np.meshgrid(np.arange(rows), np.arange(2 * rows), indexing="ij")
    places = ambikit.angles_to_vectors(*ambikit.pixels_to_angles(column, row, 2 * rows, rows))
    forward, left, up = (torch.from_numpy(places) @ axis.T for axis in _camera_axes(viewpoints))
    reach = torch.tan(viewpoints.field_of_view.double().flatten() / 2) * forward
    seen = (forward > 0) & (left.abs() <= reach) & (up.abs() <= reach)
    # as grid_sample wants it: from −1 at the left and upper edge to 1 at the right and lower one
    at = torch.stack([-left / reach, -up / reach], -1).where(seen[..., None], 2.0).permute(2, 0, 1, 3)
    flat = maps.flatten(-4, -3).flatten(0, -4) if maps.ndim > 4 else maps.flatten(0, 1)[None]
    values = torch.nn.functional.grid_sample(
        flat.transpose(0, 1).double(), at, padding_mode="border", align_corners=False
    )
    inside = seen.permute(2, 0, 1)
    total, count = (values * inside[:, None]).sum(0), inside.sum(0)
    return torch.where(count > 0, total / count, torch.nan).reshape(*maps.shape[:-4], rows, 2 * rows).numpy()


def _camera_axes(viewpoints: Viewpoints) -> tuple[Tensor, ...]:
    """Forward, left and up of every view, ``(clips · views, 3)`` each."""
    azimuth, elevation = (angle.double().flatten() for angle in (viewpoints.azimuth, viewpoints.elevation))
    angles: tuple[Any, ...] = (
        (azimuth, elevation),
        (azimuth + math.pi / 2, torch.zeros_like(azimuth)),
        (azimuth, elevation + math.pi / 2),
    )
    return tuple(ambikit.angles_to_vectors(*pair) for pair in angles)
