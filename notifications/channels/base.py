"""What a channel is: one way to reach somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, and to whom.

    Attributes
    ----------
    recipient : str
        An email address, a phone number in E.164 form, or a user's id.
    subject : str
        One line.
    text : str
        The body as plain text.
    alert_id : str
        Id of the alert, the same for every recipient.
    """

    recipient: str
    subject: str
    text: str
    alert_id: str


class DeliveryError(Exception):
    """The message was not delivered, or nobody knows.

    Parameters
    ----------
    message : str
        What the service said.
    permanent : bool
        The same message will be refused again: do not retry.
    unknown : bool
        It may have been delivered: the service took it and then did not answer.
    retry_after_s : float, optional
        When the service says to come back.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        unknown: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.unknown = unknown
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One service that delivers messages.

    `repeatable` says whether a message of unknown outcome may be sent again: a second copy of an
    email is a nuisance, a second SMS costs money and frightens.
    """

    repeatable: bool

    def is_configured(self) -> bool:
        """Tell whether this installation has what the channel needs (keys, numbers)."""
        ...

    def recipient_fault(self, recipient: str) -> str | None:
        """Say what is wrong with an address, or None where it is well-formed."""
        ...

    def send(self, message: Message) -> str:
        """Deliver the message and return the service's id of it.

        Raises
        ------
        DeliveryError
        """
        ...
