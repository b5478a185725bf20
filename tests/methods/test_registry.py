from __future__ import annotations

import subprocess
import sys

import pytest

from backend.errors import NotFound, UserError
from backend.methods import registry


def test_every_bad_setting_is_named_with_its_bounds() -> None:
    with pytest.raises(UserError) as caught:
        registry.config_from("scxm", {"epochs": 0, "encoder": "cnn", "colour": 1})
    assert "3 settings" in caught.value.what
    assert "epochs is 0; it must be a whole number, at least 1 and at most 2000." in caught.value.why
    assert "encoder is 'cnn'; it must be one of mlp, transformer, geneformer-v1-10m" in caught.value.why
    with pytest.raises(UserError, match="a number or empty, above 0 and at most 1000"):
        registry.config_from("scxm", {"sigma_um": -1})
    assert "no setting 'colour'" in caught.value.why


def test_defaults_fill_in_what_was_not_said() -> None:
    config = registry.config_from("scxm", {"epochs": 3})
    assert config == registry.card("scxm").config(epochs=3)


def test_an_unknown_method_is_not_found() -> None:
    with pytest.raises(NotFound, match="scxm"):
        registry.card("magic")


def test_each_card_has_an_implementation_of_its_name() -> None:
    for name, card in registry.cards().items():
        assert registry.method(name).card is card


def test_reading_the_cards_loads_no_torch() -> None:
    code = "import sys; from backend.methods import registry; registry.cards(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"
