import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import ambikit
from ambikit import (
    angles_to_vectors,
    angular_distance,
    apply_transform,
    directional_gain,
    directional_gain_transform,
    directional_transform,
    encode,
    gauss_legendre_grid,
    mirror,
    rotate,
    rotation_matrix,
    transform_report,
)
from ambikit.errors import AmbikitError, ArrayTypeError, ShapeError
from tests.closeness import assert_close
from tests.oracles import real_spherical_harmonics

WINDOWS = ("cap", "cosine", "gaussian")


def window_at(angle, width, window):
    if window == "cap":
        return np.where(angle < width / 2, 1.0, 0.0)
    if window == "cosine":
        return np.where(angle < width, np.cos(np.pi * angle / width / 2) ** 2, 0.0)
    return 2.0 ** (-(1 - np.cos(angle)) / (1 - np.cos(width / 2)))


def nodes_around(axis, width, window):
    """Directions, their angles to an axis, and weights of sum 1: Gauss nodes within the window, and beyond its edge."""
    edges = {"cap": [0, width / 2, np.pi], "cosine": [0, width, np.pi], "gaussian": [0, np.pi]}[window]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    middle, half = (np.diff(edges) / 2 + edges[:-1])[:, None], np.diff(edges)[:, None] / 2
    angle = (middle + half * nodes).ravel()[:, None]
    weights = (half * weights).ravel()[:, None] * np.sin(angle) / 2
    around = 2 * np.pi * np.arange(30) / 30
    left = np.cross([0.0, 0.0, 1.0], axis) / np.hypot(*axis[:2])
    across = np.cos(around)[:, None] * left + np.sin(around)[:, None] * np.cross(axis, left)
    vectors = np.cos(angle)[..., None] * axis + np.sin(angle)[..., None] * across
    angle, weights = (np.broadcast_to(part, vectors.shape[:-1]).ravel() for part in (angle, weights / 30))
    return vectors.reshape(-1, 3), angle, weights


