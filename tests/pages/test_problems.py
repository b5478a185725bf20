"""An error as the pages show it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def refused() -> None:
    from backend.datasets.readers.formats import _from_r
    from pages.components.problems import problem

    problem({"what": "a.rds is an R object.", "why": "Only R can open it.", "mend": _from_r("a.rds")})


def test_commands_keep_their_lines_and_their_letters() -> None:
    [error] = AppTest.from_function(refused).run().error
    *_, install, read, write = (line.rstrip().replace("\\", "") for line in error.value.splitlines())
    assert install == 'install.packages("BiocManager"); BiocManager::install(c("anndataR", "rhdf5"))'
    assert read == 'object <- SeuratObject::UpdateSeuratObject(readRDS("a.rds"))'
    assert write == 'anndataR::write_h5ad(object, "a.h5ad")'
    assert all(line.endswith("  ") for line in error.value.splitlines()[-4:-1])  # markdown's line break


def test_an_r_file_may_be_chosen_so_that_one_is_told() -> None:
    from pages.data.add import TYPES

    assert {"rds", "h5seurat"} <= set(TYPES)
