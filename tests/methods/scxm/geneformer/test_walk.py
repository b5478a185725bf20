"""The whole way of a scientist with the published V1-10M: a folder as downloaded, full size, the published
dictionaries, real cells. Only the weights are random, because none can be had here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from scipy.sparse import csr_matrix

from backend.cli import main
from backend.methods.scxm.geneformer.layout import LAYOUTS
from backend.methods.scxm.geneformer.shelf import open_backbone
from backend.methods.scxm.geneformer.tokens import RankTokens
from backend.methods.scxm.geneformer.weights import load_bert
from tests.methods.scxm.geneformer.published import write_weights

DATA = Path(__file__).resolve().parents[5] / "shared/data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the published dictionaries (../shared/data) are not here")


def test_from_a_download_to_the_hidden_states_of_real_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import anndata

    monkeypatch.setenv("RESITU_HOME", str(tmp_path / "home"))
    layout = LAYOUTS["geneformer-v1-10m"]
    folder = write_weights(tmp_path / "download", layout)
    assert (folder / "model.safetensors").stat().st_size == 41_183_536
    for file in (DATA / "geneformer/V1").iterdir():
        (folder / file.name).symlink_to(file)
    assert main(["backbones", "add", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == 10_288_722
    assert main(["backbones", "list", "--json"]) == 0
    assert [one["here"] for one in json.loads(capsys.readouterr().out)] == [True, False, False]

    kept, found, vocabulary = open_backbone(layout.name)
    model = load_bert(kept, found)
    data = anndata.read_h5ad(DATA / "sc_mouse_CNS_Zeisel2018_TEINH_MGL_MOL.h5ad")
    read = RankTokens(vocabulary, list(data.var_names), max_len=128)  # mouse symbols, by their human partners
    assert 0.6 < read.known / data.n_vars < 1
    sentences = read(csr_matrix(data.X[:3]))
    assert sentences.lengths.tolist() == [128] * 3
    states = model(torch.from_numpy(sentences.flat.reshape(3, 128))).last_hidden_state
    assert states.shape == (3, 128, 256)
    assert torch.isfinite(states).all()
    means = states.detach().mean(dim=1)
    assert min((means[a] - means[b]).abs().max() for a, b in ((0, 1), (0, 2), (1, 2))) > 0.01  # three cells
