import math

import torch

from gatewise.cells.dropout import draw_mask
from gatewise.cells.initialise import glorot_uniform, orthogonal


def test_glorot_limits_see_the_whole_matrix():
    weights = glorot_uniform(400, 100, torch.Generator().manual_seed(0))
    limit = math.sqrt(6 / 500)
    assert weights.abs().max() <= limit
    assert weights.abs().max() > 0.99 * limit
    torch.testing.assert_close(weights.std(), torch.tensor(limit / math.sqrt(3)), rtol=0.01, atol=0)


def test_the_shorter_side_of_an_orthogonal_matrix_is_orthonormal():
    tall = orthogonal(12, 4, torch.Generator().manual_seed(0))
    torch.testing.assert_close(tall.T @ tall, torch.eye(4))
    wide = orthogonal(4, 12, torch.Generator().manual_seed(0))
    torch.testing.assert_close(wide @ wide.T, torch.eye(4))


def test_a_mask_keeps_the_mean_and_follows_its_generator():
    like = torch.zeros(1, dtype=torch.float64)
    mask = draw_mask((100, 100), 0.2, like=like, generator=torch.Generator().manual_seed(0))
    again = draw_mask((100, 100), 0.2, like=like, generator=torch.Generator().manual_seed(0))
    assert torch.equal(mask, again)
    assert mask.dtype == torch.float64
    assert sorted(mask.unique().tolist()) == [0.0, 1.25]
    assert abs(mask.mean().item() - 1.0) < 0.02
