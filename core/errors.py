"""What can go wrong, named by what the caller should do about it.

Every error the product raises on purpose is an `ApplicationError`. The class says what to do
next; the message says what was wrong, what was found, and how to fix it. The API maps each class
to one HTTP status (`core.api.exceptions`), the command line to an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault in the caller's input.

    Attributes
    ----------
    path : str
        Where it is, dotted: ``"graph.nodes[3].params.period"``.
    code : str
        A stable word for programs: ``"required"``, ``"out_of_range"``, ``"unknown_node"``.
    message : str
        A sentence for people: what was wrong and how to fix it.
    expected, received : Any
        What would have been right and what was found, when that helps; JSON-able.
    node_id : str or None
        The graph node at fault, if the input is a strategy graph.
    """

    path: str
    code: str
    message: str
    expected: Any = None
    received: Any = None
    node_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the detail as the API shows it; `node_id` only where there is one."""
        shown = {
            "path": self.path,
            "code": self.code,
            "message": self.message,
            "expected": self.expected,
            "received": self.received,
        }
        if self.node_id is not None:
            shown["node_id"] = self.node_id
        return shown


class ApplicationError(Exception):
    """Base of every error raised on purpose.

    Parameters
    ----------
    message : str
        What was wrong, what was found, how to fix it.
    code : str, optional
        A stable word for programs; each class has a default.
    details : sequence of Detail, optional
        The single faults, all of them at once.
    """

    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: tuple[Detail, ...] | list[Detail] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.details = tuple(details)

    def as_text(self) -> str:
        """Return the message, then every fault that it does not say itself, one a line."""
        headline, rest = self.message, []
        for detail in self.details:
            fault = f"{detail.path}: {detail.message}" if detail.path else detail.message
            if detail.message == self.message:
                headline = fault  # the same sentence, and where it belongs
            elif fault != self.message:
                rest.append(f"  {fault}")
        return "\n".join([headline, *rest])


class InvalidInput(ApplicationError):
    """The request was understood but cannot be done as it stands: change it."""

    default_code = "invalid"


class NotAllowed(ApplicationError):
    """The caller may see this but not do it."""

    default_code = "not_allowed"


class NotFound(ApplicationError):
    """There is no such thing, or it is not the caller's."""

    default_code = "not_found"


class Conflict(ApplicationError):
    """The thing is in a state that does not allow this: look again, then decide."""

    default_code = "conflict"


class Transient(ApplicationError):
    """It failed for now: the same call may work later.

    Parameters
    ----------
    retry_after_s : float, optional
        How long to wait before trying again, when that is known.
    """

    default_code = "unavailable"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: tuple[Detail, ...] | list[Detail] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after_s = retry_after_s


class Permanent(ApplicationError):
    """It failed and will fail again: do not retry the same call."""

    default_code = "failed"


@contextmanager
def faults_within(path: str) -> Iterator[None]:
    """Say of faults that they lie in the part `path` of what the caller sent."""
    try:
        yield
    except InvalidInput as error:
        details = [replace(one, path=f"{path}.{one.path}".rstrip(".")) for one in error.details]
        raise InvalidInput(error.message, code=error.code, details=details) from error
