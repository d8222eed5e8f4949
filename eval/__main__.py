"""`python -m eval` is `rag eval`."""

from __future__ import annotations

import sys

from rag.cli import main

if __name__ == "__main__":
    main(["eval", *sys.argv[1:]])
