"""A memory of what was used last, for values that are read in bulk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

__all__ = ["Recent"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values that are read in bulk, those last used kept. Thread-safe.

    Two generations: what is used is in the younger one, and once that is full it becomes the older
    one, whose place the other had. Asking for a value that is kept then moves nothing.

    Args:
        most: how many are kept; of those last used at least half of that.
    """

    def __init__(self, most: int) -> None:
        self._full = max(most // 2, 1)
        self._younger: dict[K, V] = {}
        self._older: dict[K, V] = {}
        self._lock = threading.Lock()

    def one(self, key: K, make: Callable[[], V]) -> V:
        """The value of one key, by `make` where it is not kept."""
        kept = self._younger.get(key)
        return self.get([key], lambda _: {key: make()})[key] if kept is None else kept

    def get(self, keys: Sequence[K], read: Callable[[Sequence[K]], Mapping[K, V]]) -> dict[K, V]:
        """The values of `keys`, those that are not kept by `read`, which may leave some out."""
        with self._lock:
            found = {key: self._younger[key] for key in keys if key in self._younger}
            if len(found) == len(keys):
                return found
            found |= {key: self._older[key] for key in keys if key in self._older}
        missing = [key for key in keys if key not in found]
        fresh = read(missing) if missing else {}
        with self._lock:
            self._keep({key: found[key] for key in keys if key in found})
            self._keep(fresh)
        return {**found, **fresh}

    def _keep(self, used: Mapping[K, V]) -> None:
        """Have these in the younger generation, the last of them the longest."""
        for key, value in used.items():
            if key in self._younger:
                continue
            if len(self._younger) >= self._full:
                self._younger, self._older = {}, self._younger
            self._younger[key] = value
