"""The backbones that this installation has: checked once when they are added, then kept under the data root.

`backbones/NAME/` holds `config.json` and `model.safetensors` as published, `vocabulary.json` made from the published
dictionaries, and `backbone.json`, which says where they came from.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from backend.errors import DataError, InUse, NotFound, UserError
from backend.methods.scxm.geneformer.dictionaries import PLACES, dictionary_files, find_folder, read_published
from backend.methods.scxm.geneformer.layout import LAYOUTS, REPOSITORY, Layout
from backend.methods.scxm.geneformer.vocabulary import Vocabulary
from backend.methods.scxm.geneformer.weights import CONFIG, WEIGHTS, check_config, check_weights, layout_of
from backend.records import now
from backend.store import layout as store

VOCABULARY, NOTE = "vocabulary.json", "backbone.json"
_BLOCK = 2**20


@dataclass(frozen=True)
class Backbone:
    """A published model, and whether it is here. weights: the first digits of the SHA-256 of its file; source: the
    folder it was added from; both empty where it is not here."""

    name: str
    title: str
    layers: int
    width: int
    most_genes: int
    parameters: int
    here: bool
    weights: str = ""
    source: str = ""
    added: str = ""


def backbones() -> list[Backbone]:
    """All that Resitu can use, the smallest first."""
    return [_describe(layout) for layout in LAYOUTS.values()]


def backbone(name: str) -> Backbone:
    """Raises NotFound for a name that is not published."""
    return _describe(_layout(name))


def open_backbone(name: str) -> tuple[Path, Layout, Vocabulary]:
    """The folder of the weights (for `load_bert`), their layout, and the vocabulary. Raises NotFound, which says how to
    bring them here."""
    layout, folder = _layout(name), store.backbone_folder(name)
    if not (folder / NOTE).is_file():
        raise NotFound(
            f"The weights of {layout.folder} are not here.",
            "They are published, but too large to come along.",
            f"With internet, run\npython -m backend backbones fetch {name}\n{_by_hand(layout)}",
        )
    return folder, layout, _vocabulary(folder / VOCABULARY, (folder / NOTE).stat().st_mtime_ns)


def add(folder: Path, dictionaries: Path | None = None, source: str = "") -> Backbone:
    """Check a published folder and its dictionaries, and keep them. `dictionaries`: where those lie, if not beside the
    weights. `source`: where it came from, if not from `folder`. Raises UserError with all that is wrong."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.", mend="Name the published folder, with its path.")
    layout = layout_of(folder)
    published, faults = None, []
    try:
        published = read_published(find_folder(dictionaries or folder, layout.version), layout)
    except UserError as error:
        faults.append(error)
    for check in (check_config, check_weights):
        try:
            check(folder, layout)
        except UserError as error:
            faults.append(error)
    if faults or published is None:
        whats, whys, mends = ([getattr(one, part) for one in faults] for part in ("what", "why", "mend"))
        raise DataError(" ".join(whats), " ".join(whys), " ".join(mends))
    return _keep(folder, layout, Vocabulary.from_published(published), source or str(folder.resolve()))


def fetch(name: str) -> Backbone:
    """Download a published folder and its dictionaries, then `add` them. Raises UserError, which says how to do it by
    hand."""
    from huggingface_hub import snapshot_download

    layout = _layout(name)
    with tempfile.TemporaryDirectory(dir=_room(2 * 4 * layout.parameters)) as partial:  # the download, and what is kept
        try:
            snapshot_download(REPOSITORY, allow_patterns=_published_files(layout), local_dir=partial, token=False)
        except Exception as error:  # of any of the libraries below it: what helps is the same
            raise UserError(
                f"{layout.folder} could not be downloaded from huggingface.co.",
                f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no answer'}.",
                _by_hand(layout),
            ) from error
        return add(Path(partial) / layout.folder, source=f"huggingface.co/{REPOSITORY}")


def _published_files(layout: Layout) -> list[str]:
    """With their folders in the published repository."""
    weights = [f"{layout.folder}/{name}" for name in (CONFIG, WEIGHTS)]
    return weights + [f"{PLACES[layout.version]}/{name}" for name in dictionary_files(layout.version)]


def _by_hand(layout: Layout) -> str:
    lines = (
        f"Without internet: on a machine that has it, download these files of huggingface.co/{REPOSITORY},",
        *_published_files(layout),
        "put all of them into one folder here, and run",
        "python -m backend backbones add FOLDER",
    )
    return "\n".join(lines)


def _keep(folder: Path, layout: Layout, vocabulary: Vocabulary, source: str) -> Backbone:
    target = store.backbone_folder(layout.name)
    _room((folder / WEIGHTS).stat().st_size)
    with store.whole_folder(target) as partial:
        weights = _copy(folder / WEIGHTS, partial / WEIGHTS)
        old = _describe(layout)
        if old.here and old.weights != weights:
            raise InUse(
                f"Other weights are kept as {layout.name}.",
                f"They came from {old.source}; models that were trained on them need them.",
                f"Remove the folder {target} first if they are not wanted any more.",
            )
        shutil.copyfile(folder / CONFIG, partial / CONFIG)
        vocabulary.save(partial / VOCABULARY)
        store.write_json(partial / NOTE, {"layout": layout.name, "weights": weights, "source": source, "added": now()})
    return _describe(layout)


def _copy(source: Path, target: Path) -> str:
    """Returns the first 16 hex digits of the SHA-256."""
    sha = hashlib.sha256()
    with source.open("rb") as read, target.open("wb") as write:
        while block := read.read(_BLOCK):
            sha.update(block)
            write.write(block)
    return sha.hexdigest()[:16]


def _room(n_bytes: int) -> Path:
    """The folder in which backbones lie, with room for `n_bytes` more."""
    shelf = store.backbone_folder("any").parent
    shelf.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(shelf).free
    if free < n_bytes:
        raise UserError(
            f"The disk of {shelf} is full.",
            f"The weights need {n_bytes / 1e9:.1f} GB; {free / 1e9:.1f} GB are free.",
            "Make room, or set RESITU_HOME to another disk.",
        )
    return shelf


def _layout(name: str) -> Layout:
    if name not in LAYOUTS:
        raise NotFound(f"{name!r} is no backbone.", mend=f"There are {', '.join(LAYOUTS)}.")
    return LAYOUTS[name]


@lru_cache(maxsize=2)
def _vocabulary(path: Path, written: int) -> Vocabulary:
    """Kept, because pages ask before each launch; `written` tells one from the next."""
    return Vocabulary.load(path)


def _describe(layout: Layout) -> Backbone:
    path = store.backbone_folder(layout.name) / NOTE
    note = store.read_json(path) if path.is_file() else {}
    return Backbone(
        layout.name,
        layout.folder,
        layout.layers,
        layout.hidden,
        layout.max_len - 2 * layout.has_cls,
        layout.parameters,
        bool(note),
        *(note.get(part, "") for part in ("weights", "source", "added")),
    )
