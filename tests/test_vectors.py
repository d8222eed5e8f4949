"""The dense index: cosines as they are, filters, other processes' writes, and coming back."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from store_support import HashEncoder, encoders, essay, put

import rag.vectors
from rag.config import Settings
from rag.errors import IndexBusy, IndexFault
from rag.index import Index
from rag.ingest import Indexer
from rag.retrieve import Retriever

ENCODER = HashEncoder()
SENTENCES = HashEncoder("hash/sentence:ü v2", 16)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path) as made:
        lines = [f"apple number {n} . pear {n}" for n in range(40)]
        put(made.catalog, [essay("r/a", lines[:30]), essay("r/b", lines[25:])], ENCODER, SENTENCES)
        put(made.catalog, [essay("r/z", ["五 层 蛋糕"])], ENCODER, SENTENCES, "zh")
        made.follow()
        yield made


def ask(
    index: Index, text: str, k: int = 5, sources: list[str] | None = None, language: str = "en"
) -> list[tuple[str, float]]:
    hits = index.vectors.query(ENCODER.name, language, ENCODER.query(text), k, sources)
    texts = {int(p.id): p.text for p in index.catalog.passages([unit for unit, _ in hits])}
    return [(texts[unit], cosine) for unit, cosine in hits]


def test_cosines_are_exact_and_in_order(index: Index) -> None:
    hits = ask(index, "apple number 7 . pear 7", 40)
    assert hits[0][0] == "apple number 7 . pear 7"
    assert hits[0][1] == pytest.approx(1, abs=1e-3)
    cosines = [cosine for _, cosine in hits]
    assert cosines == sorted(cosines, reverse=True)
    query = ENCODER.query("apple number 7 . pear 7")
    for text, cosine in hits:
        assert cosine == pytest.approx(float(query @ ENCODER.query(text)), abs=2e-3)
    assert len(hits) == 40  # more may be asked for than there are


def test_edges(index: Index) -> None:
    query = ENCODER.query("apple")
    assert index.vectors.query(ENCODER.name, "ja", query, 5) == []
    assert index.vectors.query("no such encoder", "en", query, 5) == []
    assert index.vectors.query(ENCODER.name, "en", query, 0) == []
    assert len(index.vectors.query(ENCODER.name, "en", query, 1000)) == 40


def test_languages_and_encoders_are_apart(index: Index) -> None:
    assert [text for text, _ in ask(index, "apple", language="zh")] == ["五 层 蛋糕"]
    near = index.vectors.query(SENTENCES.name, "en", SENTENCES.query("pear 3"), 1)
    assert index.catalog.passages([near[0][0]])[0].text == "apple number 3 . pear 3"
    assert index.vectors.count(SENTENCES.name, "en") == 40


@pytest.mark.parametrize("exact", [0, 8000])
def test_filter(index: Index, exact: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.vectors, "EXACT", exact)
    everything = ask(index, "apple number 3", 40)
    in_b = {f"apple number {n} . pear {n}" for n in range(25, 40)}
    wanted = [(text, cosine) for text, cosine in everything if text in in_b]
    for _ in range(2):
        hits = ask(index, "apple number 3", 6, ["r/b", "unknown"])
        assert [text for text, _ in hits] == [text for text, _ in wanted[:6]]
        np.testing.assert_allclose([c for _, c in hits], [c for _, c in wanted[:6]], atol=2e-3)
    assert len(ask(index, "apple", 99, ["r/b"])) == 15
    assert ask(index, "apple", 5, []) == []
    assert ask(index, "apple", 5, ["unknown"]) == []
    assert ask(index, "apple", 5, ["r/z"]) == []


def test_it_follows_changes_and_repetition_changes_nothing(index: Index) -> None:
    with index.catalog.write() as writer:
        writer.drop_essay("r/a")
    pending = index.catalog.pending("vectors")
    index.vectors.apply(pending)
    index.follow()
    assert index.vectors.count(ENCODER.name, "en") == 15
    put(index.catalog, [essay("r/c", ["a cherry"])], ENCODER, SENTENCES)
    pending = index.catalog.pending("vectors")
    index.vectors.apply(pending)
    index.vectors.apply(pending)
    index.follow()
    assert ask(index, "a cherry", 1)[0][0] == "a cherry"
    assert index.vectors.count(ENCODER.name, "en") == 16
    assert index.vectors.agrees()


def test_encoders_that_are_used_no_more_are_dropped(index: Index) -> None:
    with index.catalog.write() as writer:
        for source in ("r/a", "r/b", "r/z"):
            writer.drop_essay(source)
    put(index.catalog, [essay("r/c", ["a cherry"])], ENCODER)
    index.follow()
    assert index.vectors.count(SENTENCES.name, "en") == 0
    assert ask(index, "a cherry", 5)[0][0] == "a cherry"


@pytest.mark.parametrize("damage", ["folder", "file", "rows", "stamp"])
def test_damage_is_found_and_mended_without_embedding(
    index: Index, damage: str, tmp_path: Path
) -> None:
    folder = tmp_path / "vectors"
    if damage == "rows":
        index.vectors.apply([])
        with index.vectors._lease() as opened:
            name = rag.vectors._name(ENCODER.name, "en")
            opened.client.get_collection(name, embedding_function=None).delete(ids=["3"])
    index.close()
    if damage == "folder":
        shutil.rmtree(folder)
    elif damage == "file":
        (folder / "chroma.sqlite3").write_bytes(b"x" * 5000)
    elif damage == "stamp":
        (folder / "stamp.json").unlink()
    embedded = len(ENCODER.embedded)
    with Index(tmp_path) as again:
        again.agree()
        assert ask(again, "apple number 3 . pear 3", 1)[0][0] == "apple number 3 . pear 3"
        assert again.vectors.agrees()
    assert len(ENCODER.embedded) == embedded


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("", "gone"),
        ("data_level0.bin", "cut"),
        ("data_level0.bin", "other"),
        ("header.bin", "other"),
        ("index_metadata.pickle", "gone"),
    ],
)
def test_damage_that_chroma_does_not_notice(
    index: Index, file: str, damage: str, tmp_path: Path
) -> None:
    lines = [f"orange {n}" for n in range(1000)]  # as many as Chroma keeps in files of their own
    put(index.catalog, [essay("r/many", lines)], ENCODER)
    index.follow(trust_fresh=True)
    index.close()
    for path in (tmp_path / "vectors").glob(f"*/{file}"):
        if not file:
            shutil.rmtree(path)
        elif damage == "gone":
            path.unlink()
        else:
            content = path.read_bytes()
            half = len(content) // 2
            path.write_bytes(content[:half] if damage == "cut" else bytes(len(content)))
    with Index(tmp_path) as again:
        again.agree()
        assert ask(again, "orange 7", 1)[0][0] == "orange 7"
        assert ask(again, "apple number 3 . pear 3", 1)[0][0] == "apple number 3 . pear 3"


def test_reading_leaves_what_the_stamp_says(index: Index, tmp_path: Path) -> None:
    for count in (1, 999, 1000, 1001):
        lines = [f"orange {n} of {count}" for n in range(count)]
        put(index.catalog, [essay(f"r/{count}", lines)], ENCODER)
        index.follow(trust_fresh=True)
        for _ in range(2):
            with Index(tmp_path) as other:
                assert other._state("vectors") == other._state("lexical") == "agrees"
                ask(other, "orange 3", 3)
    index.rebuild("vectors")
    for _ in range(2):
        with Index(tmp_path) as other:
            assert other._state("vectors") == "agrees"
            ask(other, "orange 3", 3)


def test_an_older_copy_of_the_folder_is_not_trusted(index: Index, tmp_path: Path) -> None:
    index.close()
    shutil.copytree(tmp_path / "vectors", tmp_path / "backup")
    with Index(tmp_path) as later:
        with later.catalog.write() as writer:
            writer.drop_essay("r/z")
        put(later.catalog, [essay("r/y", ["六 层 蛋糕"])], ENCODER, SENTENCES, "zh")
        later.follow()
    shutil.rmtree(tmp_path / "vectors")
    (tmp_path / "backup").rename(tmp_path / "vectors")
    with Index(tmp_path) as again:
        again.agree()
        assert [text for text, _ in ask(again, "蛋糕", language="zh")] == ["六 层 蛋糕"]


WRITE = """
import sys
from pathlib import Path
from rag.index import Index
from store_support import HashEncoder, essay, put
with Index(Path(sys.argv[1])) as index, index.writing():
    put(index.catalog, [essay("r/new", ["a cherry . from elsewhere"])],
        HashEncoder(), HashEncoder("hash/sentence:ü v2", 16))
    index.follow()
