"""A published backbone chosen on the training page."""

from __future__ import annotations

from backend.records import StudyRecord
from tests.pages.conftest import Open


def test_a_backbone_that_is_not_here_is_said_and_another_encoder_can_be_chosen(
    open_page: Open, study: StudyRecord
) -> None:
    app = open_page("training")
    encoder = app.selectbox(key="config.scxm.Standard.encoder")
    encoder.set_value("geneformer-v1-10m").run()
    assert not app.exception
    told = " ".join(error.value for error in app.error).replace("\\", "")
    assert "The weights of Geneformer-V1-10M are not here." in told
    assert "python -m backend backbones fetch geneformer-v1-10m" in told
    assert not [button for button in app.button if button.label == "Start training"]
    app.selectbox(key="config.scxm.Standard.encoder").set_value("mlp").run()
    assert not app.error
    assert [button for button in app.button if button.label == "Start training"]
