from __future__ import annotations

import numpy as np

from backend.training.batches import Shuffle, stream


def test_a_stream_is_a_function_of_its_name_and_step() -> None:
    first = stream(0, "critic", 3).random(4)
    assert np.array_equal(first, stream(0, "critic", 3).random(4))
    for other in (stream(1, "critic", 3), stream(0, "encoder", 3), stream(0, "critic", 4)):
        assert not np.array_equal(first, other.random(4))


def test_a_pass_holds_each_row_once_and_the_next_pass_another_order() -> None:
    batches = Shuffle(12, 4, seed=0, purpose="rows")
    first = np.concatenate([batches.at(step) for step in range(3)])
    second = np.concatenate([batches.at(step) for step in range(3, 6)])
    assert sorted(first) == sorted(second) == list(range(12))
    assert not np.array_equal(first, second)


def test_a_batch_does_not_depend_on_what_was_asked_before() -> None:
    fresh = Shuffle(100, 8, seed=0, purpose="rows")
    used = Shuffle(100, 8, seed=0, purpose="rows")
    for step in (40, 3, 17):
        used.at(step)
    assert np.array_equal(used.at(25), fresh.at(25))


def test_fewer_rows_than_a_batch_are_drawn_with_replacement() -> None:
    batch = Shuffle(3, 8, seed=0, purpose="rows").at(0)
    assert batch.shape == (8,)
    assert set(batch) <= {0, 1, 2}