"""


def test_another_process_writes_and_this_one_sees_it(index: Index, tmp_path: Path) -> None:
    assert ask(index, "a cherry . from elsewhere", 1)[0][1] < 0.9
    here = Path(__file__).parent
    subprocess.run(
        [sys.executable, "-c", WRITE, str(tmp_path)],
        check=True,
        env={"PYTHONPATH": f"{here.parent}:{here}"},
    )
    text, cosine = ask(index, "a cherry . from elsewhere", 1)[0]
    assert text == "a cherry . from elsewhere"
    assert cosine == pytest.approx(1, abs=1e-3)
    assert index.lexical.of("en").query(["cherry"], 3)


def test_threads_ask_while_one_writes(index: Index, tmp_path: Path) -> None:
    done = threading.Event()
    faults: list[object] = []

    def run(mine: Index) -> None:
        while not done.is_set():
            hits = ask(mine, "apple number 9 . pear 9", 2)
            if not hits or hits[0][0] != "apple number 9 . pear 9":
                faults.append(hits)

    with Index(tmp_path) as other:
        readers = [threading.Thread(target=run, args=(mine,)) for mine in (index, index, other)]
        for reader in readers:
            reader.start()
        for n in range(8):
            put(index.catalog, [essay(f"r/{n}", [f"cherry {n}"])], ENCODER, SENTENCES)
            index.follow(trust_fresh=True)
        done.set()
        for reader in readers:
            reader.join()
    assert not faults


# -- made anew beside those who ask ---------------------------------------------------------------


def folders(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir() if path.is_dir())


def test_made_anew_beside_one_who_has_it_open(index: Index, tmp_path: Path) -> None:
    with Index(tmp_path) as other:
        for number in (1, 2):
            near = ask(other, "apple number 3 . pear 3", 3)
            words = other.lexical.of("en")
            found = words.query(["apple"], 3)
            with index.writing():
                index.rebuild("vectors")
                index.rebuild("lexical")
                assert ask(other, "apple number 3 . pear 3", 3) == near
            assert folders(tmp_path) == [f"lexical.{number}", f"vectors.{number}"]
            assert words.query(["apple"], 3) == found
            assert ask(other, "apple number 3 . pear 3", 3) == near
            assert other.lexical.of("en").query(["apple"], 3) == found
            assert other._state("vectors") == other._state("lexical") == "agrees"


def test_what_gives_way_while_it_is_asked_is_no_empty_answer(index: Index, tmp_path: Path) -> None:
    with Index(tmp_path) as other:
        ask(other, "apple", 1)
        with pytest.raises(IndexBusy, match="made anew"), other.vectors._lease(), index.writing():
            index.rebuild("vectors")
        assert ask(other, "apple", 1)


def test_it_is_not_asked_before_it_holds_what_the_catalog_holds(index: Index) -> None:
    near = ask(index, "apple number 3 . pear 3", 1)
    with index.catalog.write() as writer:
        writer.clear()
    put(index.catalog, [essay("r/a", ["apple number 3 . pear 3"])], ENCODER, SENTENCES)
    for look in (lambda: ask(index, "apple", 1), lambda: index.lexical.of("en")):
        with pytest.raises(IndexBusy, match="in a moment"):
            look()
    index.follow()
    assert ask(index, "apple number 3 . pear 3", 1) == near
    assert index.lexical.of("en").query(["apple"], 3)


def test_a_folder_that_gives_way_while_it_is_opened(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = rag.vectors._client, []

    def slow(folder: Path) -> object:
        if not made:
            made.append(folder)
            with index.writing():
                index.rebuild("vectors")
        return real(folder)

    with Index(tmp_path) as other:
        monkeypatch.setattr(rag.vectors, "_client", slow)
        assert ask(other, "apple number 3 . pear 3", 1)[0][1] == pytest.approx(1, abs=1e-3)
    with index.writing():
        pass
    assert folders(tmp_path) == ["lexical", "vectors.1"]


def test_what_could_not_be_made_leaves_the_one_before(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = ask(index, "apple", 3)
    with monkeypatch.context() as patch:
        patch.setattr(index.vectors, "_add", fail)
        with pytest.raises(IndexFault, match="full"), index.writing():
            index.rebuild("vectors")
    assert folders(tmp_path) == ["lexical", "vectors"]
    assert ask(index, "apple", 3) == near


REINDEX = """
import os, sys
from pathlib import Path
import chromadb, llama_index.core.ingestion, tantivy
import rag.storage.folders, rag.index, rag.ingest, rag.lexical, rag.nodes, rag.vectors
from rag.ingest import Indexer
from store_support import encoders

