"""Speed and size of essay-rag beside two baselines with the same encoder and the same model.

    python -m eval.bench [--corpus DIR] [--questions FILE] [--repeat N] [--only PART,…]
                         [--systems NAME,…] [--files N] [--output FILE.json] [--output FILE.md]

Each system runs in processes of its own, so that imports and memory do not mix. Systems take turns
in every round, so that other work on the machine slows all of them; a figure is the median of the
rounds, and "×" is the median of its ratios to essay-rag's in the same round.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from eval.baselines import missing
from eval.bench_endpoint import FIRST, serving
from eval.bench_startup import PROGRAM, import_shares, run
from eval.bench_worker import OURS, WARM_UP_LINES, letters
from eval.install_size import ENCODER, needs, sizes
from eval.isolation import ROOT, clean_environment, nltk_tables
from eval.machine import describe
from rag.errors import EvalFault, RagError

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["PARTS", "Results", "bench", "main"]

SYSTEMS = (OURS, "LlamaIndex", "LangChain")
PARTS = ("ingest", "ask", "start", "size", "files")
SEEDS = ROOT / "seeds"
QUESTIONS = ROOT / "eval" / "questions.jsonl"
QUESTION = "What do the essays say about evaluation?"
PACKAGES = (
    "essay-rag", "llama-index-core", "chromadb", "tantivy", "onnxruntime", "openai",
    "langchain-core", "langchain-chroma",
)  # fmt: skip
INSTALLED = {
    "LlamaIndex": ("llama-index-core", "llama-index-llms-openai-like", *ENCODER),
    "LangChain": (
        "langchain-core", "langchain-chroma", "langchain-text-splitters", "openai", *ENCODER,
    ),
}  # fmt: skip

Figures = dict[str, float]


@dataclass(frozen=True)
class Line:
    """A line of the table. `target` is the most that is wanted of essay-rag; None: no target."""

    name: str
    digits: int = 0
    target: float | None = None
    ratio: bool = False


LINES = (
    Line("ingest s", 2, ratio=True),
    Line("embedding s", 2, ratio=True),
    Line("own ingest s", 2, ratio=True),
    Line("own ingest %", 1, target=5),
    Line("own ingest, processor s", 2, ratio=True),
    Line("own ingest, processor %", 1, target=5),
    Line("first use s", 2),
    Line("first use, processor s", 2),
    Line("characters embedded"),
    Line("characters embedded, % of distinct text", 1, target=100),
    Line("sentence characters embedded"),
    Line("sentence characters embedded, % of distinct text", 1, target=100),
    Line("ingest peak MB"),
    Line("open s", 2),
    Line("open, processor s", 2),
    Line("retrieve, no embedding p50 ms", 1, target=5, ratio=True),
    Line("retrieve, no embedding p95 ms", 1),
    Line("retrieve p50 ms", 1, ratio=True),
    Line("retrieve p95 ms", 1),
    Line("first token p50 ms", 1, ratio=True),
    Line("first token p95 ms", 1),
    Line("first token above retrieval and endpoint ms", 1, target=20),
    Line("answer p50 ms", 1, ratio=True),
    Line("answer p95 ms", 1),
    Line("ask peak MB"),
    Line("hit@1", 3),
    Line("hit@5", 3),
    Line("hit@5, 2,600 characters", 3),
    Line("questions with evidence"),
    Line("context characters"),
    Line("help, wall s", 2, target=0.3),
    Line("help, processor s", 2),
    Line("warm start, wall s", 2, target=4, ratio=True),
    Line("warm start, processor s", 2, ratio=True),
    Line("installed MB"),
    Line("installed packages"),
    Line("files"),
    Line("files, first ingest s", 1),
    Line("files, ingested again unchanged s", 2, target=5),
    Line("files, ingested again unchanged, processor s", 2),
    Line("files, one more s", 2),
    Line("files, another in the same process s", 2),
    Line("files, peak MB"),
)


@dataclass(frozen=True)
class Results:
    """What a run found.

    `figures`: system → figure → one value a round. `shares`: command → package → milliseconds of
    import. `sizes`: system → package → MB.
    """

    machine: Mapping[str, Any]
    corpus: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Sequence[float]]]
    shares: Mapping[str, Mapping[str, float]]
    sizes: Mapping[str, Mapping[str, float]]
    notes: Sequence[str] = ()

    def value(self, system: str, name: str) -> float | None:
        """The median of the rounds."""
        found = self.figures.get(system, {}).get(name)
        return median(found) if found else None

    def ratio(self, system: str, name: str) -> float | None:
        """The median of the rounds' ratios to essay-rag."""
        own = self.figures.get(OURS, {}).get(name, ())
        theirs = self.figures.get(system, {}).get(name, ())
        ratios = [b / a for a, b in zip(own, theirs, strict=False) if a > 0]
        return median(ratios) if ratios and system != OURS else None

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The table: a line's name, a cell for each system, the target and whether it is met."""
        for line in LINES:
            values = {system: self.value(system, line.name) for system in self.figures}
            if any(value is not None for value in values.values()):
                cells = [self._cell(line, system, value) for system, value in values.items()]
                yield (line.name, *cells, _target(line, values.get(OURS)))

    def _cell(self, line: Line, system: str, value: float | None) -> str:
        if value is None:
            return ""
        ratio = self.ratio(system, line.name) if line.ratio else None
        return f"{value:,.{line.digits}f}" + (f" (×{ratio:.2g})" if ratio else "")

    def to_dict(self) -> dict[str, Any]:
        """For JSON: medians beside the rounds they are made of."""
        return {
            "machine": dict(self.machine),
            "corpus": dict(self.corpus),
            "notes": list(self.notes),
            "medians": {
                system: {name: round(median(values), 4) for name, values in found.items()}
                for system, found in self.figures.items()
            },
            "rounds": {
                system: {name: [round(v, 4) for v in values] for name, values in found.items()}
                for system, found in self.figures.items()
            },
            "import milliseconds": _rounded(self.shares),
            "installed MB": _rounded(self.sizes),
        }

    def to_markdown(self) -> str:
        """The same as a page."""
        parts = ["# Speed and size", _stamp(self.machine), _stamp(self.corpus), *self.notes]
        head = ("", *self.figures, "target")
        parts.append(_markdown(head, self.rows()))
        for title, found in _side_tables(self):
            parts += [f"## {title}", _markdown(("", ""), found)]
        return "\n\n".join(parts) + "\n"


