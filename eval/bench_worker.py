"""One system in one process: `eval.bench` starts it, and reads one line of JSON from it.

python -m eval.bench_worker ingest SYSTEM --corpus DIR --home DIR --models DIR
python -m eval.bench_worker ask    SYSTEM … --questions FILE --endpoint URL
python -m eval.bench_worker open   SYSTEM …       # opens, retrieves once, and ends
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

from eval.baselines import BASELINES, Found
from eval.bench_endpoint import MODEL, bare_first_piece
from eval.machine import peak_mb
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
from rag.schema import Passage, Place

__all__ = ["OURS", "WARM_UP_LINES", "Meter", "System", "letters", "located", "main"]

OURS = "essay-rag"
K = 5
READING = 2600  # characters of context that a small model is given
WARM_UP = (
    "What loads at the first use is loaded before the clock starts, in English.",
    "第一次使用时要装载的东西，在计时开始之前就已经用中文装载好了。",
)
WARM_UP_LINES = 25


@dataclass
class Meter:
    """What went through the encoders, by what it was for: `passages` or `query`."""

    wall: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)
    characters: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def watching(self, *kinds: type[Any]) -> Iterator[None]:
        """Count every call of these encoder classes, whoever makes it."""
        kept = [
            (kind, name, getattr(kind, name))
            for kind in kinds
            for name in _METHODS
            if hasattr(kind, name)
        ]
        for kind, name, method in kept:
            setattr(kind, name, self._counted(kind.__name__, _METHODS[name], method))
        try:
            yield
        finally:
            for kind, name, method in kept:
                setattr(kind, name, method)

    def _counted(self, kind: str, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def counted(encoder: Any, texts: Any, *more: Any, **named: Any) -> Any:
            wall, processor = time.perf_counter(), time.process_time()
            try:
                return method(encoder, texts, *more, **named)
            finally:
                _add(self.wall, name, time.perf_counter() - wall)
                _add(self.processor, name, time.process_time() - processor)
                distinct = {texts} if isinstance(texts, str) else {*texts}
                _add(self.characters, f"{name} {kind}", sum(map(letters, distinct)))

        return counted


_METHODS = {"passages": "passages", "read": "passages", "query": "query"}
"""By what an encoder is asked for, and what that counts as."""


def letters(text: str) -> int:
    """Characters of a text, white space left out."""
    return sum(map(len, text.split()))


def _add(sums: dict[str, Any], name: str, value: float) -> None:
    sums[name] = sums.get(name, 0) + value


class System:
    """essay-rag or a baseline, by the same four verbs."""

    def __init__(self, name: str, home: Path, models: Path, base_url: str = "") -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._ours = name == OURS
        encoder = PassageEncoder(models, threads=1)
        self._encoders: tuple[Any, ...] = (encoder,)
        if self._ours:
            self._made: Any = _rag(home, models, base_url)
            kinds = self._made._parts.encoders
            self._encoders = (kinds.passage, kinds.sentence)
        else:
            self._made = BASELINES[name](home, encoder, base_url)

    def open_encoders(self) -> None:
        """Load their weights, which the first to need them would do: whoever that is, it is part of
        embedding."""
        for encoder in self._encoders:
            encoder.open()

    def ingest(self, folder: Path) -> None:
        self._made.ingest(folder)

    def retrieve(self, question: str) -> list[Passage | Found]:
        found = self._made.retrieve(question, k=K) if self._ours else self._made.retrieve(question)
        return [hit.passage for hit in found] if self._ours else list(found)

    def answer(self, question: str) -> tuple[float, float]:
        """Seconds to the first piece of the model's answer, and to the end."""
        from rag.schema import Token

        first = 0.0
        since = time.perf_counter()
        for piece in self._made.stream(question):
            telling = isinstance(piece, Token) if self._ours else piece
            if telling and not first:
                first = time.perf_counter() - since
        return first, time.perf_counter() - since

    def close(self) -> None:
        if self._ours:
            self._made.close()


