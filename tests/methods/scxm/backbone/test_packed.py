from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from backend.methods.scxm.backbone import packed as packing
from backend.methods.scxm.backbone.packed import Packed, attention, attention_of_first

HEADS, WIDTH = 2, 8
CELLS = Packed(np.array([1, 3, 3, 4, 9, 10]))


def test_groups_and_cuts_hold_every_cell_once_in_order() -> None:
    for slack in (0.0, 0.25, 0.9):
        groups = list(CELLS.groups(slack))
        assert np.array_equal(np.concatenate([group.lengths for group in groups]), CELLS.lengths)
        assert [group.rows.start for group in groups] == [0, *(group.rows.stop for group in groups[:-1])]
        assert groups[-1].rows.stop == CELLS.n_rows == 30
        assert all(group.lengths[0] >= (1 - slack) * group.longest for group in groups)
    assert len(list(CELLS.groups(0.0))) == 5
    assert [cells for cells, _ in CELLS.cut(8)] == [slice(0, 3), slice(3, 4), slice(4, 5), slice(5, 6)]
    assert [rows for _, rows in CELLS.cut(19)] == [slice(0, 11), slice(11, 30)]
    assert np.array_equal(CELLS.positions[:8], [0, 0, 1, 2, 0, 1, 2, 0])


@pytest.mark.parametrize("slack", [0.0, 0.5])
def test_each_cell_attends_to_itself_alone(slack: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(packing.SLACK, "cpu", slack)
    torch.manual_seed(0)
    q, k, v = (torch.randn(CELLS.n_rows, WIDTH) for _ in range(3))
    alone = []
    for rows in torch.split(torch.arange(CELLS.n_rows), CELLS.lengths.tolist()):
        asked, key, value = (x[rows].reshape(len(rows), HEADS, -1).transpose(0, 1) for x in (q, k, v))
        alone.append(F.scaled_dot_product_attention(asked, key, value).transpose(0, 1).flatten(1))
    assert torch.allclose(attention(q, k, v, CELLS, HEADS), torch.cat(alone), atol=1e-6)
    firsts = q[torch.from_numpy(CELLS.starts)]
    expected = torch.stack([cell[0] for cell in alone])
    assert torch.allclose(attention_of_first(firsts, k, v, CELLS, HEADS), expected, atol=1e-6)
