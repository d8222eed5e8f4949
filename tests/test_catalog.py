"""The catalog: what is put in comes out, copies are one unit, a failed write leaves nothing."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from store_support import HashEncoder, essay, put

from rag.catalog import Catalog
from rag.errors import IndexFault, IndexMismatch, SourceNotFound
from rag.schema import Essay, OffsetMap, Passage, Place
from rag.storage.database import MIGRATIONS
from rag.storage.rows import FileState, Piece


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog(tmp_path / "catalog.db")
    yield made
    made.close()


@pytest.fixture
def encoder() -> HashEncoder:
    return HashEncoder()


def texts(catalog: Catalog) -> list[str]:
    return [passage.text for passage in catalog.passages(catalog.ids())]


def test_essay_comes_back_as_it_was(catalog: Catalog, encoder: HashEncoder) -> None:
    one = Essay(
        source="r/é\n😀.txt", text="a\r\nb\0c \u0301😀", digest="d", title="T", author="A",
        date="2025-01", tags=("x", "雨"), origin="https://x", language="en", encoding="big5",
        body_start=3, markdown=True,
    )  # fmt: skip
    put(catalog, [one], encoder)
    assert catalog.essay(one.source) == one
    assert catalog.text(one.source) == one.text
    (info,) = catalog.essays()
    assert (info.characters, info.passages, info.date) == (len(one.text), 2, "2025-01")


def test_unknown_source(catalog: Catalog) -> None:
    with pytest.raises(SourceNotFound, match="rag list"):
        catalog.text("nothing")
    with pytest.raises(SourceNotFound):
        catalog.essay("nothing")


def test_passages_keep_their_order_and_skip_the_gone(
    catalog: Catalog, encoder: HashEncoder
) -> None:
    put(catalog, [essay("r/a", ["one", "two", "three"])], encoder)
    ids = catalog.ids()
    found = catalog.passages([ids[2], 999, ids[0]])
    assert [passage.text for passage in found] == ["three", "one"]
    assert [passage.id for passage in found] == [str(ids[2]), str(ids[0])]


def test_offsets_come_back(catalog: Catalog, encoder: HashEncoder) -> None:
    runs = OffsetMap(((0, 10, 2), (2, 13, 3)))
    passage = Passage(
        id="", source="r/a", title="t", heading="h > i", start=10, end=16, text="abcde",
        raw="ab-cde", context="before\n[…]", language="en", offsets=runs,
    )  # fmt: skip
    one = essay("r/a", ["0123456789ab-cde"])
    piece = Piece(passage, "k", "abcde", "h i", {})
    with catalog.write() as writer:
        root = writer.add_root("/r", "r")
        writer.put_essay(root.id, one, FileState(1, 2, 3, 4), "t", [piece])
    (found,) = catalog.passages(catalog.ids())
    assert found.offsets == runs
    assert found.quote(1, 4) == "b-cd"
    assert (found.heading, found.context, found.raw) == ("h > i", "before\n[…]", "ab-cde")


def test_copies_are_one_unit_and_are_handed_over(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["first", "shared words"])], encoder)
    put(catalog, [essay("r/b", ["Shared words", "second"])], encoder)
    assert len(catalog.ids()) == 3
    shared = next(p for p in catalog.passages(catalog.ids()) if p.places)
    assert (shared.source, shared.places) == ("r/a", (Place("r/b", 0, 12),))
    with catalog.write() as writer:
        assert writer.drop_essay("r/a")
    (left,) = catalog.passages([int(shared.id)])
    assert (left.source, left.text, left.places) == ("r/b", "Shared words", ())
    assert sorted(texts(catalog)) == ["Shared words", "second"]
    assert len(catalog.passage_vectors(encoder.name, [int(shared.id)])[0]) == 1


def test_filtered_passages_are_shown_inside_the_filter(
    catalog: Catalog, encoder: HashEncoder
) -> None:
    put(catalog, [essay("r/a", ["shared"]), essay("r/b", ["shared", "own"])], encoder)
    (shown,) = catalog.passages(catalog.ids()[:1], ["r/b"])
    assert (shown.source, shown.places) == ("r/b", ())
    assert catalog.passages(catalog.ids(), []) == []
    assert len(catalog.selection(["r/b", "unknown"], "en")) == 2
    assert len(catalog.selection([], "en")) == 0


def test_an_id_is_never_used_again(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one"])], encoder)
    (before,) = catalog.ids()
    with catalog.write() as writer:
        writer.drop_essay("r/a")
    put(catalog, [essay("r/a", ["two"])], encoder)
    assert catalog.ids()[0] > before


def test_only_what_changed_is_pending(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one", "two"], title="T")], encoder)
    assert all(entry.fresh for entry in catalog.pending("vectors"))
    for kind in ("vectors", "lexical"):
        with catalog.write() as writer:
            writer.followed(kind, catalog.pending(kind))
    put(catalog, [essay("r/a", ["one", "three"], title="T")], encoder)
    changed = {entry.unit: entry.fresh for entry in catalog.pending("vectors")}
    kept, new = catalog.ids()
    assert changed == {kept + 1: False, new: True}
    # the lexical index also holds the number of the essay, which is a new one
    assert kept in {entry.unit for entry in catalog.pending("lexical")}


def test_a_failed_write_leaves_nothing(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one"])], encoder)
    before = catalog.generation()

    def drop_and_fail() -> None:
        with catalog.write() as writer:
            writer.drop_essay("r/a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drop_and_fail()
    assert texts(catalog) == ["one"]
    assert catalog.generation() == before


def test_vectors_are_kept_for_texts_that_return(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one", "two"])], encoder)
    with catalog.write() as writer:
        writer.drop_essay("r/a")
    assert catalog.missing(encoder.name, ["one", "three", "one"]) == ["three"]
    kept = catalog.vectors(encoder.name, ["one", "three"])
    assert kept["one"] @ encoder.query("one") == pytest.approx(1, abs=1e-3)
    assert "three" not in kept
    with catalog.write() as writer:
        assert writer.forget_unused_vectors() == 2
    assert catalog.missing(encoder.name, ["one"]) == ["one"]


def test_vectors_come_back_as_half_precision_says(catalog: Catalog) -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    rows = every[np.isfinite(every)].astype(np.float32).reshape(-1, 512)
    texts = [f"text {n}" for n in range(len(rows))]
    with catalog.write() as writer:
        writer.keep_vectors("any", texts, rows)
    found = catalog.vectors("any", texts)
    np.testing.assert_array_equal(np.stack([found[text] for text in texts]), rows)


def test_vectors_of_two_encoders_do_not_meet(catalog: Catalog, encoder: HashEncoder) -> None:
    other = HashEncoder("other", 8)
    put(catalog, [essay("r/a", ["one . two", "three"])], encoder, other)
    assert catalog.encoders() == {encoder.name: 32, "other": 8}
    first, second = catalog.ids()
    owners, rows = catalog.sentence_vectors("other", [second, first, 999])
    assert owners.tolist() == [second, first, first]
    wanted = [other.query(text) for text in ("three", "one", "two")]
    np.testing.assert_allclose(rows, wanted, atol=1e-3)
    ids, means = catalog.passage_vectors("other", [first])
    assert ids.tolist() == [first]
    mean = (wanted[1] + wanted[2]) / np.linalg.norm(wanted[1] + wanted[2])
    np.testing.assert_allclose(means[0], mean, atol=2e-3)
    assert catalog.sentence_vectors("unknown", [first])[1].size == 0
    assert catalog.sentence_vectors("other", [])[1].size == 0


def test_background_is_a_stable_sample(tmp_path: Path, encoder: HashEncoder) -> None:
    lines = [f"line number {n}" for n in range(300)]
    forward, backward = (Catalog(tmp_path / name / "catalog.db") for name in "ab")
    put(forward, [essay("r/a", lines)], encoder)
    put(backward, [essay("r/b", lines[150:]), essay("r/a", lines[:150][::-1])], encoder)

    def background(catalog: Catalog, language: str = "en") -> NDArray[np.float32]:
        return catalog.passage_vectors(encoder.name, catalog.sample(language, 64))[1]

    sample = background(forward)
    assert sample.shape == (64, 32)
    np.testing.assert_array_equal(sample, background(backward))
    put(forward, [essay("r/c", ["one more", "and more"])], encoder)
    after = background(forward)
    same = {row.tobytes() for row in sample} & {row.tobytes() for row in after}
    assert len(same) >= 60
    assert background(forward, "zh").size == 0


def test_manifest_mismatch_names_both_sides(catalog: Catalog) -> None:
    catalog.check({"splitter": "2"})
    with catalog.write() as writer:
        writer.set_manifest({"splitter": "1", "cleaner": "1"})
    catalog.check({"splitter": "1", "cleaner": "1"})
    with pytest.raises(IndexMismatch, match="splitter: 1 in the index, 2 now") as caught:
        catalog.check({"splitter": "2", "cleaner": "1"})
    assert "rag reindex" in str(caught.value)


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    Catalog(path).close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    raw.close()
    with pytest.raises(IndexMismatch, match="Update"):
        Catalog(path)


def test_damaged_file_is_a_clear_error(tmp_path: Path, encoder: HashEncoder) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(IndexFault, match="damaged"):
        Catalog(path)
    path.unlink()
    made = Catalog(path)
    put(made, [essay("r/a", [f"line {n}" for n in range(500)])], encoder)
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(IndexFault, match="damaged"):
        Catalog(path).essays()


def test_a_damaged_text_is_not_told_whole(tmp_path: Path, encoder: HashEncoder) -> None:
    path = tmp_path / "catalog.db"
    made = Catalog(path)
    put(made, [essay("r/a", [f"line {n}" for n in range(500)])], encoder)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE body SET text = CAST(x'ff' || CAST(text AS BLOB) AS TEXT)")
    with pytest.raises(IndexFault, match=r"damaged.*column 'text'.* rag ingest /root") as caught:
        made.text("r/a")
    assert "line" not in str(caught.value)
    made.close()


@pytest.mark.parametrize("another", [False, True])
def test_a_file_that_was_taken_away_is_neither_read_nor_written(
    another: bool, tmp_path: Path, encoder: HashEncoder
) -> None:
    path = tmp_path / "index" / "catalog.db"
    catalog = Catalog(path)
    put(catalog, [essay("r/a", ["one"])], encoder)
    path.parent.rename(tmp_path / "away")
    if another:
        Catalog(path).close()
    with pytest.raises(IndexFault, match="taken away or replaced"):
        catalog.essays()
    with pytest.raises(IndexFault, match="taken away or replaced"):
        put(catalog, [essay("r/b", ["two"])], encoder)
    if another:
        shutil.rmtree(path.parent)
    (tmp_path / "away").rename(path.parent)  # put back it is as it was
    put(catalog, [essay("r/b", ["two"])], encoder)
    assert len(catalog.essays()) == 2
    catalog.close()


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexFault, match="RAG_DATA_DIR"):
        Catalog(tmp_path / "file" / "catalog.db")


def test_full_disk_is_a_clear_error(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one"])], encoder)
    with catalog._file.connection() as connection:  # the one connection that is idle
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(IndexFault, match="no room"):
        put(catalog, [essay("r/b", [f"line {n} " * 50 for n in range(200)])], encoder)
    assert texts(catalog) == ["one"]


def test_a_write_that_the_system_refuses_is_no_damage(
    catalog: Catalog, encoder: HashEncoder
) -> None:
    put(catalog, [essay("r/a", ["one"])], encoder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))  # as a quota does
    try:
        with pytest.raises(IndexFault, match="could not be read or written") as caught:
            put(catalog, [essay("r/b", [f"line {n} " * 50 for n in range(500)])], encoder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "damaged" not in str(caught.value)
    assert texts(catalog) == ["one"]


def test_threads_read_while_one_writes(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/0", ["one", "two"])], encoder)
    done = threading.Event()
    faults: list[object] = []

    def read() -> None:
        while not done.is_set():
            found = catalog.passages(catalog.ids())
            if not found or any(p.raw != catalog.text(p.source)[p.start : p.end] for p in found):
                faults.append(found)
            catalog.passage_vectors(encoder.name, catalog.sample("en", 64))

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for n in range(1, 40):
        put(catalog, [essay(f"r/{n}", [f"one {n}", "two"])], encoder)
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert len(catalog.ids()) == 41


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("pqrs"), max_size=4)),
        max_size=12,
    )
)
def test_any_history_ends_in_the_same_units(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, list[str]]]
) -> None:
    """Puts and drops (an essay without lines is dropped) leave what the last state asks for."""
    catalog = Catalog(tmp_path_factory.mktemp("history") / "catalog.db")
    encoder = HashEncoder()
    held: dict[str, list[str]] = {}
    for name, lines in changes:
        if lines:
            put(catalog, [essay(name, lines)], encoder)
            held[name] = lines
        else:
            with catalog.write() as writer:
                assert writer.drop_essay(name) is (held.pop(name, None) is not None)
    distinct = {line for lines in held.values() for line in lines}
    assert sorted(texts(catalog)) == sorted(distinct)
    for passage in catalog.passages(catalog.ids()):
        stands = sum(lines.count(passage.text) for lines in held.values())
        assert len(passage.places) == stands - 1
    catalog.close()


def test_damage_that_asking_does_not_meet_is_found(tmp_path: Path, encoder: HashEncoder) -> None:
    path = tmp_path / "catalog.db"
    made = Catalog(path)
    put(made, [essay("r/a", [f"line {n}" for n in range(500)])], encoder)
    made.examine()
    made.close()
    data = bytearray(path.read_bytes())
    with sqlite3.connect(path) as raw:
        pages = raw.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'part_unit'")
        at = 4096 * (pages.fetchone()[0] - 1)
    data[at : at + 4096] = bytes(4096)
    path.write_bytes(data)
    damaged = Catalog(path)
    assert damaged.essays()
    damaged.examine(largest=4096)
    with pytest.raises(IndexFault, match=r"damaged.* rag ingest /root"):
        damaged.examine()


def test_passages_that_are_lost_are_told_from_those_that_went(
    catalog: Catalog, encoder: HashEncoder
) -> None:
    put(catalog, [essay("r/a", ["one", "two"])], encoder)
    before, (first, second) = catalog.generation(), catalog.ids()
    with catalog.write() as writer:
        writer.followed("vectors", catalog.pending("vectors"))
        writer.followed("lexical", catalog.pending("lexical"))
    now = catalog.generation()
    catalog.account_for([], now)
    catalog.account_for([first], before)
    with pytest.raises(IndexFault, match="names passages"):
        catalog.account_for([first], now)
    with catalog.write() as writer:
        writer.drop_essay("r/a")
    catalog.account_for([first, second], catalog.generation())


def test_what_is_cleared_stays_noted_until_the_indexes_are_made_anew(
    catalog: Catalog, encoder: HashEncoder
) -> None:
    put(catalog, [essay("r/a", ["one", "two"])], encoder)
    gone = catalog.ids()
    with catalog.write() as writer:
        writer.clear()
    catalog.account_for(gone, catalog.generation())
    with catalog.write() as writer:
        writer.rebuilt("vectors")
        writer.rebuilt("lexical")
    assert not catalog.pending("vectors")


def test_a_vector_that_is_lost_is_an_error(catalog: Catalog, encoder: HashEncoder) -> None:
    put(catalog, [essay("r/a", ["one", "two"])], encoder)
    with catalog.write() as writer:
        writer._execute("DELETE FROM vector WHERE id = (SELECT min(id) FROM vector)")
    with pytest.raises(IndexFault, match="1 vectors"):
        catalog.sentence_vectors(encoder.name, catalog.ids())


def test_a_file_that_cannot_be_written_says_what_reading_takes(tmp_path: Path) -> None:
    (tmp_path / "index" / "catalog.db").mkdir(parents=True)
    with pytest.raises(IndexFault, match=rf"cannot be written.* a copy of {tmp_path}\."):
        Catalog(tmp_path / "index" / "catalog.db")
