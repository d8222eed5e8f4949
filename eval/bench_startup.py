"""From the shell to the answer: seconds, processor seconds, and who imports what.

    python -m eval.bench_startup [--repeat N] [--data DIR]

A command runs in a process of its own. Processor seconds hardly change with what else the machine
does; seconds by the clock do.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from eval.isolation import clean_environment

__all__ = ["PROGRAM", "Run", "import_shares", "main", "run"]

SCRIPT = "from rag.cli import main; main()"
"""What the installed program `rag` does."""

PROGRAM = (sys.executable, "-c", SCRIPT)
LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \| \s*(\S+)")
QUESTION = "What do the essays say about evaluation?"


class Run(dict[str, float]):
    """Seconds of one command: `wall` by the clock and `processor` used, its children's too."""


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Run:
    """Run a command to its end. Raises CalledProcessError when it fails, with what it said."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    since = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False)
    wall = time.perf_counter() - since
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall=wall, processor=used)


def import_shares(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path
) -> dict[str, float]:
    """Milliseconds that a `rag` command spends in importing, by top package, the largest first.

    Raises CalledProcessError when it fails.
    """
    command = [sys.executable, "-X", "importtime", "-c", SCRIPT, *arguments]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    spent: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        if match := LINE.match(line):
            spent[match[2].split(".")[0]] += int(match[1])
    return {name: microseconds / 1000 for name, microseconds in spent.most_common()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print medians for `rag --help` and `rag ask`, and what the imports of each take."""
    parser = argparse.ArgumentParser("eval.bench_startup", description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--data", type=Path, required=True, help="a data directory, ingested")
    parser.add_argument("--question", default=QUESTION)
    given = parser.parse_args(arguments)
    environment = clean_environment(given.data.absolute(), RAG_LLM="off")
    figures: dict[str, dict[str, float]] = {}
    for name, words in (("rag --help", ["--help"]), ("rag ask", ["ask", "--", given.question])):
        times = [run([*PROGRAM, *words], environment, given.data) for _ in range(given.repeat)]
        shares = import_shares(words, environment, given.data)
        figures[name] = {
            "seconds": round(median(one["wall"] for one in times), 2),
            "processor seconds": round(median(one["processor"] for one in times), 2),
            "importing, ms": round(sum(shares.values())),
            **{f"  {package}, ms": round(ms) for package, ms in list(shares.items())[:12]},
        }
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
