"""`python -m eval` is `rag eval`."""

from __future__ import annotations

import sys

from eval.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    from rag.cli import main as rag  # knows what to do where the output cannot be written

    rag(["eval", *sys.argv[1:]])
