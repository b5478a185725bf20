from __future__ import annotations

import numpy as np

from backend.methods.environs.config import EnvironsConfig
from backend.methods.environs.train import CHECKS, WAYS, best, mixed, shares_to_try

CONFIG = EnvironsConfig(steps=60)


def strips(level: float, way: int = 0, moment: int = 0) -> list[list[list[float]]]:
    """Five strips whose scores are `level` at one moment and way, and .1 below elsewhere."""
    scores = np.full((5, CHECKS, len(WAYS)), level - 0.1)
    scores[:, moment, way] = level
    found: list[list[list[float]]] = scores.tolist()
    return found


def test_what_is_clearly_better_on_strips_is_chosen() -> None:
    choice = best({0.2: strips(0.4, way=1, moment=2), 0.7: strips(0.3)}, CONFIG)
    assert (choice.hidden, choice.steps, choice.alone, choice.vote) == (0.2, 30, True, 0.0)
    assert choice.score == 0.4


def test_what_is_no_better_than_chance_leaves_the_usual_way() -> None:
    little, much = strips(0.4), strips(0.4)
    for strip, gain in enumerate((0.06, -0.05, 0.05, -0.04, 0.0)):
        little[strip][0][0] += gain
    assert np.mean([strip[0][0] for strip in little]) > 0.4
    assert best({0.2: little, 0.7: much}, CONFIG).hidden == 0.7


def test_what_is_switched_off_is_not_chosen() -> None:
    linear = WAYS.index((False, 1 / 3))
    assert best({0.7: strips(0.4, way=linear)}, CONFIG).vote > 0
    assert best({0.7: strips(0.4, way=linear)}, EnvironsConfig(steps=60, linear=False)).vote == 0
    assert not best({0.7: strips(0.4, way=1)}, EnvironsConfig(steps=60, wider=False)).alone


def test_without_strips_it_takes_the_middle_of_the_road() -> None:
    choice = best({0.2: [], 0.4: [], 0.7: []}, CONFIG)
    assert (choice.hidden, choice.steps) == (0.4, 30)


def test_few_genes_are_not_all_hidden() -> None:
    assert max(shares_to_try(1000, CONFIG)) > 0.9
    assert max(shares_to_try(12, CONFIG)) <= 0.5
    assert shares_to_try(1000, EnvironsConfig(masking=False)) == (0.0,)


def test_the_linear_map_is_made_as_loud_as_the_networks() -> None:
    random = np.random.default_rng(0)
    said, linear = random.standard_normal((50, 4)), 0.01 * random.standard_normal((50, 4))
    both = mixed(said, linear, 1 / 3)
    np.testing.assert_allclose(both, 2 / 3 * said + linear * said.std() / linear.std() / 3, rtol=1e-5)
    assert mixed(said, linear, 0.0) is said
