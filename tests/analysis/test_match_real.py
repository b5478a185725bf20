"""Real pairs: which atlas fits a lung, and what is said of another organ, another species and an incomplete atlas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend import settings
from backend.analysis.match_job import match
from backend.analysis.match_verdict import compare
from backend.datasets.add import add
from backend.records import Answers, Role
from tests.evaluation.small_study import SmallJob

DATA = Path(__file__).resolve().parents[3] / "shared/data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real files (../shared/data) are not here")
FILES: dict[str, tuple[str, Role, Answers]] = {
    "cosmx": ("st_human_NSCLC_CosMx960", "tissue", Answers()),
    "osmfish": ("st_mouse_cortex_osmFISH", "tissue", Answers(keep={"Valid": "1"}, unit="px", um_per_px=0.065)),
    "maynard": ("sc_human_lungNSCLC_Maynard3k", "reference", Answers()),
    "sapiens": ("sc_human_lung_TabulaSapiens1k", "reference", Answers()),
    "node": ("sc_human_lymphnode_ref330", "reference", Answers()),
    "zeisel": ("sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL", "reference", Answers()),
}


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, str], dict[str, Any]]]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESITU_HOME", str(home))
        patch.setattr("backend.datasets.canonical._embed", lambda data: (None, ()))  # a map that nothing here looks at
        assert settings.load().home == home
        ids = {}
        for name, (file, role, answers) in FILES.items():
            said = {"paths": [str(DATA / f"{file}.h5ad")], "role": role, "answers": answers.model_dump(), "name": name}
            ids[name] = add(said, SmallJob(home / "adding"))["dataset"]
        found = {}
        for tissue, atlases, types in (
            ("cosmx", ("maynard", "sapiens", "node"), "groups"), ("osmfish", ("zeisel", "maynard"), "column")
        ):  # fmt: skip
            for atlas in atlases:
                params = {"tissue": ids[tissue], "reference": ids[atlas], "tissue_types": types}
                job = SmallJob(home / f"{tissue}-{atlas}")
                found[tissue, atlas] = match({**params, "reference_types": "column"}, job)
        yield found


def lacking(facts: dict[str, Any]) -> set[str]:
    return {gone["type"] for gone in facts["no_counterpart"]}


def test_both_lung_atlases_know_most_of_the_lung_and_say_what_they_lack(facts) -> None:
    maynard, sapiens = facts["cosmx", "maynard"], facts["cosmx", "sapiens"]
    assert "does not fit" not in (maynard["verdict"], sapiens["verdict"])
    assert min(maynard["counterpart"], sapiens["counterpart"]) > 0.7
    assert (maynard["shared"], sapiens["shared"]) == (897, 878)
    assert abs(maynard["fit"] - sapiens["fit"]) < 6, "about equally good, for different reasons"
    assert compare(maynard, sapiens)
    # Maynard has no neutrophils; what it calls "other" is nobody's counterpart.
    assert any("CXCL8" in name for name in lacking(maynard))
    assert "other" not in {str(gone["nearest"]) for gone in maynard["no_counterpart"]}
    # Tabula Sapiens' file holds two plasma cells; Maynard's 139.
    assert any("IGHA1" in name for name in lacking(sapiens))
    assert not any("IGHA1" in name for name in lacking(maynard))


def test_a_lymph_node_lacks_what_a_lymph_node_lacks(facts) -> None:
    node = facts["cosmx", "node"]
    assert node["verdict"] == "fits in part"
    assert node["fit"] < facts["cosmx", "sapiens"]["fit"]
    for marker in ("KRT7", "TPSAB1", "CXCL8"):  # epithelium, mast cells, neutrophils
        assert any(marker in name for name in lacking(node))
    assert any("same organ" in warning for warning in node["warnings"])


def test_an_incomplete_atlas_knows_its_own_types_and_few_others(facts) -> None:
    zeisel = facts["osmfish", "zeisel"]
    assert zeisel["verdict"] == "does not fit"
    gone = lacking(zeisel)
    assert len(gone) > zeisel["types"] / 2
    assert {"pyramidal L4", "Endothelial", "Astrocyte Mfge8", "Ependymal"} <= gone
    assert not {"Microglia", "Oligodendrocyte Mature", "Inhibitory IC", "Inhibitory CP"} & gone


def test_another_species_and_organ_is_said(facts) -> None:
    far = facts["osmfish", "maynard"]
    assert far["verdict"] == "does not fit"
    assert far["fit"] < 25
    said = " ".join(far["warnings"])
    assert "The tissue is mouse, the atlas human" in said
    assert "another organ or species" in said