class TestValues:
    @pytest.mark.parametrize(("window", "limit"), [("cap", 5e-3), ("cosine", 1e-6), ("gaussian", 1e-12)])
    def test_against_the_integral_over_a_grid(self, window, limit):
        """The grid is coarse for edges, hence the limits; the cap's are proven by closed forms below."""
        azimuth, elevation, weights = gauss_legendre_grid(90)
        angle = angular_distance(azimuth, elevation, 0.4, 0.3)
        gains = 1.4 + (0.5 - 1.4) * window_at(angle, 1.1, window)
        before = real_spherical_harmonics(azimuth, elevation, 2, "n3d") * np.sqrt([1, 3, 3, 3, 5, 5, 5, 5, 5])
        expected = real_spherical_harmonics(azimuth, elevation, 4).T @ (before * (weights * gains)[:, None])
        decibels = 20 * np.log10([0.5, 1.4])
        transform = directional_gain_transform(
            2, 0.4, 0.3, 1.1, decibels[0], outside_db=decibels[1], window=window, output_order=4
        )
        assert np.abs(transform.matrix - expected).max() < limit

    @given(width=st.floats(0.05, 6.2))
    def test_a_cap_by_its_polynomials(self, width):
        """W alone: (1 − c) / 2 with c = cos(width / 2), and (P_{n−1}(c) − P_{n+1}(c)) / (2 (2 n + 1))."""
        from scipy.special import eval_legendre

        matrix = directional_gain_transform(
            0, 0, 90, np.degrees(width), outside_db=-np.inf, window="cap", output_order=6, degrees=True
        ).matrix
        c, n = np.cos(width / 2), np.arange(1, 7)
        expected = (eval_legendre(n - 1, c) - eval_legendre(n + 1, c)) / (2 * (2 * n + 1))
        assert matrix[n * (n + 1), 0] == pytest.approx(expected, abs=1e-13)
        assert matrix[0, 0] == pytest.approx((1 - c) / 2, abs=1e-13)

    def test_two_halves_make_the_whole(self, rng):
        signal = rng.normal(size=(16, 5))
        halves = [
            directional_gain(signal, a, 0, 180, outside_db=-np.inf, window="cap", degrees=True) for a in (90, -90)
        ]
        assert_close(sum(halves), signal)

    @pytest.mark.parametrize("window", WINDOWS)
    def test_nothing_at_zero_decibels(self, window, library, dtype, rng):
        signal = rng.normal(size=(9, 5))
        result = directional_gain(library.array(signal, dtype), 0.3, 0.2, 1.0, 0.0, window=window)
        assert_close(library.numpy(result), signal, dtype)

    @pytest.mark.parametrize("window", WINDOWS)
    @pytest.mark.parametrize(("inside_db", "outside_db"), [(-6.0, 0.0), (6.0, -6.0)])
    def test_sources_inside_and_outside(self, window, inside_db, outside_db):
        """Level and place of sources of order 12, by an integral around the axis that is split at the window's edge.

        A plane wave of order N is Σ (2 n + 1) Pₙ on the sphere; it is multiplied by the gain and projected to order N.
        """
        order, places = 12, np.array([[30, 150, -120], [0, -30, 10]])
        vectors, angle, weights = nodes_around(angles_to_vectors(30, 0, degrees=True), np.pi / 2, window)
        inside, outside = 10 ** (inside_db / 20), 10 ** (outside_db / 20)
        gains = outside + (inside - outside) * window_at(angle, np.pi / 2, window)
        scale = np.repeat(2 * np.arange(order + 1) + 1, 2 * np.arange(order + 1) + 1)
        harmonics = real_by_vectors(vectors, order)
        sources = angles_to_vectors(*places, degrees=True)
        waves = np.polynomial.legendre.legval(sources @ vectors.T, 2.0 * np.arange(order + 1) + 1)
        channels = (waves * gains * weights) @ harmonics
        density = weights * ((channels * scale) @ harmonics.T) ** 2
        transform = directional_gain_transform(
            order, 30, 0, 90, inside_db, outside_db=outside_db, window=window, degrees=True
        )
        assert_close(encode(np.ones(1), *places, order, degrees=True)[..., 0] @ transform.matrix.T, channels, factor=10)
        report = transform_report(transform, *places, degrees=True)
        energy = (scale * channels**2).sum(-1) / (order + 1) ** 2
        assert report.level_db == pytest.approx(10 * np.log10(energy), abs=1e-9)
        assert_close(report.energy_vector, density @ vectors / density.sum(-1, keepdims=True), factor=10)
        if window == "cap":
            assert report.wanted_db == pytest.approx([inside_db, outside_db, outside_db], abs=1e-12)

    def test_levels_come_nearer_to_the_wish_with_order(self):
        """Of sources in the middle of a window of 90° and behind it: their side lobes feel the other gain less."""
        errors = []
        for order in (3, 7, 15):
            transform = directional_gain_transform(order, 0, 0, 90, 6.0, outside_db=-6.0, degrees=True)
            report = transform_report(transform, [0, 180], 0, degrees=True)
            errors.append(abs(report.level_db - report.wanted_db))
        assert (errors[0] > errors[1]).all()
        assert (errors[1] > errors[2]).all()

    def test_the_window_is_half_at_the_edge_of_its_width(self):
        edge = angles_to_vectors([75, 30], [0, 45], degrees=True)
        for window in ("cosine", "gaussian"):
            transform = directional_gain_transform(1, 30, 0, 90, outside_db=-np.inf, window=window, degrees=True)
            assert transform.gain(edge) == pytest.approx(0.5)

    @pytest.mark.parametrize(("window", "left"), [("gaussian", [-14.8, -18.5, -21.7]), ("cap", [-13.7, -18.7, -21.3])])
    def test_masks_get_better_with_order(self, window, left):
        """What a mask of 90° leaves of a source behind, in dB: side lobes of the source lie within the window."""
        levels = []
        for order in (1, 3, 7):
            mask = directional_gain_transform(order, 0, 0, 90, outside_db=-np.inf, window=window, degrees=True)
            levels.append(float(transform_report(mask, 180, 0, degrees=True).level_db))
        assert levels == pytest.approx(left, abs=0.06)


