"""What a retriever keeps in memory: the same as the catalog says, bounded, and read once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from store_support import encoders

from rag.encoders import late
from rag.errors import IndexBusy
from rag.ingest import Indexer
from rag.search.known import Known
from rag.storage.recent import Recent


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=12), st.integers(1, 5))
@example([[0, 2, 1, 3], [0, 2, 3, 4], [3]], 4)  # found, and pushed out by what is read beside it
def test_the_last_used_are_kept_and_the_answer_is_always_right(
    asked: list[list[int]], most: int
) -> None:
    recent: Recent[int, int] = Recent(most)
    last: list[int] = []
    for keys in asked:
        reads: list[int] = []

        def read(missing: Sequence[int], reads: list[int] = reads) -> Mapping[int, int]:
            reads.extend(missing)
            return {key: key * key for key in missing if key != 9}

        found = recent.get(keys, read)
        assert found == {key: key * key for key in keys if key != 9}
        used = last[-max(most // 2, 1) :]
        assert not {*reads} & {*used}  # what was just used is not read again
        last = [key for key in last if key not in keys] + [
            key for key in dict.fromkeys(keys) if key in found and key not in reads
        ]
        last += [key for key in dict.fromkeys(reads) if key in found]


def test_many_threads_get_what_they_ask_for() -> None:
    recent: Recent[int, int] = Recent(20)
    faults: list[object] = []

    def work(seed: int) -> None:
        chance = np.random.default_rng(seed)
        for _ in range(300):
            keys = chance.integers(0, 60, 8).tolist()
            found = recent.get(keys, lambda missing: {key: -key for key in missing})
            if found != {key: -key for key in keys}:
                faults.append(found)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


def test_it_says_what_the_catalog_says(tmp_path: Path) -> None:
    folder = tmp_path / "essays"
    folder.mkdir()
    for number in range(6):
        text = f"# Head {number}\n\nFirst of {number}. Second one.\n\n第{number}篇说了。又一句。"
        (folder / f"{number}.md").write_text(text, "utf-8")
    kinds = encoders()
    with Indexer(tmp_path / "data", kinds) as index:
        index.ingest(folder)
        catalog = index.catalog
        known = Known(catalog, index.lexical, catalog.generation())
        ids = catalog.ids()
        for _ in range(2):  # read, then kept
            assert known.passages([*ids, 999]) == catalog.passages(ids)
            assert known.index("zh").count() == known.languages["zh"]
            for words in catalog.words(ids):
                entry = known.entries(ids)[words.unit]
                assert " ".join(entry.text.words) == words.body
                assert entry.above == {*words.heading.split(), *words.title.split()}
            for kind in (kinds.passage, kinds.sentence):
                owners, rows = catalog.sentence_vectors(kind.name, ids)
                parts = known.parts(kind.name, [*ids, 999])
                assert {*parts} == {*owners.tolist()}
                for unit, part in parts.items():
                    np.testing.assert_array_equal(part.rows, rows[owners == unit])
                present, wholes = catalog.passage_vectors(kind.name, ids)
                found = np.stack([parts[int(unit)].whole for unit in present])
                np.testing.assert_allclose(found, wholes, atol=1e-6)
        assert known.languages == catalog.languages()
        for language in known.languages:
            assert known.sample(language) == catalog.sample(language, 256)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Indexer]:
    folder = tmp_path / "essays"
    folder.mkdir()
    (folder / "a.txt").write_text("The lighthouse was built of stone.")
    (folder / "b.txt").write_text("灯塔是用石头建成的。", "utf-8")
    with Indexer(tmp_path / "data", encoders()) as made:
        made.ingest(folder)
        yield made


@pytest.mark.parametrize("sources", [["b.txt"], ["a.txt", "b.txt"]])
def test_the_last_passage_of_a_language_leaves_meanwhile(
    index: Indexer, sources: Sequence[str]
) -> None:
    known = Known(index.catalog, index.lexical, index.catalog.generation())
    assert known.languages["zh"] == 1
    for source in sources:
        index.remove(f"essays/{source}")
    for kind in (index.encoders.passage, index.encoders.sentence):
        assert (known.background(kind.name, "zh") @ kind.query("灯塔")).shape == (0,)
    ids, tokens = known.backdrop("hash-passage", "zh")
    assert not ids
    assert not len(late.match_best(np.empty((3, 32), np.float32), tokens))


def test_passages_that_were_made_anew_meanwhile_are_not_gone(index: Indexer) -> None:
    ids = index.catalog.ids()
    known = Known(index.catalog, index.lexical, index.catalog.generation())
    index.reindex()
    for read in (known.entries, known.passages, lambda ids: known.parts("hash-passage", ids)):
        with pytest.raises(IndexBusy, match="made anew"):
            read(ids)
    known = Known(index.catalog, index.lexical, index.catalog.generation())
    before = index.catalog.ids()
    index.remove("essays/b.txt")
    assert len(known.entries(before)) == len(known.passages(before)) == 1  # gone indeed
