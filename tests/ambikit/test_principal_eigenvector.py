import numpy as np
import pytest
import torch

from ambikit.analysis.principal_eigenvector import is_dominated, local_covariance, principal_projector
from tests.closeness import assert_close


def hermitian(rng, eigenvalues, batch=20):
    """Matrices with these eigenvalues and random eigenvectors, and the projectors on the last one."""
    count = len(eigenvalues)
    basis, _ = np.linalg.qr(rng.normal(size=(batch, count, count)) + 1j * rng.normal(size=(batch, count, count)))
    matrix = basis * np.array(eigenvalues) @ basis.conj().mT
    return matrix, basis[..., :, -1:] @ basis[..., :, -1:].conj().mT


class TestCovariance:
    @pytest.mark.parametrize("frames", [1, 2, 7, 100])
    def test_by_hand(self, library, rng, frames):
        spectrum = rng.normal(size=(2, 3, 4, 9)) + 1j * rng.normal(size=(2, 3, 4, 9))
        result = library.numpy(local_covariance(library.array(spectrum), frames))
        assert result.shape == (2, 4, 9, 3, 3)
        for t in range(9):
            part = spectrum[..., max(t - frames // 2, 0) : t + (frames - 1) // 2 + 1]
            if frames % 2:
                expected = np.einsum("bift,bjft->bfij", part, part.conj())
                here = result[:, :, t]
                scale = np.abs(here).max((-1, -2), keepdims=True) / np.abs(expected).max((-1, -2), keepdims=True)
                assert_close(here, expected * scale, factor=10)


class TestProjector:
    @pytest.mark.parametrize("eigenvalues", [(0, 0, 0, 3), (1, 1, 1, 5), (0.1, 0.2, 0.9, 1), (-0.1, 0, 0.2, 2)])
    @pytest.mark.parametrize("scale", [1, 1e-12, 1e12])
    def test_is_that_of_the_largest_eigenvalue(self, library, rng, eigenvalues, scale):
        matrix, projector = hermitian(rng, eigenvalues)
        result = library.numpy(principal_projector(library.array(scale * matrix)))
        assert np.abs(result - projector).max() < 1e-11

    def test_single_precision(self, library, rng):
        matrix, projector = hermitian(rng, (0, 0.3, 0.5, 1))
        result = library.numpy(principal_projector(library.array(matrix.astype(np.complex64))))
        assert result.dtype == np.complex64
        assert np.abs(result - projector).max() < 1e-5

    def test_eigenvalues_six_percent_apart(self, rng):
        matrix, projector = hermitian(rng, (0, 0, 0.94, 1))
        assert np.abs(principal_projector(matrix) - projector).max() < 3e-7

    def test_equal_eigenvalues_and_silence(self, library):
        result = library.numpy(principal_projector(library.array(np.diag([1, 1, 0, 0]).astype(complex))))
        assert_close(result, np.diag([0.5, 0.5, 0, 0]))
        assert not library.numpy(principal_projector(library.array(np.zeros((3, 4, 4), complex)))).any()

    @pytest.mark.parametrize("eigenvalues", [(0, 0, 0, 1), (0, 0, 0, 0), (1, 1, 1, 1), (0.1, 0.3, 0.5, 1)])
    def test_gradients_are_finite(self, rng, eigenvalues):
        matrix = torch.as_tensor(hermitian(rng, eigenvalues, batch=2)[0]).requires_grad_()
        principal_projector(matrix)[..., 0].abs().square().sum().backward()
        assert matrix.grad.isfinite().all()


class TestDominance:
    @pytest.mark.parametrize("ratio", [1.5, 5.0, 20.0])
    def test_against_a_solver(self, library, rng, ratio):
        parts = rng.normal(size=(4000, 4, 4)) + 1j * rng.normal(size=(4000, 4, 4))
        matrix = parts * rng.uniform(0, 1, size=(4000, 1, 4)) ** 3
        matrix = matrix @ matrix.conj().mT
        values = np.linalg.eigvalsh(matrix)
        clear = np.abs(values[:, -1] / values[:, -2] / ratio - 1) > 1e-3
        tensor = library.array(matrix)
        result = library.numpy(is_dominated(tensor, principal_projector(tensor), ratio))
        expected = values[:, -1] > ratio * values[:, -2]
        assert 50 < expected.sum() < 3950
        assert (result == expected)[clear].all()

    def test_silence_and_rank_one(self, library):
        silent = library.array(np.zeros((1, 4, 4), complex))
        assert not library.numpy(is_dominated(silent, principal_projector(silent), 5.0)).any()
        wave = library.array(np.ones((1, 4, 4), dtype=np.complex64))
        assert library.numpy(is_dominated(wave, principal_projector(wave), 1e4)).all()