def _rag(home: Path, models: Path, base_url: str) -> Any:
    from rag import Rag, Settings

    model = MODEL if base_url else ""
    llm: Any = "auto" if base_url else "off"
    return Rag(
        Settings(data_dir=home, models_dir=models, llm=llm, llm_base_url=base_url, llm_model=model)
    )


# -- ingest ---------------------------------------------------------------------------------------


def ingest(given: argparse.Namespace) -> dict[str, float]:
    """Seconds by part; the first ingest in the process, of one page, stands by itself."""
    meter = Meter()
    line = given.home / "line"
    line.mkdir(parents=True)
    # Longer than any system's passage, or what cuts texts would load only later.
    lines = (f"{number} {text}" for number in range(given.warm_up) for text in WARM_UP)
    (line / "line.txt").write_text("\n\n".join(lines), "utf-8")
    since, processor = time.perf_counter(), time.process_time()
    first = System(given.system, given.home / "warm", given.models)
    first.ingest(line)
    found = {
        "first use s": time.perf_counter() - since,
        "first use, processor s": time.process_time() - processor,
    }
    first.close()
    system = System(given.system, given.home / "index", given.models)
    system.open_encoders()
    with meter.watching(PassageEncoder, SentenceEncoder):
        since, processor = time.perf_counter(), time.process_time()
        system.ingest(given.corpus)
        wall, used = time.perf_counter() - since, time.process_time() - processor
    system.close()
    embedding, embedding_used = meter.wall["passages"], meter.processor["passages"]
    return found | {
        "ingest s": wall,
        "embedding s": embedding,
        "own ingest s": wall - embedding,
        "own ingest, processor s": used - embedding_used,
        "own ingest %": 100 * (wall - embedding) / embedding,
        "own ingest, processor %": 100 * (used - embedding_used) / embedding_used,
        "characters embedded": meter.characters["passages PassageEncoder"],
        "sentence characters embedded": meter.characters.get("passages SentenceEncoder", 0),
        "ingest peak MB": peak_mb(),
    }


# -- ask ------------------------------------------------------------------------------------------