rag.ingest.fold.words("词")  # loads its dictionary

def killed(owner, name, after):
    real, left = getattr(owner, name), [after]
    def method(*arguments, **options):
        if not left[0]:
            os._exit(9)
        left[0] -= 1
        return real(*arguments, **options)
    setattr(owner, name, method)

for folder, owner, name, after in (line.split() for line in sys.stdin):
    child = os.fork()
    if not child:
        killed(eval(owner), name, int(after))
        with Indexer(Path(folder), encoders()) as index:
            index.reindex()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

STEPS = (
    "rag.index.Index rebuild 0",
    "rag.lexical.Lexical _write 0",
    "rag.index.Index _stamp 0",
    "rag.index.Index rebuild 1",
    "rag.vectors.Vectors _add 1",
    "rag.index.Index _stamp 1",
    "rag.vectors.Vectors wrote 0",
    "rag.storage.folders.Folders tidy 2",
    "rag.storage.folders.Folders tidy 3",
)


def test_killed_while_it_is_made_anew(tmp_path: Path) -> None:
    essays = tmp_path / "essays"
    essays.mkdir()
    (essays / "a.txt").write_text("The lighthouse was built of stone.")
    places = [tmp_path / str(number) for number in range(len(STEPS))]
    with Indexer(places[0], encoders()) as made:
        made.ingest(essays)
    for place in places[1:]:
        shutil.copytree(places[0], place)
    here = Path(__file__).parent
    told = subprocess.run(
        [sys.executable, "-c", REINDEX],
        input="".join(f"{place} {step}\n" for place, step in zip(places, STEPS, strict=True)),
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{here.parent}:{here}"},
    )
    assert told.stdout.split() == ["9"] * len(STEPS)
    for place in places:
        with Indexer(place, encoders()) as again:
            again.ready()
            vector = again.encoders.passage.query("lighthouse")
            assert again.vectors.query("hash-passage", "en", vector, 1)
            assert again.lexical.of("en").count() == 1
            assert again.vectors.agrees()
            assert again.lexical.agrees()
            again.ingest(essays)
            names = [name.split(".")[0] for name in folders(place)]
            assert names == ["lexical", "vectors"]


