"""Ingest: the plan by content, one bad file stops nothing, nothing is embedded twice or lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from store_support import HashEncoder, damage, encoders

import rag.ingest
from rag.encoders.encoder import Encoders
from rag.errors import (
    IndexBusy,
    IndexFault,
    IndexMismatch,
    LoadError,
    SourceNotFound,
    UnknownFormat,
)
from rag.ingest import Indexer, Progress
from rag.schema import IngestReport

HERE = Path(__file__).parent


@pytest.fixture
def kinds() -> Encoders:
    return encoders()


@pytest.fixture
def index(tmp_path: Path, kinds: Encoders) -> Iterator[Indexer]:
    with Indexer(tmp_path / "data", kinds) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files, written long ago."""
    made = tmp_path / "essays"
    write(made / "one.txt", "The first essay is about apples.\n\nIt has 42 trees.")
    write(made / "two.md", "# Pears\n\nThe second essay is about pears.")
    write(made / "deep" / "三.txt", "第三篇文章讲的是蛋糕。它有五层。")
    return made


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def embedded(kinds: Encoders) -> list[str]:
    assert isinstance(kinds.passage, HashEncoder)
    assert isinstance(kinds.sentence, HashEncoder)
    return kinds.passage.embedded + kinds.sentence.embedded


def sources(index: Indexer) -> list[str]:
    return [info.source for info in index.essays()]


def check(index: Indexer) -> None:
    """Catalog, Chroma and tantivy agree, and every span is exact."""
    assert index.vectors.agrees()
    assert index.lexical.agrees()
    assert not index.catalog.pending("vectors")
    assert not index.catalog.pending("lexical")
    for passage in index.catalog.passages(index.catalog.ids()):
        for span in (passage, *passage.places):
            text = index.text(span.source)[span.start : span.end]
            if span is passage:
                assert text == passage.raw
            assert rag.ingest.fold.copy_key(text)
    assert sum(index.catalog.languages().values()) == len(index.catalog.ids())


# -- the plan -------------------------------------------------------------------------------------


def test_new_then_the_same(index: Indexer, folder: Path, kinds: Encoders) -> None:
    report = index.ingest(folder)
    assert report.added == ("essays/deep/三.txt", "essays/one.txt", "essays/two.md")
    assert report.failed == {}
    check(index)
    done = len(embedded(kinds))
    assert index.ingest(folder) == IngestReport(unchanged=tuple(sorted(report.added)))
    assert len(embedded(kinds)) == done


def test_nothing_is_embedded_twice(index: Indexer, folder: Path, kinds: Encoders) -> None:
    index.ingest(folder)
    shutil.copy(folder / "one.txt", folder / "copy.txt")
    index.ingest(folder)
    (folder / "one.txt").rename(folder / "renamed.txt")
    index.ingest(folder)
    index.remove("essays/two.md")
    index.ingest(folder)
    write(folder / "two.md", "# Pears\n\nThe second essay is about pears.\n\nOne line more.")
    index.ingest(folder)
    index.reindex()
    texts = embedded(kinds)
    assert len(texts) == len(set(texts)) + _same_for_both(kinds)
    check(index)


def _same_for_both(kinds: Encoders) -> int:
    """Texts that are a passage and a sentence: once for each encoder is no repetition."""
    assert isinstance(kinds.passage, HashEncoder)
    assert isinstance(kinds.sentence, HashEncoder)
    return len(set(kinds.passage.embedded) & set(kinds.sentence.embedded))


