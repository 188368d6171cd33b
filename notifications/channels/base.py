"""What a channel is: one way to reach somebody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable


class SecretKind(StrEnum):
    """Where the secret of a channel comes from."""

    NONE = "none"
    MADE = "made"  # by us, shown once: it signs
    GIVEN = "given"  # by its owner: it opens the service
    ADDRESS = "address"  # the address itself: whoever has it may post there


class Blame(StrEnum):
    """Who has to mend what stopped a message."""

    RECIPIENT = "recipient"  # the address, or what its owner gave for it: nothing goes there
    MESSAGE = "message"  # nobody: this message is refused, others to this address may go
    OPERATOR = "operator"  # the installation's own key, number or account: nothing goes anywhere


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said, and to whom.

    Attributes
    ----------
    recipient : str
        An email address, a phone number in E.164 form, a URL, a chat, or a user's id.
    subject : str
        One line.
    text : str
        The body as plain text.
    alert_id : str
        Id of the alert, the same for every recipient.
    html : str
        The body as HTML, for those who show it; empty where there is none.
    event : str
        What happened: ``"run.completed"``, or ``"digest"`` for several at once.
    created_at : str
        When, ISO 8601 in UTC.
    data : Mapping
        The event's data, for programs.
    secrets : tuple of str
        The channel's, the newest first.
    unsubscribe_url : str
        Where a POST ends these messages, for email.
    receipt_url : str
        Where the service may tell later what became of it; empty where it cannot reach us.
    receipt_token : str
        What stands for the message there, for a service that has one address for all.
    """

    recipient: str = field(repr=False)
    subject: str
    text: str
    alert_id: str
    html: str = ""
    event: str = ""
    created_at: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    unsubscribe_url: str = field(default="", repr=False)
    receipt_url: str = field(default="", repr=False)
    receipt_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a service tells later of a message that it took.

    Attributes
    ----------
    arrived : bool or None
        None where that is not told: it is still on its way, or this is about the recipient.
    service_id : str
    error : str
        Why it did not arrive, or why nothing is to go there.
    permanent : bool
        No message to this recipient will arrive.
    unwanted : bool
        The recipient wants none: the address must be proven again before the next one.
    token : str
        The message's `receipt_token`, where the service hands it back.
    recipient : str
        Whose address it is about, where the service says so.
    event_id : str
        The service's id of what it tells, the same each time it tells it; empty where it has none.
    told_at : datetime, optional
        When it happened.
    """

    arrived: bool | None
    service_id: str
    error: str = ""
    permanent: bool = False
    unwanted: bool = False
    token: str = ""
    recipient: str = ""
    event_id: str = ""
    told_at: datetime | None = None

    @property
    def ends_channel(self) -> bool:
        """Whether nothing more is to go to the recipient."""
        return self.unwanted or (self.permanent and not self.arrived)


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
    blame : Blame
        What is permanent and the recipient's switches the channel off. What is the operator's is
        never permanent: it is tried until the operator has mended it, and no channel is touched.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        unknown: bool = False,
        retry_after_s: float | None = None,
        blame: Blame = Blame.RECIPIENT,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.unknown = unknown
        self.retry_after_s = retry_after_s
        self.blame = blame


@runtime_checkable
class Channel(Protocol):
    """One service that delivers messages. `send` is called in threads, and touches no database.

    Attributes
    ----------
    repeatable : bool
        Whether a message of unknown outcome may be sent again: a second copy of an email is a
        nuisance, a second SMS costs money and frightens.
    needs_code : bool
        Whether the address is proven by a code before anything else is sent to it.
    secret : SecretKind
    rate_per_min : int
        How many messages a minute one recipient gets where its owner sets no other rate.
    """

    repeatable: bool
    needs_code: bool
    secret: SecretKind
    rate_per_min: int

    def is_configured(self) -> bool:
        """Tell whether this installation has what the channel needs (keys, numbers)."""
        ...

    def recipient_fault(self, recipient: str) -> str | None:
        """Say what is wrong with an address, or None where it is well-formed."""
        ...

    def secret_fault(self, secret: str) -> str | None:
        """Say what is wrong with the secret that its owner gave, "" where there was none."""
        ...

    def send(self, message: Message) -> str:
        """Deliver the message and return the service's id of it.

        Raises
        ------
        DeliveryError
        """
        ...


@runtime_checkable
class TellsLater(Channel, Protocol):
    """A channel whose service tells, by a request of its own, what became of a message."""

    def receipts_of(
        self, *, url: str, body: bytes, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Sequence[Receipt] | None:
        """Return what the service tells, None where it is not the service who tells it.

        Parameters
        ----------
        url : str
            That the request was made to, as it was given to the service.
        body : bytes
            As it was posted.
        fields : Mapping of str to str
            Of the posted form; empty where it is none.
        headers : Mapping of str to str
        """
        ...