def _rounded(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {name: {k: round(v, 1) for k, v in inner.items()} for name, inner in found.items()}


def _target(line: Line, value: float | None) -> str:
    if line.target is None or value is None:
        return ""
    return f"≤ {line.target:g} {'✓' if value <= line.target else '✗'}"


def _stamp(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _markdown(head: Sequence[str], rows: Iterator[tuple[str, ...]] | Sequence[Any]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _side_tables(results: Results, count: int = 10) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for command, shares in results.shares.items():
        top = list(shares.items())[:count]
        rest = sum(shares.values()) - sum(ms for _, ms in top)
        rows = [(name, f"{ms:.0f}") for name, ms in top] + [("all others", f"{rest:.0f}")]
        yield f"{command}: milliseconds of import, by package", rows
    for system, found in results.sizes.items():
        rows = [(name, f"{mb:.1f}") for name, mb in list(found.items())[:count]]
        yield f"{system}: MB installed, the ten largest packages", rows


# -- measuring ------------------------------------------------------------------------------------


def bench(given: argparse.Namespace, home: Path) -> Results:
    """Everything that was asked for. Raises EvalFault when a process fails."""
    parts = given.only
    systems, notes = _systems(given.systems)
    judged = given.questions is not None or given.corpus.resolve() == SEEDS
    corpus = copied(given.corpus, home / "corpus")
    machine = describe(PACKAGES)
    rounds: dict[str, dict[str, list[float]]] = {system: {} for system in systems}
    shares: dict[str, dict[str, float]] = {}
    measure = _Bench(given, home, corpus, judged)
    distinct = distinct_characters(corpus)
    if {"ingest", "ask", "start"} & set(parts):
        _open_encoders(given.models)
        with serving() as endpoint:
            for number in range(given.repeat):
                turn = number % len(systems)
                for system in (*systems[turn:], *systems[:turn]):
                    print(f"round {number + 1} of {given.repeat}: {system} …", file=sys.stderr)
                    found = measure.round(system, number, endpoint, parts)
                    _against(found, distinct)
                    _keep(rounds[system], found)
    if "start" in parts:
        shares = measure.shares(home / f"{OURS}-0" / "index")
    if "files" in parts:
        _keep(rounds.setdefault(OURS, {}), measure.files(given.files))
    installed = _installed(systems) if "size" in parts else {}
    for system, packages in installed.items():
        figures = {
            "installed MB": sum(packages.values()),
            "installed packages": float(len(packages)),
        }
        _keep(rounds[system], figures)
    described = {
        "essays": sum(1 for _ in corpus.iterdir()),
        "characters": sum(len(p.read_bytes().decode()) for p in corpus.iterdir()),
        "in distinct lines": distinct,
        "rounds": given.repeat,
        "the endpoint's own first token ms": round(1000 * FIRST),
    }
    return Results(machine, described, rounds, shares, installed, notes)


class _Bench:
    """Starts the measured processes."""

    def __init__(self, given: argparse.Namespace, home: Path, corpus: Path, judged: bool) -> None:
        self._given = given
        self._home = home
        self._corpus = corpus
        self._judged = judged
        self._tables = nltk_tables(home / "nltk")

    def round(self, system: str, number: int, endpoint: str, parts: Sequence[str]) -> Figures:
        """All phases of one system, in an index of its own."""
        home = self._home / f"{system}-{number}"
        found = self._worker("ingest", system, home)  # the others need what it makes
        if "ingest" not in parts:
            found = {}
        if "ask" in parts:
            questions = str(self._given.questions or QUESTIONS)
            options = ["--questions", questions, "--endpoint", endpoint]
            options += ["--answers", str(self._given.answers)]
            options += ["--hits"] if self._judged else []
            found |= self._worker("ask", system, home, *options)
        if "start" in parts:
            found |= self._start(system, home)
        return found

    def _worker(self, phase: str, system: str, home: Path, *options: str) -> Figures:
        command = [sys.executable, "-m", "eval.bench_worker", phase, system]
        command += ["--home", str(home), "--models", str(self._given.models)]
        command += ["--corpus", str(self._corpus), "--warm-up", str(self._given.warm_up), *options]
        home.mkdir(parents=True, exist_ok=True)
        return _json(command, home, self._tables)

    def _start(self, system: str, home: Path) -> Figures:
        """From the shell: `rag ask`; a baseline has no command, so it opens and retrieves once."""
        environment = self._environment(home / "index", **self._tables)
        worker = [sys.executable, "-m", "eval.bench_worker", "open", system]
        worker += ["--home", str(home), "--models", str(self._given.models)]
        ours = system == OURS
        asked = run([*PROGRAM, "ask", QUESTION] if ours else worker, environment, home)
        found = {f"warm start, {kind} s": seconds for kind, seconds in asked.items()}
        if ours:
            helped = run([*PROGRAM, "--help"], environment, home)
            found |= {f"help, {kind} s": seconds for kind, seconds in helped.items()}
        return found

    def _environment(self, data: Path, **more: str) -> dict[str, str]:
        """What the program itself is started with: weights are converted already, as at any start
        but the first."""
        return clean_environment(
            data, RAG_LLM="off", RAG_MODELS_DIR=str(self._given.models), **more
        )

    def shares(self, data: Path) -> dict[str, dict[str, float]]:
        """Who imports what."""
        environment = self._environment(data)
        return {
            "rag --help": import_shares(["--help"], environment, self._home),
            "rag ask": import_shares(["ask", QUESTION], environment, self._home),
        }

    def files(self, count: int) -> Figures:
        """Many small files, with vectors that cost nothing."""
        home = self._home / "files"
        home.mkdir()
        found: Figures = {}
        for phase in ("make", "again"):
            command = [sys.executable, "-m", "eval.bench_files", phase, str(home), str(count)]
            found |= _json(command, home, {})
        return found


def _json(command: Sequence[str], home: Path, more: Mapping[str, str]) -> Figures:
    """The last line that a process prints."""
    environment = clean_environment(home, **more)
    done = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-12:]
        raise EvalFault(f"{' '.join(command[2:5])} failed.", "\n".join(last))
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _keep(rounds: dict[str, list[float]], found: Mapping[str, float]) -> None:
    for name, value in found.items():
        rounds.setdefault(name, []).append(value)


def _against(found: Figures, distinct: int) -> None:
    for name in ("characters embedded", "sentence characters embedded"):
        if found.get(name) and distinct:
            found[f"{name}, % of distinct text"] = 100 * found[name] / distinct


def _open_encoders(models: Path) -> None:
    """Convert the weights where that was not done yet, so that nobody's clock sees it."""
    from rag.encoders.bundled import PassageEncoder, SentenceEncoder

    program = "import sys; from pathlib import Path; from rag.encoders.bundled import *\n"
    kinds = (PassageEncoder.__name__, SentenceEncoder.__name__)
    program += "\n".join(f"{kind}(Path(sys.argv[1])).open()" for kind in kinds)
    models.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", program, str(models)], env=clean_environment(models), check=True
    )


def _systems(wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """Those that are installed, and a plain line for each that is not."""
    lacking = {system: missing(system) for system in wanted}
    notes = [
        f"{system} is left out: {', '.join(modules)} not installed (extra bench)."
        for system, modules in lacking.items()
        if modules
    ]
    return [system for system in wanted if not lacking[system]], notes


def _installed(systems: Sequence[str]) -> dict[str, dict[str, float]]:
    return {system: sizes(INSTALLED.get(system) or needs(OURS)) for system in systems}


def copied(corpus: Path, folder: Path) -> Path:
    """The essays of a folder, decoded and in one folder in UTF-8, the same for every system."""
    from rag.load import loadable
    from rag.text.decoding import decode

    folder.mkdir(parents=True)
    paths = [corpus] if corpus.is_file() else sorted(corpus.rglob("*"))
    for path in paths:
        if path.is_file() and loadable(path) and path.stem.upper() != "README":
            place = folder / path.name
            if place.exists():
                raise EvalFault(f"{corpus} has two files {path.name}.", "Rename one of them.")
            place.write_bytes(decode(path.read_bytes())[0].encode())
    if not any(folder.iterdir()):
        raise EvalFault(f"{corpus} holds no essay.", "Name a folder of .txt or .md files.")
    return folder


def distinct_characters(folder: Path) -> int:
    """Characters of the lines of all files without white space; a line that repeats counts once."""
    lines = {
        line.strip() for path in folder.iterdir() for line in path.read_bytes().decode().split("\n")
    }
    return sum(map(letters, lines))


# -- showing --------------------------------------------------------------------------------------


def tables(results: Results) -> Iterator[Table]:
    """For the terminal."""
    from rich.table import Table

    table = Table("", *results.figures, "target")
    for row in results.rows():
        table.add_row(*row)
    yield table
    for title, found in _side_tables(results):
        side = Table(title, "")
        for name, value in found:
            side.add_row(name, value)
        yield side


def _names(allowed: Sequence[str]) -> Any:
    def names(text: str) -> list[str]:
        wanted = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in wanted if name not in allowed]
        if unknown or not wanted:
            raise argparse.ArgumentTypeError(f"{unknown or text!r}: choose of {', '.join(allowed)}")
        return wanted

    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("eval.bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--corpus", type=Path, default=SEEDS, help="folder of essays")
    parser.add_argument(
        "--questions", type=Path, help="about the corpus, as eval/questions.jsonl about seeds/"
    )
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    parser.add_argument("--answers", type=int, default=12, help="questions that are answered")
    parser.add_argument(
        "--only", type=_names(PARTS), default=list(PARTS), help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument(
        "--systems", type=_names(SYSTEMS), default=list(SYSTEMS), help=f"of {', '.join(SYSTEMS)}"
    )
    parser.add_argument("--files", type=int, default=10_000, help="small files to ingest again")
    parser.add_argument(
        "--warm-up", type=int, default=WARM_UP_LINES, help="lines ingested before the clock starts"
    )
    parser.add_argument(
        "--models", type=Path, help="where converted weights are [default: the data directory's]"
    )
    parser.add_argument(
        "--output", type=Path, action="append", default=[], help="write FILE.json or FILE.md"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    from rich.console import Console

    parser = _parser()
    given = parser.parse_args(arguments)
    if any(path.suffix not in {".json", ".md"} for path in given.output):
        parser.error("--output takes a .json or a .md file")
    console = Console(highlight=False)
    home = Path(tempfile.mkdtemp(prefix="essay-rag-bench-"))
    try:
        given.corpus = given.corpus.absolute()
        given.questions = given.questions and given.questions.absolute()
        given.models = (given.models or _models()).absolute()
        results = bench(given, home)
    except RagError as fault:
        print(fault, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as fault:
        print(fault, _words(fault.stderr), sep="\n", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(home, ignore_errors=True)
    console.print(_stamp(results.machine))
    console.print(_stamp(results.corpus))
    for part in (*results.notes, *tables(results)):
        console.print(part)
    for path in given.output:
        text = (
            json.dumps(results.to_dict(), indent=1, ensure_ascii=False) + "\n"
            if path.suffix == ".json"
            else results.to_markdown()
        )
        path.write_text(text, "utf-8")
    return 0


def _words(said: str | bytes | None) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said or ""


def _models() -> Path:
    from rag.config import Settings

    return Settings().models


if __name__ == "__main__":
    sys.exit(main())
