"""Running, reporting and comparing, over a small Rag of the public interface."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from errno import ENOSPC
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from eval_support import DownRag, WordRag
from pydantic import SecretStr

from eval import Report, compare, run
from eval.cases import Evidence, Outcome, Pair, Question
from eval.datasets import Dataset
from eval.journal import KEPT, Journal
from eval.measures import MEASURES
from eval.output import table, write
from eval.page import faults, render
from eval.stamp import stamp
from rag.config import Settings
from rag.endpoints.endpoint import Endpoint
from rag.errors import EndpointUnreachable, EvalFault, InvalidArgument
from rag.schema import Answer, Message, Verdict

TOPICS = ("copper", "silver", "amber", "linen", "paper", "salt", "indigo", "cedar", "jade", "wool")
TEXTS = {
    f"root/{topic}.txt": f"About {topic}.\nThe {topic} price was {100 + n} crowns in spring.\n"
    f"Merchants of {topic} met in winter.\n"
    for n, topic in enumerate(TOPICS)
}
ASKED = tuple(
    Question(
        f"price-{topic}",
        f"What was the {topic} price in spring?",
        "fact",
        True,
        evidence=(Evidence(f"{topic}.txt", f"The {topic} price was {100 + n} crowns in spring."),),
        accepted=((f"{100 + n} crowns",),),
    )
    for n, topic in enumerate(TOPICS)
)
MISSING = tuple(
    Question(f"none-{n}", f"Which {word} quarrelled abroad?", "unanswerable", False)
    for n, word in enumerate(("glaziers", "tanners", "coopers"))
)
PAIRS = tuple(
    Pair(f"{topic}-{right}", "number", f"The {topic} price was {value} crowns.", (text,), right)
    for n, (topic, text) in enumerate(zip(TOPICS, TEXTS.values(), strict=True))
    for right, value in ((True, 100 + n), (False, 300 + n))
)
DATA = Dataset("prices", ASKED + MISSING, PAIRS)


@pytest.fixture(scope="module")
def report() -> Report:
    return run(WordRag(TEXTS), DATA)


def test_a_right_system_gets_full_marks(report: Report) -> None:
    figures = report.figures()
    full = {"hit@1", "mrr", "ndcg@10", "answer_match_first", "match_and_cited", "refusal_recall"}
    full |= {"refusal_precision", "citation_precision", "answerable_auroc", "verifier_balanced"}
    assert {name: figures[name].value for name in full} == dict.fromkeys(full, 1.0)
    assert figures["false_answer"].value == figures["over_refusal"].value == 0
    assert figures["hit@1"].n == len(ASKED)
    assert figures["false_answer"].n == len(MISSING)
    assert "prompt_tokens" not in figures
    assert report.kinds() == ("fact", "unanswerable")
    assert "hit@1" not in report.figures("unanswerable")


def test_cases_hold_what_the_report_shows(report: Report) -> None:
    case = report.cases[0]
    assert case.found[0].needs == case.citations[0].needs == (0,)
    assert case.answer == "The copper price was 100 crowns in spring. [1]"
    assert faults(case) == ()
    assert [outcome.id for outcome in report.cases] == [question.id for question in DATA.questions]


def test_a_report_survives_its_file(report: Report, tmp_path: Path) -> None:
    data, page = write(report, tmp_path / "new")
    assert Report.read(data) == report
    assert json.loads(data.read_text("utf-8"))["figures"]["hit@1"]["n"] == len(ASKED)
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_leaves_the_one_before(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, page = write(report, tmp_path)
    write_text = Path.write_text

    def torn(path: Path, text: str, encoding: str) -> None:
        write_text(path, text[: len(text) // 2], encoding=encoding)
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", torn)
    with pytest.raises(OSError, match="No space"):
        write(replace(report, dataset="other"), tmp_path)
    assert Report.read(data) == report
    assert sorted(tmp_path.iterdir()) == [page, data]


@pytest.mark.parametrize("content", ["", "{}", '{"format": 0}', '{"format": 1}', "[]"])
def test_what_is_no_report_is_a_fault(tmp_path: Path, content: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(EvalFault):
        Report.read(path)


def test_kinds_and_limit(report: Report) -> None:
    some = run(WordRag(TEXTS), DATA, kinds=["fact"], limit=4)
    assert len(some.cases) == 4
    assert not some.pairs
    with pytest.raises(EvalFault, match="no kind"):
        run(WordRag(TEXTS), DATA, kinds=["fiction"])
    assert len(report.cases) == 13


def test_one_kind_is_one_and_no_letters() -> None:
    assert {case.kind for case in run(WordRag(TEXTS), DATA, kinds="fact").cases} == {"fact"}


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": -1}, {"limit": "2"}, {"jobs": 0}])
def test_a_run_of_no_question_or_no_job_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        run(WordRag(TEXTS), DATA, **wrong)


def test_progress_counts_questions_and_pairs() -> None:
    seen: list[tuple[int, int]] = []
    run(WordRag(TEXTS), DATA, on_progress=lambda done, total: seen.append((done, total)), jobs=4)
    assert seen == [(n, 33) for n in range(1, 34)]


def test_jobs_ask_at_the_same_time_and_change_nothing(report: Report) -> None:
    together = threading.Barrier(2, timeout=20)

    class Meeting(WordRag):
        def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
            if "copper" in question or "silver" in question:
                together.wait()
            return super().query(question, history)

    found = run(Meeting(TEXTS), DATA, jobs=2)
    assert [c.answer for c in found.cases] == [c.answer for c in report.cases]


def test_an_error_is_reported_and_is_no_wrong_answer() -> None:
    down = Question("x", "down?", "fact", True, ASKED[0].history, ASKED[0].evidence, (("1",),))
    found = run(DownRag(TEXTS), [*ASKED, down])
    assert found.errors() == (("x", "Nothing listens at http://127.0.0.1:9. Start it."),)
    assert found.figures()["answer_match"].n == len(ASKED)
    assert found.figures()["answer_match"].value == 1
    assert faults(found.cases[-1]) == ("error",)
    with pytest.raises(EvalFault, match="ended in an error"):
        compare(found, found)


def test_a_defect_is_not_swallowed() -> None:
    class Broken(WordRag):
        def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
            raise ZeroDivisionError(f"{question} {history}")

    with pytest.raises(ZeroDivisionError):
        run(Broken(TEXTS), DATA)


def test_given_passages_are_answered_from() -> None:
    given = Question("g", "What was the copper price?", "en", True, given=tuple(TEXTS.values()))
    (case,) = run(WordRag(TEXTS), [given]).cases
    assert "100 crowns" in case.answer
    assert case.values["hit@5"] is None
    assert case.values["over_refusal"] == 0


def test_what_brings_its_passages_compares_whatever_is_ingested() -> None:
    given = Question("g", "What was the copper price?", "en", True, given=tuple(TEXTS.values()))
    data = Dataset("given", (given,), PAIRS)
    before = run(WordRag({"root/mine.txt": "Mine."}), data)
    after = run(WordRag({"root/mine.txt": "Mine.", "root/new.txt": "New."}), data)
    assert not compare(after, before).dropped


def test_every_character_of_the_context_counts() -> None:
    class Wide(WordRag):
        def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
            return self.answer(question, [hit.passage for hit in self.retrieve(question, k=9)])

    rag = Wide(TEXTS)
    found = run(rag, Dataset("d", ASKED[:1], ())).cases[0]
    hits = rag.query(ASKED[0].question).hits
    assert len(hits) == 9
    assert found.values["context_characters"] == sum(len(hit.passage.text) for hit in hits)


def test_questions_about_other_essays_are_a_fault() -> None:
    with pytest.raises(EvalFault, match=r"copper\.txt, which is not ingested"):
        run(WordRag({"root/other.txt": "x"}), DATA)


def test_two_cases_of_one_id_are_a_fault() -> None:
    twice = replace(ASKED[1], id=ASKED[0].id)
    for data in (Dataset("x", (ASKED[0], twice)), Dataset("x", pairs=(PAIRS[0], PAIRS[0]))):
        with pytest.raises(EvalFault, match="two cases with the id"):
            run(WordRag(TEXTS), data)


def test_a_document_is_found_anywhere_and_cited_by_its_words() -> None:
    """The question's words stand in another line of the right document than the answer."""
    asked = replace(ASKED[0], question="Where did merchants of copper meet?", unit="document")
    (case,) = run(WordRag(TEXTS), [asked]).cases
    assert case.values["hit@1"] == 1
    assert case.citations[0].source == "root/copper.txt"
    assert case.values["citation_precision"] == 0


