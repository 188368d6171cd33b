"""What this process read last, by content: a hash never means other bars, nothing expires."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sized
from typing import Generic, TypeVar

# Hash and adjustment, the interval too where it is not the stored one; or where a file is.
Key = tuple[str, str] | tuple[str, str, str]
Held = TypeVar("Held", bound=Sized)
BYTES_PER_BAR = 6 * 8  # a time and five columns of numbers


class BarCache(Generic[Held]):
    """Least-recently-used bars within a limit of memory; safe to share between threads."""

    def __init__(self, max_bytes: int, *, row_bytes: int = BYTES_PER_BAR) -> None:
        self.max_bytes = max_bytes
        self.row_bytes = row_bytes
        self.bytes = 0
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, read: Callable[[], Held]) -> Held:
        """Return the bars of a key, reading them where they are not held.

        Two threads that miss at once both read; that costs less than letting all others wait.
        """
        with self._lock:
            if (bars := self._held.get(key)) is not None:
                self._held.move_to_end(key)
                return bars
        bars = read()
        size = len(bars) * self.row_bytes
        with self._lock:
            if key not in self._held and size <= self.max_bytes:
                self._held[key] = bars
                self.bytes += size
                while self.bytes > self.max_bytes:
                    _, dropped = self._held.popitem(last=False)
                    self.bytes -= len(dropped) * self.row_bytes
        return bars

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._held.clear()
            self.bytes = 0
