"""What the pages and the command line ask about contexts: put back in situ, attention, backbones."""

from backend.api.context._attention import (
    AttentionTest,
    attends,
    attention_test,
    find_attention_test,
    start_attention_test,
)
from backend.api.context._backbones import Backbone, add_backbone, backbones, fetch_backbone
from backend.api.context._compared import compared
from backend.api.context._put_back import (
    CellList,
    PutBack,
    find_cells,
    find_origins,
    find_put_back,
    place_cells,
    put_back,
    put_back_tissue,
    start_put_back,
)

__all__ = [
    "AttentionTest",
    "Backbone",
    "CellList",
    "PutBack",
    "add_backbone",
    "attends",
    "attention_test",
    "backbones",
    "compared",
    "fetch_backbone",
    "find_attention_test",
    "find_cells",
    "find_origins",
    "find_put_back",
    "place_cells",
    "put_back",
    "put_back_tissue",
    "start_attention_test",
    "start_put_back",
]