def test_asking_beside_reindexing(tmp_path: Path) -> None:
    essays = tmp_path / "essays"
    essays.mkdir()
    for n in range(300):  # more than are searched without the dense index
        (essays / f"{n}.txt").write_text(f"The lighthouse {n} was built in {1500 + n}.")
    settings = Settings(without=("dictionary", "network"))
    done, answers, faults = threading.Event(), [0], []

    def run(mine: Indexer) -> None:
        asked = Retriever(mine.catalog, mine.vectors, mine.lexical, mine.encoders, settings)
        while not done.is_set():
            try:
                hits = asked.hits("When was the lighthouse 7 built?")
                answers[0] += bool(hits)
                if not hits:
                    faults.append("nothing")
            except IndexBusy:
                done.wait(0.01)
            except Exception as error:  # noqa: BLE001  # any is one too many
                faults.append(repr(error))

    data = tmp_path / "data"
    with Indexer(data, encoders()) as index, Indexer(data, encoders()) as other:
        index.ingest(essays)
        readers = [threading.Thread(target=run, args=(mine,)) for mine in (index, other)]
        for reader in readers:
            reader.start()
        for _ in range(3):
            index.reindex()
        done.set()
        for reader in readers:
            reader.join()
    assert not faults
    assert answers[0]


def _write_what_is_taken_away(index: Index) -> None:
    with index.writing():
        index.folder.rename(index.folder.with_name("away"))
        index.rebuild("lexical")