# ---- comparing


class Reversed(WordRag):
    def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
        hits = self.retrieve(question, history, k=10)[5:]
        return self.answer(question, [hit.passage for hit in hits])


class Shifted(WordRag):
    def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
        answer = super().query(question, history)
        moved = [replace(c, start=c.end, end=c.end + 20) for c in answer.citations]
        return replace(answer, citations=tuple(moved))


class Yes(WordRag):
    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        return replace(super().verify(claim, evidence), label="supported", score=1.0)


class Mute(WordRag):
    def verify(self, claim: str, evidence: Sequence[str]) -> Verdict:
        return replace(super().verify(claim, evidence), label="unchecked")


@pytest.mark.parametrize(
    ("broken", "metric"),
    [
        (Reversed(TEXTS), "answer_match"),
        (Shifted(TEXTS), "citation_precision"),
        (Yes(TEXTS), "verifier_balanced"),
        (Mute(TEXTS), "verifier_unchecked"),
        (WordRag(TEXTS, refuse_below=-1), "false_answer"),
        (WordRag(TEXTS, refuse_below=2), "over_refusal"),
    ],
)
def test_a_broken_stage_drops(report: Report, broken: WordRag, metric: str) -> None:
    found = compare(run(broken, DATA), report)
    assert found.dropped
    assert metric in {row.metric for row in found.rows if row.dropped}


