"""Where the pixels of flat views lie in an equirectangular frame: two arc tangents per pixel, in vector instructions.

Serial, nogil, without checks; the formula beside it is in ``ambikit_models.panorama.sampling``.
"""

from math import cos, floor, pi, sin, sqrt, tan

import numpy as np

from ambikit.kernels.compiling import compiled

__all__ = ["locate_views"]

# atan(t) / t as a polynomial in u = _TO_ONE t² − 1, through the 11 Chebyshev points of t from 0 to tan(π / 8)
_STEEP = tan(pi / 8)
_TO_ONE = 2 / _STEEP**2
_A0, _A1, _A2, _A3 = 0.9727918173603545, -0.02590019545981344, 1.2335918790096182e-3, -6.980070655107477e-5
_A4, _A5, _A6, _A7 = 4.296549735025082e-6, -2.780682332186124e-7, 1.8605790449672663e-8, -1.2747635570400117e-9
_A8, _A9, _A10 = 8.891420434678997e-11, -6.3787064981459615e-12, 4.56243044437864e-13


@compiled()
def locate_views(azimuth, elevation, field_of_view, height, width, column, row):
    """Fill ``column[v]`` and ``row[v]`` (size, size; float64) with the positions that view v shows.

    ``azimuth``, ``elevation`` and ``field_of_view`` (views,) are in radians; the frame is ``height`` × ``width``.
    Seen from its own azimuth, all pixels in a row of a view have the same x and z, and its left half mirrors its right.
    """
    size = column.shape[1]
    left, aside, above = np.empty(size), np.empty(size), np.empty(size)
    half = (size + 1) // 2
    for v in range(column.shape[0]):
        extent, upright, level = tan(field_of_view[v] / 2), sin(elevation[v]), cos(elevation[v])
        middle = (0.5 - azimuth[v] / (2 * pi)) * width
        for j in range(size):
            left[j] = extent * (1 - (2 * j + 1) / size)
        for i in range(size):
            ahead, height_of_ray = level - left[i] * upright, upright + left[i] * level
            for j in range(half):
                aside[j] = _angle(left[j], ahead)
                above[j] = _angle(height_of_ray, sqrt(ahead * ahead + left[j] * left[j]))
            columns, rows = column[v, i], row[v, i]
            for j in range(size):
                k = min(j, size - 1 - j)
                turned = aside[k] if j == k else -aside[k]
                place = middle - turned * (width / (2 * pi))
                columns[j] = place - floor(place / width) * width - 0.5
                rows[j] = (0.5 - above[k] / pi) * height - 0.5


@compiled(inline="always")
def _angle(y, x):
    """``atan2(y, x)`` without branches; 0 for y = x = 0."""
    a, b = abs(x), abs(y)
    large, small = (a if a > b else b), (b if a > b else a)
    t = small / (large if large != 0 else 1.0)
    steep = t > _STEEP
    t = (t - 1) / (t + 1) if steep else t  # the tangent of the angle less π / 4
    u = _TO_ONE * t * t - 1
    p = _A4 + u * (_A5 + u * (_A6 + u * (_A7 + u * (_A8 + u * (_A9 + u * _A10)))))
    angle = t * (_A0 + u * (_A1 + u * (_A2 + u * (_A3 + u * p))))
    angle = angle + pi / 4 if steep else angle
    angle = angle if a >= b else pi / 2 - angle
    angle = pi - angle if x < 0 else angle
    return -angle if y < 0 else angle