def test_changed(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    write(folder / "one.txt", "The first essay is about plums now.")
    report = index.ingest(folder)
    assert report.changed == ("essays/one.txt",)
    assert len(report.unchanged) == 2
    assert "plums" in index.text("essays/one.txt")
    check(index)


def test_same_size_edit_within_a_tick_is_seen(index: Indexer, folder: Path) -> None:
    path = folder / "one.txt"
    path.write_text("version A of this text.")
    index.ingest(folder)
    before = path.stat()
    path.write_text("version B of this text.")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert index.ingest(folder).changed == ("essays/one.txt",)
    assert "version B" in index.text("essays/one.txt")


def test_touched_file_is_read_and_is_the_same(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    os.utime(folder / "one.txt")
    assert len(index.ingest(folder).unchanged) == 3


def test_renamed_is_not_embedded(index: Indexer, folder: Path, kinds: Encoders) -> None:
    index.ingest(folder)
    done = len(embedded(kinds))
    (folder / "deep" / "三.txt").rename(folder / "五层.txt")
    report = index.ingest(folder)
    assert report.renamed == (("essays/deep/三.txt", "essays/五层.txt"),)
    assert (report.added, report.removed) == ((), ())
    assert len(embedded(kinds)) == done
    assert "essays/deep/三.txt" not in sources(index)
    check(index)


def test_renamed_among_equals(index: Indexer, folder: Path) -> None:
    """Two files of the same bytes, both moved: one to one."""
    write(folder / "a.txt", "Equal words stand here.")
    write(folder / "b.txt", "Equal words stand here.")
    index.ingest(folder)
    (folder / "a.txt").rename(folder / "y.txt")
    (folder / "b.txt").rename(folder / "z.txt")
    report = index.ingest(folder)
    assert report.renamed == (
        ("essays/a.txt", "essays/y.txt"),
        ("essays/b.txt", "essays/z.txt"),
    )
    check(index)


def test_gone(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    (folder / "one.txt").unlink()
    assert index.ingest(folder).removed == ("essays/one.txt",)
    assert "essays/one.txt" not in sources(index)
    check(index)


def test_copies_survive_the_essay_that_came_first(index: Indexer, folder: Path) -> None:
    write(folder / "a.txt", "第三篇文章讲的是蛋糕。它有五层。")
    index.ingest(folder)
    index.remove("essays/a.txt")
    found = index.catalog.passages(index.catalog.ids())
    assert [p.source for p in found if "蛋糕" in p.text] == ["essays/deep/三.txt"]
    check(index)


# -- nothing is emptied -------------------------------------------------------------------------


def test_missing_path_and_emptied_folder_remove_nothing(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    before = sources(index)
    with pytest.raises(LoadError, match="nothing at"):
        index.ingest(folder / "typo")
    shutil.move(folder, folder.with_name("elsewhere"))
    with pytest.raises(LoadError, match="nothing at"):
        index.ingest(folder)
    folder.mkdir()
    with pytest.raises(LoadError, match=r"no file .* kept"):
        index.ingest(folder)
    write(folder / "image.png", b"\x89PNG")
    with pytest.raises(LoadError, match="no file"):
        index.ingest(folder)
    assert sources(index) == before
    check(index)


def test_only_the_root_being_ingested_loses_its_gone(
    index: Indexer, folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    write(other / "x.txt", "Something else entirely.")
    index.ingest(folder)
    assert index.ingest(other).removed == ()
    assert len(sources(index)) == 4


# -- bad files -----------------------------------------------------------------------------------


def test_one_bad_file_stops_nothing(index: Indexer, folder: Path) -> None:
    write(folder / "binary.txt", bytes(range(256)) * 20)
    write(folder / "empty.txt", b"")
    write(folder / ".hidden.txt", "Hidden words.")
    write(folder / ".git" / "x.txt", "Hidden words.")
    write(folder / "README.md", "About this folder.")
    write(folder / "picture.jpg", b"\xff\xd8")
    (folder / "broken.txt").symlink_to(folder / "nowhere.txt")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self.txt").symlink_to(folder / "self.txt")
    os.mkfifo(folder / "pipe.txt")
    report = index.ingest(folder)
    assert set(report.added) - {"essays/empty.txt"} == {
        "essays/deep/三.txt",
        "essays/one.txt",
        "essays/two.md",
    }
    assert {"essays/binary.txt", "essays/broken.txt", "essays/pipe.txt", "essays/self.txt"} <= set(
        report.failed
    )
    assert "regular" in report.failed["essays/pipe.txt"]
    assert all(reason and "\n" not in reason for reason in report.failed.values())
    assert not any(source.split("/")[1] in why for source, why in report.failed.items())
    check(index)


def test_a_link_that_leads_out_of_the_folder_is_told_and_not_followed(
    index: Indexer, folder: Path, tmp_path: Path
) -> None:
    write(tmp_path / "private" / "letter.txt", "Private words.")
    (folder / "out").symlink_to(tmp_path / "private", target_is_directory=True)
    (folder / "letter.txt").symlink_to(tmp_path / "private" / "letter.txt")
    (folder / "picture.jpg").symlink_to(tmp_path / "private" / "picture.jpg")
    (folder / "inside.txt").symlink_to(folder / "one.txt")
    report = index.ingest(folder)
    assert report.failed.keys() == {"essays/out", "essays/letter.txt"}
    assert all(str(tmp_path / "private") in why for why in report.failed.values())
    assert "essays/inside.txt" in report.added
    assert not any("letter" in info.source for info in index.essays())


def test_a_file_that_became_bad_keeps_its_version(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    write(folder / "one.txt", bytes(range(256)) * 20)
    report = index.ingest(folder)
    assert "kept" in report.failed["essays/one.txt"]
    assert "42 trees" in index.text("essays/one.txt")
    assert report.removed == report.changed == ()


def test_unreadable_folder_loses_nothing(
    index: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.ingest(folder)
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = index.ingest(folder)
    assert report.failed == {"essays/deep": "cannot be read: Permission denied"}
    assert report.removed == ()
    assert "essays/deep/三.txt" in sources(index)


def test_a_folder_that_vanishes_between_two_looks_loses_nothing(
    index: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.ingest(folder)
    before = sources(index)
    real = rag.ingest.scan

    def scan(top: Path, *rest: Any) -> object:
        folder.rename(folder.with_name("unplugged"))
        return real(top, *rest)

    monkeypatch.setattr(rag.ingest, "scan", scan)
    report = index.ingest(folder)
    assert list(report.failed) == ["essays"]
    assert report.removed == ()
    assert sources(index) == before


def test_what_the_program_keeps_in_the_folder_is_no_essay(folder: Path, kinds: Encoders) -> None:
    own = folder / "my-index"
    dictionary = "\napple\t苹果\npear\t梨\n"
    write(own / "models" / "dictionary-3.txt", dictionary)
    write(own / "uploads" / "copy.txt", "A copy of what was added on the page.")
    write(own / "eval" / "reports" / "report.md", "# Report")
    write(own / "notes.txt", "An essay that somebody put there.")
    write(folder / "weights" / "dictionary-3.txt", dictionary)
    write(folder / "models" / "plane.txt", "My model planes.")
    write(folder / "dictionary-3.txt", "The third dictionary I wrote.")
    with Indexer(own / "index", kinds) as index:
        assert set(index.ingest(folder).added) == {
            "essays/one.txt",
            "essays/two.md",
            "essays/deep/三.txt",
            "essays/my-index/notes.txt",
            "essays/models/plane.txt",
            "essays/dictionary-3.txt",
        }
        assert index.ingest(own / "uploads").added == ("uploads/copy.txt",)


@pytest.mark.parametrize("when", [10**10, -(10**10)])
def test_a_time_beyond_a_database_stops_nothing(index: Indexer, folder: Path, when: int) -> None:
    try:
        os.utime(folder / "one.txt", (when, when))
    except (OSError, OverflowError):
        pytest.skip("this file system knows no such time")
    assert len(index.ingest(folder).added) == 3
    assert len(index.ingest(folder).unchanged) == 3


def test_odd_front_matter_stops_nothing(index: Indexer, folder: Path) -> None:
    write(folder / "a.md", '---\nauthor: "Ann \\ud83d"\ntags: ["\\ud83d\\ude00"]\n---\nApples.')
    write(folder / "b.md", '---\ntitle: "x \\UDEADBEEF \\0"\n---\nPears.')
    report = index.ingest(folder)
    assert len(report.added) == 5
    assert not report.failed
    check(index)


def test_file_that_changes_while_it_is_read(
    index: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, growing = rag.ingest.load, iter(range(100))

    def load(path: Path, source: str) -> object:
        essay = real(path, source)
        if path.name == "one.txt":
            path.write_text(f"Grown to {'longer ' * next(growing)}.")
        return essay

    monkeypatch.setattr(rag.ingest, "load", load)
    report = index.ingest(folder)
    assert "changes while it is read" in report.failed["essays/one.txt"]
    assert len(report.added) == 2
    monkeypatch.undo()
    assert index.ingest(folder).added == ("essays/one.txt",)


@pytest.mark.parametrize("name", ["a b.txt", "😀 \u0301.txt", "new\nline.txt", "'; DROP--.txt"])
def test_any_file_name(index: Indexer, folder: Path, name: str) -> None:
    write(folder / name, "A text under a strange name.")
    report = index.ingest(folder)
    assert f"essays/{name}" in report.added
    assert index.text(f"essays/{name}") == "A text under a strange name."
    assert len(index.ingest(folder).unchanged) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
def test_file_name_that_is_no_utf8(index: Indexer, folder: Path) -> None:
    write(Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")), "A text in Latin-1 clothes.")
    report = index.ingest(folder)
    assert "essays/caf\\xe9.txt" in report.added
    assert len(index.ingest(folder).unchanged) == 4


# -- roots ---------------------------------------------------------------------------------------


def test_two_names_that_are_one_as_text_lose_no_file_in_silence(
    index: Indexer, folder: Path
) -> None:
    (folder / r"a\xff.txt").write_text("One mill stood here.", "utf-8")
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.txt")).write_text("Another.", "utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    failed = index.ingest(folder).failed
    assert list(failed) == [rf"{folder.name}/a\xff.txt (another)"]
    assert "rename it" in next(iter(failed.values()))


def test_roots_are_named(index: Indexer, folder: Path, tmp_path: Path) -> None:
    index.ingest(folder)
    index.ingest(folder / ".." / "essays")  # the same place
    second = tmp_path / "b" / "essays"
    write(second / "one.txt", "Another essay.")
    assert index.ingest(second).added == ("essays-2/one.txt",)
    single = write(tmp_path / "c" / "note.txt", "A note.")
    assert index.ingest(single).added == ("note.txt",)
    again = write(tmp_path / "d" / "note.txt", "Another note.")
    assert index.ingest(again).added == ("note-2.txt",)
    assert index.ingest(single).unchanged == ("note.txt",)
    link = tmp_path / "link"
    link.symlink_to(folder, target_is_directory=True)
    assert len(index.ingest(link).unchanged) == 3
    check(index)


def test_single_file_of_any_kind_of_name(index: Indexer, tmp_path: Path) -> None:
    assert index.ingest(write(tmp_path / "README.md", "# Read me")).added == ("README.md",)
    with pytest.raises(UnknownFormat, match=r"^x\.png: it is not a kind of file"):
        index.ingest(write(tmp_path / "x.png", b"\x89PNG"))


def test_removed_root_frees_its_name(index: Indexer, tmp_path: Path) -> None:
    index.ingest(write(tmp_path / "a" / "note.txt", "A note."))
    index.remove("note.txt")
    assert index.ingest(write(tmp_path / "b" / "note.txt", "Other.")).added == ("note.txt",)


def test_remove(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    index.remove("essays/one.txt")
    assert "essays/one.txt" not in sources(index)
    with pytest.raises(SourceNotFound):
        index.remove("essays/one.txt")
    assert (folder / "one.txt").exists()
    check(index)


# -- lock, manifest, progress --------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from rag.index import Index
with Index(Path(sys.argv[1])).writing():
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_writer_and_a_dead_one_blocks_nobody(index: Indexer, folder: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(index.folder)]
    path = {"PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=path) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(IndexBusy, match=rf"process {holder.pid} on .* since 20"):
            index.ingest(folder)
        holder.kill()
    assert len(index.ingest(folder).added) == 3


def test_lock_holds_between_threads(index: Indexer, folder: Path) -> None:
    with index.writing(), pytest.raises(IndexBusy, match=f"this program itself, .*{os.getpid()}"):
        index.ingest(folder)


def test_a_folder_that_was_taken_away_is_not_made_again(index: Indexer, folder: Path) -> None:
    index.ingest(folder)
    index.folder.rename(index.folder.with_name("away"))
    for work in (lambda: index.ingest(folder), lambda: index.remove("essays/one.txt")):
        with pytest.raises(IndexFault, match="taken away or replaced"):
            work()
    assert not index.folder.exists()


def test_mismatch_is_refused_and_reindex_mends_it(
    index: Indexer, folder: Path, kinds: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.ingest(folder)
    index.ready()
    monkeypatch.setattr(rag.ingest.split, "VERSION", 99)
    for refused in (index.ready, lambda: index.ingest(folder)):
        with pytest.raises(IndexMismatch, match=r"splitter: .* 99 now") as caught:
            refused()
        assert "rag reindex" in str(caught.value)
    done = len(embedded(kinds))
    shutil.rmtree(folder)  # its texts are in the catalog
    index.reindex()
    index.ready()
    assert len(embedded(kinds)) == done
    assert len(sources(index)) == 3
    check(index)


def test_reindex_reads_again_what_was_misread(index: Indexer, folder: Path) -> None:
    (folder / "lab.txt").write_bytes("A grain of 5 µm.".encode("cp1252"))
    index.ingest(folder)
    source = next(source for source in sources(index) if source.endswith("lab.txt"))
    kept = index.catalog.essay(source)
    with index.catalog.write() as writer:  # as another version read it
        state = index.catalog.files(1)[source]
        misread = replace(kept, text="A grain of 5 祄.", title="", encoding="gb18030")
        writer.put_essay(1, misread, state, "", ())
        writer.set_manifest({**index.manifest(), "reader": "0"})
    with pytest.raises(IndexMismatch, match="reader"):
        index.ready()
    index.reindex()
    assert index.catalog.essay(source) == kept
    (folder / "lab.txt").unlink()
    with index.catalog.write() as writer:
        writer.put_essay(1, replace(kept, title="Another", author="x"), state, "", ())
    index.reindex()
    assert index.catalog.essay(source) == kept, "from the text that was kept"


def test_reindex_with_another_encoder(index: Indexer, folder: Path, kinds: Encoders) -> None:
    index.ingest(folder)
    index.close()
    other = Encoders(HashEncoder("other", 8), kinds.sentence)
    with Indexer(index.folder, other) as again:
        with pytest.raises(IndexMismatch, match="hash-passage in the index, other now"):
            again.ready()
        assert isinstance(kinds.sentence, HashEncoder)
        done = len(kinds.sentence.embedded)
        again.reindex()
        again.ready()
        assert again.catalog.encoders() == {"other": 8, "hash-sentence": 16}
        assert len(kinds.sentence.embedded) == done
        assert again.vectors.query("other", "en", other.passage.query("apples"), 3)
        check(again)


def test_reindex_that_fails_changes_nothing(
    index: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.ingest(folder)
    before = index.catalog.passages(index.catalog.ids())
    monkeypatch.setattr(rag.ingest, "title_words", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        index.reindex()
    assert index.catalog.passages(index.catalog.ids()) == before
    check(index)


def test_progress_rises_to_the_end(index: Indexer, folder: Path) -> None:
    seen: list[Progress] = []
    index.ingest(folder, seen.append)
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert seen[-1].stage == "done"
    assert seen[-1].done == seen[-1].total > 0
    assert any(step.stage == "embed" and step.speed > 0 for step in seen)


def test_failing_encoder_keeps_what_was_done(
    index: Indexer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rag.ingest, "GROUP", 1)
    real = index.encoders.passage.passages

    def passages(texts: list[str], on_progress: object = None) -> object:
        if any("pears" in text for text in texts):
            raise ConnectionError
        return real(texts)

    monkeypatch.setattr(index.encoders.passage, "passages", passages)
    with pytest.raises(ConnectionError):
        index.ingest(folder)
    assert sources(index) == ["essays/deep/三.txt", "essays/one.txt"]
    monkeypatch.undo()
    assert index.ingest(folder).added == ("essays/two.md",)
    check(index)


def test_incremental_ends_where_a_fresh_index_does(
    index: Indexer, folder: Path, tmp_path: Path
) -> None:
    index.ingest(folder)
    write(folder / "one.txt", "The first essay is about apples.\n\nIt has 43 trees.")
    (folder / "two.md").rename(folder / "zwei.md")
    index.ingest(folder)
    write(folder / "neu.txt", "It has 43 trees.")
    index.ingest(folder)
    with Indexer(tmp_path / "fresh", encoders()) as fresh:
        fresh.ingest(folder)
        mine, wanted = (
            sorted(
                (p.text, p.language, len(p.places)) for p in one.catalog.passages(one.catalog.ids())
            )
            for one in (index, fresh)
        )
        assert mine == wanted
        for words in (["apple"], ["tree"], ["43"]):
            counts = [
                one.lexical.of("en").document_frequencies(words[:1]) for one in (index, fresh)
            ]
            assert counts[0] == counts[1]


def test_unchanged_files_are_passed_over(index: Indexer, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    for number in range(1_000):
        write(folder / f"{number % 20}" / f"{number}.txt", "The same words in each file.")
    index.ingest(folder)
    begun = time.process_time()
    report = index.ingest(folder)
    spent = time.process_time() - begun
    assert len(report.unchanged) == 1_000
    assert spent < 0.5  # 10,000 in 5 s


def test_report_is_plain(index: Indexer, folder: Path) -> None:
    report = index.ingest(folder)
    assert json.dumps([report.added, report.renamed, dict(report.failed)])


def test_a_damaged_catalog_is_neither_searched_nor_added_to(
    tmp_path: Path, folder: Path, kinds: Encoders
) -> None:
    with Indexer(tmp_path / "data", kinds) as index:
        index.ingest(folder)
    damage(tmp_path / "data" / "catalog.db")
    with Indexer(tmp_path / "data", kinds) as index:
        with pytest.raises(IndexFault, match="rag ingest"):
            index.ready()
        with pytest.raises(IndexFault, match="damaged"):
            index.ingest(folder)


# -- odd paths -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "say: ."),
        ("a" * 300, "cannot be read: File name too long"),
        ("~nobody-of-this-name/x", "is no path"),
        ("a\0b", "is no path"),
        ("\ud800", "is no path"),
        ("no/such", "nothing at no/such"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_load_error(index: Indexer, path: str, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        index.ingest(path)


@pytest.mark.timeout(20)
def test_a_pipe_is_not_waited_for(index: Indexer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(LoadError, match="neither a folder nor a regular file"):
        index.ingest(tmp_path / "pipe.txt")


def test_a_stray_zero_byte_loses_no_file(index: Indexer, tmp_path: Path) -> None:
    path = write(tmp_path / "note.txt", b"The lighthouse stands on a rock.\0 It is red.\n")
    assert index.ingest(path).added == ("note.txt",)
    assert index.text("note.txt").encode() == path.read_bytes()
    check(index)
