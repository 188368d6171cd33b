"""Kind tables: a name in a row stands for a class in a module that nobody imports by name.

So a new broker or channel is its module and one line, and no code above it knows which there are.
A system check imports every path at the start, so that a broken module is told before it is needed.
"""

from __future__ import annotations

from functools import partial
from typing import Generic, TypeVar

from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

Kind = TypeVar("Kind")


class KindTable(Generic[Kind]):
    """Names and the dotted paths of their classes.

    Parameters
    ----------
    subject : str
        What the kinds are of, for messages: ``"Broker"``.
    paths : dict
        Name to dotted path; the class is called without arguments, once a process.
    check_id : str
        Id of the system check, such as ``"brokers.E001"``.
    """

    def __init__(self, subject: str, paths: dict[str, str], *, check_id: str) -> None:
        self._subject = subject
        self._paths = paths
        self._check_id = check_id
        self._made: dict[str, Kind] = {}
        # Django marks what it registers, and a bound method takes no marks.
        register(partial(self.check))

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def names(self) -> list[str]:
        """Return the names there are."""
        return list(self._paths)

    def choices(self) -> list[tuple[str, str]]:
        """Return the names for model fields, forms and serializers."""
        return [(name, name.replace("_", " ")) for name in self._paths]

    def get(self, name: str) -> Kind:
        """Return the one object of that kind in this process."""
        if name not in self._made:
            self._made[name] = import_string(self._paths[name])()
        return self._made[name]

    def check(self, **_: object) -> list[CheckMessage]:
        """Tell which kinds cannot be imported."""
        faults: list[CheckMessage] = []
        for name, path in self._paths.items():
            try:
                import_string(path)
            except ImportError as error:
                faults.append(
                    Error(
                        f"{self._subject} kind {name!r} cannot be imported: {error}",
                        hint=f"Is {path} the right path, and is its library installed?",
                        id=self._check_id,
                    )
                )
        return faults
