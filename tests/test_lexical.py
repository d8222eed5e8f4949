"""The lexical index: it finds words, knows how rare they are, and follows the catalog."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from store_support import HashEncoder, essay, put

from rag.errors import IndexFault
from rag.index import Index
from rag.lexical import BOOSTS
from rag.storage.rows import Pending


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path) as made:
        put(
            made.catalog,
            [
                essay("r/a", ["red apple tree", "green apple", "blue sky"], title="Garden"),
                essay("r/b", ["apple pie", "42 loaves", "blue sky"], title="Kitchen"),
            ],
            HashEncoder(),
        )
        put(
            made.catalog, [essay("r/z", ["五 层 蛋糕", "apple 蛋糕"])], HashEncoder(), language="zh"
        )
        made.follow()
        yield made


def found(
    index: Index,
    words: str,
    language: str = "en",
    sources: Sequence[str] | None = None,
    boosts: Mapping[str, float] = BOOSTS,
) -> list[str]:
    hits = index.lexical.of(language).query(words.split(), 10, sources, boosts=boosts)
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
    return [passage.text for passage in index.catalog.passages([unit for unit, _ in hits])]


def test_any_word_finds_and_more_words_find_first(index: Index) -> None:
    assert found(index, "red apple")[0] == "red apple tree"
    assert set(found(index, "red apple")) == {"red apple tree", "green apple", "apple pie"}
    assert found(index, "42") == ["42 loaves"]
    assert found(index, "nothing") == []
    assert found(index, "") == []


def test_languages_are_apart(index: Index) -> None:
    assert found(index, "apple 蛋糕", "zh")[0] == "apple 蛋糕"
    assert "apple 蛋糕" not in found(index, "apple", "en")
    assert found(index, "apple", "ja") == []
    assert index.lexical.of("zh").count() == 2
    assert index.lexical.of("en").count() == 5
    assert index.lexical.of("ja").count() == 0


def test_document_frequency(index: Index) -> None:
    assert index.lexical.of("en").document_frequencies(["apple"]) == {"apple": 3}
    assert index.lexical.of("zh").document_frequencies(["apple"]) == {"apple": 1}
    assert index.lexical.of("en").document_frequencies(["nothing"]) == {"nothing": 0}
    kept = index.lexical.of("en")
    assert kept.document_frequencies(["apple"]) == {"apple": 3}
    assert list(kept.document_frequencies(["nothing", "apple"]).items()) == [
        ("nothing", 0),
        ("apple", 3),
    ]


def test_titles_find_their_passages(index: Index) -> None:
    assert "42 loaves" in found(index, "kitchen")
    assert found(index, "kitchen", boosts={"body": 1.0}) == []


def test_words_that_look_like_query_syntax_are_words(index: Index) -> None:
    assert found(index, 'AND OR NOT "apple title:kitchen * ? + - ( ~') == []


def test_filter(index: Index) -> None:
    assert found(index, "apple", sources=["r/b"]) == ["apple pie"]
    assert found(index, "sky", sources=["r/b"]) == ["blue sky"]  # stands in both
    assert found(index, "apple", sources=[]) == []
    assert found(index, "apple", sources=["unknown"]) == []
    unfiltered = dict(index.lexical.of("en").query(["apple"], 10))
    filtered = dict(index.lexical.of("en").query(["apple"], 10, ["r/b"]))
    assert all(unfiltered[unit] == pytest.approx(score) for unit, score in filtered.items())


def test_it_follows_changes(index: Index) -> None:
    with index.catalog.write() as writer:
        writer.drop_essay("r/a")
    index.follow(trust_fresh=True)
    assert found(index, "red green apple") == ["apple pie"]
    assert found(index, "sky") == ["blue sky"]
    assert found(index, "sky", sources=["r/b"]) == ["blue sky"]
    assert index.lexical.of("en").count() == 3
    assert index.lexical.agrees()


def test_applying_twice_changes_nothing(index: Index) -> None:
    put(index.catalog, [essay("r/c", ["apple crumble"])], HashEncoder())
    pending = index.catalog.pending("lexical")
    index.lexical.apply(pending)
    index.lexical.apply(pending)
    index.follow()
    assert found(index, "crumble") == ["apple crumble"]
    assert index.lexical.agrees()


def test_another_object_on_the_same_folder_sees_what_is_written(index: Index) -> None:
    with Index(index.folder) as other:
        assert found(other, "pie") == ["apple pie"]
        put(index.catalog, [essay("r/c", ["pumpkin pie"])], HashEncoder())
        index.follow(trust_fresh=True)
        assert set(found(other, "pie")) == {"apple pie", "pumpkin pie"}


def test_deleted_and_damaged_folders_come_back(index: Index) -> None:
    for damage in ("folder", "language", "file"):
        folder = index.lexical.folder
        if damage == "folder":
            shutil.rmtree(folder)
        elif damage == "language":
            shutil.rmtree(folder / "lang-en")
        else:
            (folder / "lang-en" / "meta.json").write_text("{")
        with Index(index.folder) as again:
            again.agree()
            assert set(found(again, "apple")) == {"red apple tree", "green apple", "apple pie"}


def test_killed_between_the_files_and_what_names_them(index: Index) -> None:
    folder = next(path for path in index.lexical.folder.iterdir() if path.name == "lang-en")
    before = (folder / "meta.json").read_bytes()
    held = {unit for unit, _ in index.lexical.of("en").query(["apple"], 9)}
    unit = min(held)
    pending = [Pending(unit, "en", fresh=False)]
    for _ in range(2):
        index.lexical._write(index.lexical.folder, "en", [unit], ())
        (folder / "meta.json").write_bytes(before)
    index.lexical.apply(pending)
    index.lexical.wrote()
    assert {unit for unit, _ in index.lexical.of("en").query(["apple"], 9)} == held


def test_a_damaged_folder_is_a_clear_error(index: Index) -> None:
    (index.folder / "lexical" / "lang-en" / "meta.json").write_text("{")
    with Index(index.folder) as again, pytest.raises(IndexFault, match="made again"):
        again.lexical.of("en").query(["apple"], 5)


def test_threads_ask_while_one_writes(index: Index) -> None:
    done = threading.Event()
    faults: list[list[str]] = []

    def ask() -> None:
        while not done.is_set():
            texts = found(index, "loaves")
            if texts != ["42 loaves"]:
                faults.append(texts)

    readers = [threading.Thread(target=ask) for _ in range(4)]
    for reader in readers:
        reader.start()
    for n in range(8):
        put(index.catalog, [essay(f"r/{n}", [f"apple {n}"])], HashEncoder())
        index.follow(trust_fresh=True)
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
