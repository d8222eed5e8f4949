"""What figures were measured on and with, and what a process took. Standard library alone."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["describe", "peak_mb", "versions"]

TELLING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "i8mm")
"""Processor flags that decide how fast the encoders are."""

STATUS = Path("/proc/self/status")
CPUINFO = Path("/proc/cpuinfo")


def describe(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Machine, load, date, and the versions of `packages` that are installed."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _cpuinfo("model name") or platform.processor() or "unknown",
        "cores": os.cpu_count() or 1,
        "flags": " ".join(flag for flag in TELLING if flag in _flags()) or "unknown",
        "load before": round(os.getloadavg()[0], 1),
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        **versions(packages),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def peak_mb() -> float:
    """The most that this process had resident so far, in MB (10^6 bytes).

    Linux's own count of the process: getrusage's starts from what the parent had.
    """
    if STATUS.exists():
        for line in STATUS.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _flags() -> set[str]:
    return set((_cpuinfo("flags") or _cpuinfo("Features")).split())


def _cpuinfo(name: str) -> str:
    if not CPUINFO.exists():
        return ""
    lines = CPUINFO.read_text("utf-8", "replace").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")