class TestProducts:
    """A gain of known harmonics: the product of two functions on the sphere, exact (Gaunt)."""

    def test_of_polynomials(self):
        """(1 + y) times a plane wave of order 1, seen at order 2, point by point."""
        signal = encode(np.ones(1), 0.3, 0.2, 1)
        result = apply_transform(signal, directional_transform(1, gain=[1.0, 1.0, 0, 0], output_order=2))
        azimuth, elevation, _ = gauss_legendre_grid(4)
        before = real_spherical_harmonics(azimuth, elevation, 1) * [1, 3, 3, 3] @ signal[:, 0]
        after = real_spherical_harmonics(azimuth, elevation, 2) * [1, 3, 3, 3, 5, 5, 5, 5, 5] @ result[:, 0]
        assert_close(after, (1 + np.sin(azimuth) * np.cos(elevation)) * before)

    def test_against_wigner_symbols(self):
        """m = 0 alone: the integral of three Legendre polynomials is twice the square of a 3j symbol."""
        sympy = pytest.importorskip("sympy.physics.wigner")
        matrix = directional_transform(3, gain=np.eye(9)[6], output_order=4).matrix
        for n in range(4):
            for k in range(5):
                expected = (2 * n + 1) * float(sympy.wigner_3j(2, n, k, 0, 0, 0)) ** 2
                assert matrix[k * (k + 1), n * (n + 1)] == pytest.approx(expected, abs=1e-13)

    def test_products_commute(self, rng):
        """Gain times field is field times gain, up to the scale of the harmonics."""
        gain, signal = rng.normal(size=4), rng.normal(size=9)
        scale = np.repeat(2 * np.arange(4) + 1, 2 * np.arange(4) + 1)
        one = directional_transform(2, gain=gain, output_order=3).matrix @ signal
        two = directional_transform(1, gain=signal * scale[:9], output_order=3).matrix @ (gain / scale[:4])
        assert_close(one, two)

    def test_weights_are_functions(self, library, rng):
        gain = rng.normal(size=9)
        by_function = directional_transform(3, gain=lambda d: real_by_vectors(d, 2) @ gain)
        by_weights = directional_transform(3, gain=library.array(gain))
        assert_close(library.numpy(by_weights.matrix), by_function.matrix)

    def test_a_mask_can_be_learned(self, rng):
        signal = torch.tensor(rng.normal(size=(4, 3)))
        gain = torch.tensor(rng.normal(size=(2, 4)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda g: apply_transform(signal, directional_transform(1, gain=g)), gain)


def real_by_vectors(vectors, order):
    x, y, z = np.moveaxis(vectors, -1, 0)
    return real_spherical_harmonics(np.arctan2(y, x), np.arcsin(np.clip(z, -1, 1)), order)


class TestAnyTransform:
    def test_a_rotation_is_found(self):
        from scipy.spatial.transform import Rotation

        turn = Rotation.from_euler("ZYX", [0.4, -0.3, 1.2])
        for move in (turn.apply, lambda d: torch.tensor(turn.apply(d))):
            transform = directional_transform(3, move=move, output_order=4)
            assert_close(np.asarray(transform.matrix)[:16], rotation_matrix(rotation=turn, order=3))
            assert np.abs(np.asarray(transform.matrix)[16:]).max() < 1e-12

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        with pytest.raises(ShapeError, match="unit vectors"):
            directional_transform(1, gain=lambda d: d)
        with pytest.raises(ShapeError, match="unit vectors"):
            directional_transform(1, move=lambda d: d[:, :2])
        with pytest.raises(ShapeError, match="one number"):
            directional_transform(1, gain=0.5)
        with pytest.raises(ShapeError, match="5 weights"):
            directional_transform(1, gain=np.ones(5))
        with pytest.raises(AmbikitError, match="output_order="):
            directional_transform(1, output_order=-1)


class TestLaws:
    @pytest.mark.parametrize("window", WINDOWS)
    def test_turns_mirrors_and_scale(self, window, rng):
        signal = rng.normal(size=(9, 4))

        def edited(x, azimuth, elevation):
            return directional_gain(x, azimuth, elevation, 1.2, 6.0, outside_db=-9.0, window=window)

        expected = edited(signal, 0.5, 0.3)
        assert_close(rotate(edited(rotate(rotate(signal, -0.5), pitch=0.3), 0, 0), 0.5, -0.3), expected)
        assert_close(mirror(edited(mirror(signal, "left_right"), -0.5, 0.3), "left_right"), expected)
        assert_close(1e6 * edited(1e-6 * signal, 0.5, 0.3), expected)


class TestArrays:
    @pytest.mark.parametrize("window", WINDOWS)
    def test_batches(self, window, library, dtype, rng):
        signal, angles = rng.normal(size=(2, 1, 9, 6)), rng.uniform(-1, 1, (2, 3))
        result = directional_gain(
            library.array(signal, dtype), library.array(angles), 0.2, 1.0, [-3.0, 3.0, -np.inf], window=window
        )
        result = library.numpy(result)
        assert result.shape == (2, 3, 9, 6)
        for k, gain_db in enumerate([-3.0, 3.0, -np.inf]):
            expected = directional_gain(signal[1, 0], angles[1, k], 0.2, 1.0, gain_db, window=window)
            assert_close(result[1, k], expected, dtype)

    def test_gradients(self, rng):
        signal = torch.tensor(rng.normal(size=(4, 2)), requires_grad=True)
        values = torch.tensor([0.3, 0.2, 1.1, 4.0, -6.0], dtype=torch.float64, requires_grad=True)
        for window in WINDOWS:
            assert torch.autograd.gradcheck(
                lambda s, v, w=window: directional_gain(s, *v[:4].unbind(), outside_db=v[4], window=w), (signal, values)
            )

    def test_silence_has_a_finite_gradient(self):
        gain = torch.tensor(-np.inf, dtype=torch.float64, requires_grad=True)
        directional_gain(torch.ones(4, 2, dtype=torch.float64), 0.1, 0.2, 1.0, gain).sum().backward()
        assert gain.grad == 0

    @pytest.mark.usefixtures("no_shape_hook")
    def test_compile_and_vmap(self, rng):
        signal, width = torch.tensor(rng.normal(size=(3, 9, 4))), torch.tensor([0.3, 0.8, 2.0], dtype=torch.float64)
        for window in WINDOWS:
            expected = directional_gain(signal, 0.3, 0.2, width, -6.0, window=window).numpy()

            def one(s, w, window=window):
                return directional_gain(s, 0.3, 0.2, w, -6.0, window=window)

            assert_close(torch.vmap(one)(signal, width).numpy(), expected)
            assert_close(torch.compile(one, fullgraph=True, backend="eager")(signal, width).numpy(), expected)

    @pytest.mark.usefixtures("no_shape_hook")
    def test_errors(self):
        signal = np.ones((4, 3))
        for width in (0, -1.0, 3.2, float("nan")):
            with pytest.raises(AmbikitError, match="width="):
                directional_gain(signal, 0, 0, width)
        with pytest.raises(AmbikitError, match=r"0\.00036 to 360"):
            directional_gain(signal, 0, 0, 361, window="cap", degrees=True)
        with pytest.raises(AmbikitError, match="window='hann'"):
            directional_gain(signal, 0, 0, 1.0, window="hann")
        with pytest.raises(ArrayTypeError, match="one library"):
            directional_gain(signal, torch.zeros(1), 0, 1.0)
        with pytest.raises(ShapeError, match="broadcast"):
            directional_gain(np.ones((2, 4, 3)), np.zeros(3), 0, 1.0)


def test_as_a_layer(rng):
    transform = directional_gain_transform(2, 0.3, 0.2, 1.0, -6.0, output_order=1)
    layer, signal = ambikit.nn.DirectionalEdit(transform), torch.tensor(rng.normal(size=(2, 9, 5)))
    expected = apply_transform(signal, transform).numpy()
    assert_close(layer(signal).numpy(), expected)
    assert_close(layer.double()(signal).numpy(), expected)
    assert_close(layer.half()(signal.float()).numpy(), expected, "float32")
    assert not layer.state_dict()
    with pytest.raises(ShapeError, match="order 1"):
        layer(signal[:, :4])