def test_the_same_system_does_not_drop_however_slow(report: Report) -> None:
    again = run(WordRag(TEXTS), DATA)
    slow = replace(
        again,
        cases=tuple(replace(c, values={**c.values, "answer_ms": 9e9}) for c in again.cases),
    )
    found = compare(slow, report)
    assert not found.dropped
    assert all(row.interval == (0, 0) for row in found.rows if row.unit == "share")
    assert next(row for row in found.rows if row.metric == "answer_p50").after == 9e9


def test_an_improvement_is_no_drop(report: Report) -> None:
    assert not compare(report, run(Shifted(TEXTS), DATA)).dropped


def test_one_question_worse_is_no_significant_drop(report: Report) -> None:
    cases = list(report.cases)
    cases[0] = replace(cases[0], values={**cases[0].values, "answer_match": 0.0})
    row = next(
        row
        for row in compare(replace(report, cases=tuple(cases)), report).rows
        if row.metric == "answer_match"
    )
    assert row.after == pytest.approx(0.9)
    assert not row.dropped


def test_only_the_same_questions_over_the_same_essays_compare(report: Report) -> None:
    less = replace(report, cases=report.cases[1:])
    with pytest.raises(EvalFault, match="in the baseline and not in this run"):
        compare(less, report)
    with pytest.raises(EvalFault, match="in this run and not in the baseline"):
        compare(report, less)
    other = replace(report.cases[0], question="Something else?")
    with pytest.raises(EvalFault, match="ask something else"):
        compare(replace(report, cases=(other, *report.cases[1:])), report)
    with pytest.raises(EvalFault, match="other essays"):
        compare(replace(report, corpus="0"), report)
    ids = [case.id for case in less.cases]
    assert not compare(less, report.only(ids, [p.id for p in report.pairs])).dropped


def test_a_slim_report_compares_like_the_whole(report: Report) -> None:
    text = report.slim().to_json()
    assert "About copper" not in text
    broken = run(Yes(TEXTS), DATA)
    slim = {row.metric: row for row in compare(broken, Report.from_json(text)).rows}
    whole = {row.metric: row for row in compare(broken, report).rows}
    assert set(slim) >= {"hit@5", "false_answer", "verifier_auroc", "answerable_aurc"}
    for metric, row in slim.items():
        assert row.before == pytest.approx(whole[metric].before, abs=1e-3)
        assert row.dropped == whole[metric].dropped


@pytest.mark.parametrize("secret", ["me:swordfish@", "me:p@ss-swordfish@", "swordfish@"])
def test_no_secret_is_written(secret: str, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        llm_base_url=f"http://{secret}host/v1",
        llm_model="small",
        embed_base_url="http://host/v1?key=swordfish",
        llm_api_key=SecretStr("swordfish"),
        models_dir=tmp_path / "models",
        llm_gguf=tmp_path / "small.gguf",
    )
    found = run(Plain(settings, stop_after=99), DATA, limit=2)
    assert found.settings["llm_gguf"] == "small.gguf"
    assert found.settings["llm_base_url"] == "http://host/v1"
    assert "swordfish" not in found.to_json() + render(found)
    assert str(tmp_path) not in found.to_json()


def test_tables_name_every_figure(report: Report) -> None:
    from rich.console import Console

    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table(report))
    console.print(compare(run(Yes(TEXTS), DATA), report).table())
    text = console.export_text()
    there = report.figures()
    assert all(measure.title in text for measure in MEASURES if measure.name in there)
    assert "DROPPED" in text