def ask(given: argparse.Namespace) -> dict[str, float]:
    """Retrieval and answers over a kept index, in a process that did not make it."""
    from eval.cases import read_questions

    questions = read_questions(given.questions)
    texts = {path.name: path.read_bytes().decode() for path in given.corpus.iterdir()}
    asked = [one for one in questions if not one.history]
    since, processor = time.perf_counter(), time.process_time()
    system = System(given.system, given.home / "index", given.models, given.endpoint)
    system.retrieve(asked[0].question)
    found: dict[str, float] = {
        "open s": time.perf_counter() - since,
        "open, processor s": time.process_time() - processor,
    }
    meter = Meter()
    with meter.watching(PassageEncoder, SentenceEncoder):
        for question in WARM_UP:  # of both languages, whose words are loaded at their first use
            system.retrieve(question)
        timed = partial(_retrieved, system, meter)
        results = [timed(one.question) for one in asked]
        found |= _spread("retrieve", [with_query for _, with_query, _ in results])
        found |= _spread("retrieve, no embedding", [without for _, _, without in results])
        hits = [[located(hit, texts) for hit in got] for got, _, _ in results]
        if given.hits:
            found |= _quality(asked, hits, texts)
        found["context characters"] = median(sum(len(h.raw) for h in one) for one in hits)
        if given.endpoint:
            found |= _answers(system, timed, asked[:: max(1, len(asked) // given.answers)], given)
    found["ask peak MB"] = peak_mb()
    system.close()
    return found


def _retrieved(
    system: System, meter: Meter, question: str
) -> tuple[list[Passage | Found], float, float]:
    """Passages; milliseconds with and without embedding the question."""
    embedding = meter.wall.get("query", 0.0)
    since = time.perf_counter()
    found = system.retrieve(question)
    spent = time.perf_counter() - since
    return found, 1000 * spent, 1000 * (spent - meter.wall.get("query", 0.0) + embedding)


def _answers(
    system: System, timed: Callable[[str], Any], asked: Sequence[Any], given: argparse.Namespace
) -> dict[str, float]:
    """Milliseconds to the first piece and to the end; what of the first is neither retrieval nor
    the endpoint's own, question by question, so that a busy machine slows all three alike. By turns
    the retrieval alone or the answer comes first: the second may find something in a cache.
    """
    for question in WARM_UP:
        system.answer(question)
    first, whole, above = [], [], []
    for number, one in enumerate(asked[: given.answers]):
        (own,) = bare_first_piece(given.endpoint, one.question, 2)[1:]
        if number % 2:
            _, retrieval, _ = timed(one.question)
            piece, end = system.answer(one.question)
        else:
            piece, end = system.answer(one.question)
            _, retrieval, _ = timed(one.question)
        first.append(1000 * piece)
        whole.append(1000 * end)
        above.append(1000 * (piece - own) - retrieval)
    return {
        **_spread("first token", first),
        **_spread("answer", whole),
        "first token above retrieval and endpoint ms": median(above),
    }


def _spread(name: str, milliseconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {f"{name} p50 ms": median(ordered), f"{name} p95 ms": high}


# -- hits -----------------------------------------------------------------------------------------


def located(hit: Passage | Found, texts: dict[str, str]) -> Passage:
    """A baseline's hit as a Passage: every place in the file where its words stand exactly so."""
    if isinstance(hit, Passage):
        return hit
    name, text = hit
    whole = texts.get(name, "")
    starts = []
    at = whole.find(text)
    while at >= 0 and text:
        starts.append(at)
        at = whole.find(text, at + 1)
    places = tuple(Place(name, start, start + len(text)) for start in starts[1:])
    start = starts[0] if starts else 0
    end = start + len(text) if starts else 0
    return Passage("", name, name, "", start, end, text, text, places=places)


def _quality(
    asked: Sequence[Any], hits: Sequence[Sequence[Passage]], texts: dict[str, str]
) -> dict[str, float]:
    """hit@1 and hit@5 over the questions that have an answer; also within READING characters."""
    from eval.cases import evidence_spans, met_by
    from eval.metrics import ranking

    scores: dict[str, list[float]] = {"hit@1": [], "hit@5": [], "hit@5, 2,600 characters": []}
    for question, found in zip(asked, hits, strict=True):
        if not question.answerable:
            continue
        needs = evidence_spans(question, texts)
        named = [_by_file(passage) for passage in found]
        meets = [met_by(passage, needs) for passage in named]
        sizes = accumulate(len(passage.raw) for passage in found)
        short = [meet for meet, size in zip(meets, sizes, strict=True) if size <= READING]
        values, within = ranking(meets, len(needs)), ranking(short, len(needs))
        scores["hit@1"].append(values["hit@1"] or 0.0)
        scores["hit@5"].append(values["hit@5"] or 0.0)
        scores["hit@5, 2,600 characters"].append(within["hit@5"] or 0.0)
    questions = len(scores["hit@1"])
    if not questions:
        return {}
    return {name: sum(values) / questions for name, values in scores.items()} | {
        "questions with evidence": questions
    }


def _by_file(passage: Passage) -> Passage:
    """The passage with its files named as the questions name them: without the root."""
    from dataclasses import replace

    places = tuple(replace(place, source=_file(place.source)) for place in passage.places)
    return replace(passage, source=_file(passage.source), places=places)


def _file(source: str) -> str:
    return source.rsplit("/", 1)[-1]


# -- open -----------------------------------------------------------------------------------------


def open_once(given: argparse.Namespace) -> dict[str, float]:
    """What a command-line program over this system has to do before it can answer."""
    system = System(given.system, given.home / "index", given.models)
    found = system.retrieve(WARM_UP[0])
    system.close()
    return {"passages": len(found)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one phase and print its figures as JSON."""
    phases = {"ingest": ingest, "ask": ask, "open": open_once}
    parser = argparse.ArgumentParser("eval.bench_worker", description=__doc__)
    parser.add_argument("phase", choices=phases)
    parser.add_argument("system", choices=[OURS, *BASELINES])
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--hits", action="store_true", help="the questions are about the corpus")
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--answers", type=int, default=12)
    parser.add_argument("--warm-up", type=int, default=WARM_UP_LINES)
    given = parser.parse_args(arguments)
    print(json.dumps(phases[given.phase](given)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