def test_a_folder_that_goes_while_it_is_written(tmp_path: Path) -> None:
    with Index(tmp_path / "data") as index:
        with pytest.raises(IndexFault, match="cannot be written"):
            _write_what_is_taken_away(index)
        assert not index.folder.exists()


@pytest.mark.parametrize(("free", "said"), [(0, "no room left"), (2**40, "cannot be used")])
def test_a_client_whose_write_failed_is_used_no_more(
    index: Index, free: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(index, "apple", 1)
    assert index.vectors._opened is not None
    client = index.vectors._opened.client
    put(index.catalog, [essay("r/c", ["a cherry"])], ENCODER, SENTENCES)
    with monkeypatch.context() as patch:
        usage = types.SimpleNamespace(free=free)
        patch.setattr("rag.index.shutil.disk_usage", lambda _: usage)
        patch.setattr(index.vectors, "_add", fail)
        with pytest.raises(IndexFault, match=said):
            index.agree()
    index.agree()
    assert index.vectors._opened.client is not client
    assert ask(index, "a cherry", 1)[0][0] == "a cherry"


def fail(*_: object) -> None:
    raise ValueError("database or disk is full")


def test_a_catalog_that_became_empty_is_no_new_one(index: Index, tmp_path: Path) -> None:
    index.close()
    (tmp_path / "catalog.db").write_bytes(b"")
    for name in ("catalog.db-wal", "catalog.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(IndexFault, match="damaged"):
        Index(tmp_path)
    (tmp_path / "catalog.db").unlink()  # as the error says
    with Index(tmp_path) as again:
        put(again.catalog, [essay("r/c", ["a cherry"])], ENCODER)
        again.agree()
        assert ask(again, "a cherry", 1)[0][0] == "a cherry"


def test_as_llama_index(index: Index) -> None:
    from llama_index.core.vector_stores import VectorStoreQuery

    store = index.vectors.as_llama_index(ENCODER.name, "zh")
    assert store is not None
    found = store.query(
        VectorStoreQuery(query_embedding=ENCODER.query("五").tolist(), similarity_top_k=1)
    )
    assert [int(unit) for unit in found.ids or []] == [41]
    assert index.vectors.as_llama_index(ENCODER.name, "ja") is None


def test_names_are_legal_and_distinct() -> None:
    names = {
        rag.vectors._name(encoder, language)
        for encoder in ("a", "a b", "a/b", "e" * 900, "雨", "")
        for language in ("", "zh", "en")
    }
    assert len(names) == 18
    import re

    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]", name) for name in names)