def test_a_kind_is_no_markup_and_does_nothing_to_the_terminal(report: Report) -> None:
    from rich.console import Console

    console = Console(width=160, record=True, file=io.StringIO())
    kinds = ("[/b]", "[red]x", "\x1b[2J")
    asked = [replace(ASKED[n], kind=kind) for n, kind in enumerate(kinds)]
    console.print(table(run(WordRag(TEXTS), Dataset("set[zh]", tuple(asked)))))
    text = console.export_text()
    assert all(there in text for there in ("set[zh]: 3", "[/b]", "[red]x", r"\x1b[2J"))


# ---- the page


HOSTILE = "<script>alert(1)</script><img src=http://x.example/a onerror=b> \u202e {{ 7*7 }} ]]>"


def test_the_page_escapes_everything_and_loads_nothing() -> None:
    texts = {"root/<b>.txt": HOSTILE}
    asked = Question(
        HOSTILE, HOSTILE, HOSTILE, True, (), (Evidence("<b>.txt", HOSTILE),), ((HOSTILE + "no",),)
    )
    pair = Pair(f"{HOSTILE} pair", HOSTILE, HOSTILE, ("other",), True)
    page = render(run(WordRag(texts), Dataset(HOSTILE, (asked,), (pair,))))
    tags = Tags()
    tags.feed(page)
    assert tags.names <= {
        *(
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
        ),
        *(
            "div",
            "span",
            "b",
            "i",
            "small",
            "figure",
            "figcaption",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
        ),
        *("td", "details", "summary", "mark", "dl", "dt", "dd"),
        *("svg", "text", "line", "circle", "polyline", "rect", "g"),
    }
    assert not {name for name in tags.attributes if name in {"src", "href"} or name[:2] == "on"}
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert page.count("&lt;script&gt;") >= 4
    assert "{{ 7*7 }}" in page


class Tags(HTMLParser):
    """The names of a page's elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_shows_every_failure_with_its_passages() -> None:
    found = run(WordRag(TEXTS, refuse_below=-1), DATA)
    page = render(found)
    for question in MISSING:
        assert question.question in page
    assert page.count("answered without evidence") == len(MISSING)
    assert "Questions that went wrong: 3 of 13" in page


def test_the_page_has_one_value_for_a_time(report: Report) -> None:
    """The plot of the times says what the table and `report.json` say."""
    times = (1.0, 2.0, 30.0, 40.0)
    timed = [
        replace(case, values={**case.values, "answer_ms": took})
        for case, took in zip(report.cases, times, strict=False)
    ]
    page = render(replace(report, cases=tuple(timed)))
    assert "p50 16 ms" in page
    assert "p95 38 ms" in page


def test_the_evidence_is_marked_inside_its_passage() -> None:
    silent = run(WordRag(TEXTS, refuse_below=2), ASKED[:1])
    assert "<mark>The copper price was 100 crowns in spring.</mark>" in render(silent)


# ---- taking up a run that broke off


def test_a_journal_gives_back_what_was_done_and_nothing_else(
    tmp_path: Path, report: Report
) -> None:
    path = tmp_path / "runs" / "key.jsonl"
    first = Journal(path, fresh=True)
    first.add(report.cases[0])
    first.add(report.pairs[0])
    first.add(Outcome("bad", "fact", "?", True, "en", error="down"))
    with path.open("a", encoding="utf-8") as file:
        file.write('["Outcome", {"id": "cut o')
    again = Journal(path, fresh=False)
    assert again.known(report.cases[0].id) == report.cases[0]
    assert again.known(report.pairs[0].id) == report.pairs[0]
    assert again.known("bad") is None
    odd = replace(report.cases[1], answer="two\u2028lines")
    again.add(odd)
    again.add(report.cases[2])
    again = Journal(path, fresh=False)
    assert again.known(report.cases[0].id) == report.cases[0]
    assert again.known(odd.id) == odd
    assert again.known(report.cases[2].id) == report.cases[2]
    again.close()
    assert not path.exists()
    assert Journal(path, fresh=False).known(report.cases[0].id) is None


def test_a_journal_that_nobody_took_up_is_forgotten(tmp_path: Path, report: Report) -> None:
    old, young = tmp_path / "old.jsonl", tmp_path / "young.jsonl"
    for path in (old, young):
        Journal(path, fresh=True).add(report.cases[0])
    long_ago = time.time() - 2 * KEPT
    os.utime(old, (long_ago, long_ago))
    Journal(tmp_path / "another.jsonl", fresh=False)
    assert not old.exists()
    assert young.exists()


def test_a_fresh_run_forgets_the_journal(tmp_path: Path, report: Report) -> None:
    path = tmp_path / "key.jsonl"
    Journal(path, fresh=True).add(report.cases[0])
    assert Journal(path, fresh=True).known(report.cases[0].id) is None
    assert not path.exists()


def test_a_subclass_is_never_taken_up(tmp_path: Path) -> None:
    from eval.journal import journal_path

    class Settings:
        data_dir = tmp_path

    class Subclass(WordRag):
        settings = Settings()  # as a subclass of Rag has them

    assert journal_path(WordRag(TEXTS), {}) is None
    assert journal_path(Subclass(TEXTS), {}) is None


class Plain(WordRag):
    """Passes for the project's own Rag, whose code is in the key of what is kept."""

    def __init__(self, settings: Settings, stop_after: int) -> None:
        super().__init__(TEXTS)
        self.settings = settings
        self.stop_after = stop_after
        self.down = "nothing"

    def query(self, question: str, history: Sequence[Message] = ()) -> Answer:
        if self.down in question:
            raise EndpointUnreachable("Nothing listens there.", "Start it.")
        if self.asked == self.stop_after:
            raise KeyboardInterrupt
        return super().query(question, history)


