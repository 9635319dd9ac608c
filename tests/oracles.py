"""Slow, plain second implementations. They import nothing of ambikit and are written to be read, not to be fast.

Each section belongs to one idea; append new sections at the end.
"""

import numpy as np

# --- real spherical harmonics ----------------------------------------------------------------------------------


def real_spherical_harmonics(azimuth, elevation, order, normalization="sn3d"):
    """ACN, no Condon-Shortley phase, by the complex harmonics of SciPy, one degree and index at a time."""
    from scipy.special import sph_harm_y

    azimuth, elevation = np.broadcast_arrays(np.asarray(azimuth, float), np.asarray(elevation, float))
    channels = []
    for n in range(order + 1):
        # SciPy's harmonics are orthonormal: they carry 1/√(4π), and √(2n+1) more than SN3D.
        scale = np.sqrt(4 * np.pi) / (np.sqrt(2 * n + 1) if normalization == "sn3d" else 1.0)
        for m in range(-n, n + 1):
            value = sph_harm_y(n, abs(m), np.pi / 2 - elevation, azimuth) * (-1) ** abs(m)
            part = value.imag if m < 0 else value.real
            channels.append(scale * part * (1.0 if m == 0 else np.sqrt(2)))
    return np.stack(channels, axis=-1)


# --- Furse-Malham ----------------------------------------------------------------------------------------------

FURSE_MALHAM_LETTERS = "WXYZRSTUVKLMNOPQ"


def furse_malham(azimuth, elevation, order=3):
    """The published closed forms of the channels W X Y Z R … Q of a plane wave: maximum 1, except W = 1/√2."""
    a, e = np.broadcast_arrays(np.asarray(azimuth, float), np.asarray(elevation, float))
    sin, cos = np.sin, np.cos
    channels = [
        np.full(a.shape, np.sqrt(0.5)),  # W
        cos(a) * cos(e),  # X
        sin(a) * cos(e),  # Y
        sin(e),  # Z
        (3 * sin(e) ** 2 - 1) / 2,  # R
        cos(a) * sin(2 * e),  # S
        sin(a) * sin(2 * e),  # T
        cos(2 * a) * cos(e) ** 2,  # U
        sin(2 * a) * cos(e) ** 2,  # V
        sin(e) * (5 * sin(e) ** 2 - 3) / 2,  # K
        # Furse and Malham print 8/11 for √135/16, which makes the maximum 1.0015 instead of 1.
        np.sqrt(135) / 16 * cos(a) * cos(e) * (5 * sin(e) ** 2 - 1),  # L
        np.sqrt(135) / 16 * sin(a) * cos(e) * (5 * sin(e) ** 2 - 1),  # M
        np.sqrt(27) / 2 * cos(2 * a) * sin(e) * cos(e) ** 2,  # N
        np.sqrt(27) / 2 * sin(2 * a) * sin(e) * cos(e) ** 2,  # O
        cos(3 * a) * cos(e) ** 3,  # P
        sin(3 * a) * cos(e) ** 3,  # Q
    ]
    return np.stack(channels[: (order + 1) ** 2], axis=-1)


# --- rotation, without a recursion ------------------------------------------------------------------------------


def rotation_by_least_squares(matrix, order):
    """The matrix D with Y(R v) = D Y(v), solved for on many directions v; ``matrix`` is R."""
    points = np.random.default_rng(5).normal(size=(4 * (order + 1) ** 2, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)

    def harmonics(v):
        azimuth, elevation = np.arctan2(v[:, 1], v[:, 0]), np.arctan2(v[:, 2], np.hypot(v[:, 0], v[:, 1]))
        return real_spherical_harmonics(azimuth, elevation, order)

    solution, *_ = np.linalg.lstsq(harmonics(points), harmonics(points @ np.asarray(matrix).T), rcond=None)
    return solution.T


# --- beam patterns ----------------------------------------------------------------------------------------------


def beam_figures(weights):
    """Directivity factor, front-to-back ratio in dB and |rE| of g(x) = Σ b_n P_n(x), by numerical integration."""
    from scipy.special import eval_legendre

    nodes, step = np.polynomial.legendre.leggauss(200)

    def gain(x):
        return sum(b * eval_legendre(n, x) for n, b in enumerate(weights))

    energy = np.sum(step * gain(nodes) ** 2)
    front = np.sum(step / 2 * gain((nodes + 1) / 2) ** 2)
    back = np.sum(step / 2 * gain((nodes - 1) / 2) ** 2)
    return 2 * gain(1.0) ** 2 / energy, 10 * np.log10(front / back), np.sum(step * nodes * gain(nodes) ** 2) / energy


# --- image sources ----------------------------------------------------------------------------------------------


def allen_and_berkley(room, source, listener, walls, max_reflections):
    """Eq. (10) of the 1979 paper as two nested triple loops: [(vector from the listener, gain), ...].

    ``walls`` are the coefficients at x = 0, x = Lx, y = 0, y = Ly, z = 0, z = Lz.
    """
    images = []
    span = range(-max_reflections - 1, max_reflections + 2)
    for q in (0, 1):
        for j in (0, 1):
            for k in (0, 1):
                for nx in span:
                    for ny in span:
                        for nz in span:
                            met = [abs(nx - q), abs(nx), abs(ny - j), abs(ny), abs(nz - k), abs(nz)]
                            if sum(met) > max_reflections:
                                continue
                            vector = [
                                (1 - 2 * u) * source[axis] + 2 * number * room[axis] - listener[axis]
                                for axis, (u, number) in enumerate(((q, nx), (j, ny), (k, nz)))
                            ]
                            gain = 1.0
                            for wall, times in zip(walls, met, strict=True):
                                gain *= wall**times
                            images.append((vector, gain / np.sqrt(np.dot(vector, vector))))
    return images


def mirrored_sources(room, source, listener, walls, max_reflections):
    """A source and its axes mirrored at one wall after the other: [(vector, emission, product of walls), ...].

    The emission is the way back from the image to the listener, as the mirrored axes of the source see it.
    """
    found = {}
    waiting = [(np.array(source, dtype=float), np.eye(3), 1.0)]
    for _ in range(max_reflections + 1):
        following = []
        for position, axes, loss in waiting:
            key = tuple(position.round(9))
            if key in found:  # by another sequence of the same walls, or there and back
                continue
            way = np.asarray(listener) - position
            found[key] = (-way, axes.T @ way / np.linalg.norm(way), loss)
            for wall in range(6):
                axis, plane = wall // 2, (wall % 2) * room[wall // 2]
                mirror = np.eye(3)
                mirror[axis, axis] = -1
                there = position.copy()
                there[axis] = 2 * plane - position[axis]
                following.append((there, mirror @ axes, loss * walls[wall]))
        waiting = following
    return list(found.values())


# --- rotation in time -------------------------------------------------------------------------------------------


def turned_sample_by_sample(signal, poses, times, sample_rate, order):
    """SciPy's Slerp at every sample, and for each the matrix by least squares: no recursion, no formula of ours.

    ``poses`` is a SciPy Rotation; before the first and after the last of ``times`` it rests.
    """
    from scipy.spatial.transform import Slerp

    at = np.clip(np.arange(signal.shape[-1]) / sample_rate, times[0], times[-1])
    result = np.empty_like(signal)
    for i, pose in enumerate(Slerp(times, poses)(at)):
        result[:, i] = rotation_by_least_squares(pose.as_matrix(), order) @ signal[:, i]
    return result
