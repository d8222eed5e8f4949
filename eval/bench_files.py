"""Thousands of small files: reading them in, again when nothing changed, and with one more.

    python -m eval.bench_files make HOME 10000
    python -m eval.bench_files again HOME 10000

Vectors are made of hashes and cost nothing, so that everything else is what is measured. `again`
runs in a process that did not make the index.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.bench_scale import encoders, sentences
from eval.machine import peak_mb
from rag.ingest import Indexer

__all__ = ["again", "main", "make"]

Figures = dict[str, float]


def _write(folder: Path, numbers: range) -> None:
    """Files of two sentences each; a number makes every sentence one of its own."""
    pool = sentences(())
    chance = random.Random(6)
    for number in numbers:
        language = ("en", "zh")[number % 2]
        words = [f"{chance.choice(pool[language])} {number}-{part}" for part in (1, 2)]
        place = folder / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:06}.txt").write_text("\n".join(words), "utf-8")


def make(home: Path, count: int) -> Figures:
    """Write `count` files and read them in."""
    _write(home / "texts", range(count))
    with Indexer(home / "index", encoders()) as index:
        spent, _ = _timed(lambda: index.ingest(home / "texts"))
    return {"files": float(count), "files, first ingest s": spent}


def again(home: Path, count: int) -> Figures:
    """Read the same folder in again; then with one file more."""

    def unchanged() -> None:
        with Indexer(home / "index", encoders()) as index:
            report = index.ingest(home / "texts")
        if len(report.unchanged) != count:
            raise AssertionError(f"{len(report.unchanged)} of {count} files were unchanged")

    encoders()  # making up their numbers is no part of it
    spent, processor = _timed(unchanged)
    more = []
    with Indexer(home / "index", encoders()) as index:
        for number in (count, count + 1):
            _write(home / "texts", range(number, number + 1))
            more.append(_timed(lambda: index.ingest(home / "texts"))[0])
    return {
        "files, ingested again unchanged s": spent,
        "files, ingested again unchanged, processor s": processor,
        "files, one more s": more[0],
        "files, another in the same process s": more[1],
        "files, peak MB": peak_mb(),
    }


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor."""
    since, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - since, time.process_time() - processor


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one phase and print its figures as JSON."""
    parser = argparse.ArgumentParser("eval.bench_files", description=__doc__)
    parser.add_argument("phase", choices=("make", "again"))
    parser.add_argument("home", type=Path)
    parser.add_argument("count", type=int)
    given = parser.parse_args(arguments)
    phase = make if given.phase == "make" else again
    print(json.dumps(phase(given.home, given.count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