Plain.__module__ = "rag.engine"


def test_a_run_that_broke_off_is_taken_up(tmp_path: Path, report: Report) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(Plain(settings, stop_after=5), DATA, fresh=False)
    other = Plain(Settings(data_dir=tmp_path, k=7), stop_after=99)
    run(other, DATA, fresh=False)
    assert other.asked == 13  # other settings: nothing is taken over
    again = Plain(settings, stop_after=99)
    found = run(again, DATA, fresh=False)
    assert again.asked == 8
    assert [case.answer for case in found.cases] == [case.answer for case in report.cases]
    complete = Plain(settings, stop_after=99)
    run(complete, DATA, fresh=False)
    assert complete.asked == 13  # a complete run is measured anew


def test_what_failed_is_asked_again_and_nothing_else(tmp_path: Path, report: Report) -> None:
    settings = Settings(data_dir=tmp_path)
    failing = Plain(settings, stop_after=99)
    failing.down = "silver"
    assert len(run(failing, DATA, fresh=False).errors()) == 1
    again = Plain(settings, stop_after=99)
    found = run(again, DATA, fresh=False)
    assert again.asked == 1
    assert [case.answer for case in found.cases] == [case.answer for case in report.cases]


def test_a_set_is_told_in_one_order() -> None:
    orders = (["late", "parts"], ["parts", "late"])  # as two processes have them
    given = [SimpleNamespace(model_dump=lambda o=o, **_: {"without": o}) for o in orders]
    one, other = (stamp(Plain(settings, stop_after=0), DATA, TEXTS) for settings in given)
    assert one == other


def test_a_fresh_run_takes_nothing_up(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run(Plain(settings, stop_after=5), DATA, fresh=False)
    again = Plain(settings, stop_after=99)
    run(again, DATA)
    assert again.asked == 13


def test_a_run_is_not_taken_up_by_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No setting says what a server found on this machine has loaded."""
    from rag.endpoints.endpoint import Survey

    settings = Settings(data_dir=tmp_path)
    for model, asked in (("small", 5), ("large", 13)):
        endpoint = Endpoint("ollama", "http://127.0.0.1:11434/v1", model, "found", 4096)
        monkeypatch.setattr(
            "rag.endpoints.endpoint.survey", lambda _, found=endpoint: Survey(found)
        )
        rag = Plain(settings, stop_after=asked)
        with suppress(KeyboardInterrupt):
            run(rag, DATA, fresh=False)
        assert rag.asked == asked


def test_the_code_is_its_trained_weights_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import eval.stamp
    import rag

    (tmp_path / "eval").mkdir()
    monkeypatch.setattr(rag, "__file__", str(tmp_path / "rag" / "__init__.py"))
    monkeypatch.setattr(eval.stamp, "__file__", str(tmp_path / "eval" / "stamp.py"))
    weights = tmp_path / "rag" / "reader.npz"
    weights.parent.mkdir()
    digests = set()
    for content in (b"before", b"after"):
        weights.write_bytes(content)
        digests.add(stamp(WordRag(TEXTS), DATA, TEXTS)["code"])
    assert len(digests) == 2


def test_what_cannot_be_compared_is_said_before_anything_is_asked(report: Report) -> None:
    other = replace(report, corpus="another")
    fewer = replace(report, cases=report.cases[1:])
    for baseline in (other, fewer):
        rag = WordRag(TEXTS)
        with pytest.raises(EvalFault):
            run(rag, DATA, baseline=baseline)
        assert not rag.asked
    part = run(WordRag(TEXTS), DATA, limit=3, baseline=report)
    assert not compare(part, report, part=True).dropped
    with pytest.raises(EvalFault, match="not in this run"):
        compare(part, report)
