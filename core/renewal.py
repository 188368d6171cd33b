"""A worker's hold on something: renewed while it lives, so that its death shows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from threading import Event, Thread
from types import TracebackType
from typing import Self

import structlog
from django.db import DatabaseError, connections

log = structlog.get_logger(__name__)


class Renewal(ABC):
    """A hold that a thread renews, as a context manager around the work.

    It opens a connection to the database only where the work lasts long enough to need one.

    Parameters
    ----------
    every_s : float
    name : str
        What is held, in the log.
    """

    def __init__(self, *, every_s: float, name: str) -> None:
        self._every_s = every_s
        self._name = name
        self._done = Event()
        self._thread = Thread(target=self._go_on, name=name, daemon=True)

    @abstractmethod
    def renew(self) -> None:
        """Renew the hold once."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _go_on(self) -> None:
        try:
            while not self._done.wait(self._every_s):
                self._once()
        finally:
            connections.close_all()

    def _once(self) -> None:
        try:
            self.renew()
        except DatabaseError as error:
            # The next round tries again; if the database stays away the hold runs out by itself.
            log.warning("hold_not_renewed", hold=self._name, error=str(error))
            connections.close_all()
