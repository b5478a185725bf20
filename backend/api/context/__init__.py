"""What the pages and the command line ask about contexts: put back in situ, attention, backbones."""

from backend.api.context._attention import (
    AttentionTest,
    attends,
    attention_test,
    find_attention_test,
    start_attention_test,
)
from backend.api.context._backbones import Backbone, add_backbone, backbones, fetch_backbone

__all__ = [
    "AttentionTest",
    "Backbone",
    "add_backbone",
    "attends",
    "attention_test",
    "backbones",
    "fetch_backbone",
    "find_attention_test",
    "start_attention_test",
]
