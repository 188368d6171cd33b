"""Accounts at brokers: connecting them, their credentials, going live, coming back from a halt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from brokers.access import access_of, credentials_seal
from brokers.adapters.base import Balance, OutcomeUnknown, Refused
from brokers.adapters.kinds import ADAPTERS
from brokers.audit import TradingAction, trading_record
from brokers.choices import OPEN_STATUSES, AccountState
from brokers.deployments.choices import DeploymentState
from brokers.frames import account_tell
from brokers.models import BrokerAccount, Deployment, Order, Position
from brokers.paper.terms import terms_of
from brokers.reconciling import account_reconcile
from core.accounts.models import User
from core.accounts.origin import Origin
from core.errors import Conflict, Detail, InvalidInput, Transient
from core.sealing import rows_reseal

LONGEST: Final = 4000
# Deployments that do nothing on their account by themselves.
RESTING: Final = (DeploymentState.INACTIVE, DeploymentState.STOPPED, DeploymentState.FAILED)
# So many of them are named in a message.
NAMED: Final = 5


def paper_account(*, owner_id: UUID) -> BrokerAccount:
    """Return the user's paper account; it is made when first needed."""
    account, _ = BrokerAccount.objects.get_or_create(owner_id=owner_id, kind="paper", name="Paper")
    return account


def account_create(
    *,
    user: User,
    origin: Origin,
    kind: str,
    name: str,
    credentials: Mapping[str, str],
    initial_cash: Decimal | None = None,
    paper_terms: Mapping[str, Any] | None = None,
) -> BrokerAccount:
    """Connect an account; it is not live until its owner says so with the password."""
    account = BrokerAccount(owner=user, kind=kind, name=name)
    if initial_cash is not None:
        account.initial_cash = initial_cash
    if paper_terms:
        account.paper_terms = dict(paper_terms)
        terms_of(account.paper_terms)
    if credentials or ADAPTERS.get(kind).credential_fields:
        account.sealed = credentials_seal(account, credentials_check(kind, credentials))
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            trading_record(TradingAction.ACCOUNT_CONNECTED, user, origin, account)
    except IntegrityError:
        raise Conflict(
            f"You have an account {name!r} at {kind} already.", code="name_taken"
        ) from None
    return account


def credentials_check(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """Return credentials as they are kept; refuse what the broker does not want."""
    adapter = ADAPTERS.get(kind)
    values = {name: value.strip() for name, value in given.items()}
    faults = [
        Detail(f"credentials.{name}", "required", f"{name} is missing or empty.")
        for name in adapter.credential_fields
        if not values.get(name)
    ]
    faults += [
        Detail(f"credentials.{name}", "unknown", f"{adapter.title} has no {name}.")
        for name in sorted(values.keys() - set(adapter.credential_fields))
    ]
    faults += [
        Detail(f"credentials.{name}", "too_long", f"{name} has more than {LONGEST} characters.")
        for name, value in values.items()
        if len(value) > LONGEST
    ]
    if faults:
        wanted = " and ".join(adapter.credential_fields) or "no credentials"
        raise InvalidInput(f"{adapter.title} wants {wanted}.", details=faults)
    return values


def account_credentials(
    *, account: BrokerAccount, user: User, origin: Origin, credentials: Mapping[str, str]
) -> BrokerAccount:
    """Keep other credentials in place of those there are; nobody can read them back."""
    account.sealed = credentials_seal(account, credentials_check(account.kind, credentials))
    with transaction.atomic():
        account.save(update_fields=["sealed", "updated_at"])
        trading_record(TradingAction.CREDENTIALS_STORED, user, origin, account)
    return account


def credentials_reseal() -> int:
    """Wrap all stored credentials by the newest master key; return how many.

    Raises
    ------
    Permanent
        When no master key opens a row.
    """
    return rows_reseal(BrokerAccount.objects.all(), field="sealed")


@dataclass(frozen=True, slots=True)
class Connection:
    """What a test of the connection found."""

    connected: bool
    message: str
    balance: Balance | None = None


def account_test(*, account: BrokerAccount) -> Connection:
    """Ask the broker for the account's money: the credentials work, or the reason why not."""
    adapter = ADAPTERS.get(account.kind)
    try:
        balance = adapter.balance(access_of(account))
    except (Refused, OutcomeUnknown) as error:
        return Connection(connected=False, message=str(error))
    return Connection(connected=True, message=f"{adapter.title} answers.", balance=balance)


def account_live(
    *, account: BrokerAccount, user: User, origin: Origin, password: str
) -> BrokerAccount:
    """Switch an account to real money: its owner types the password again.

    Raises
    ------
    InvalidInput
        When the password is wrong, or the account is on paper by its kind.
    Conflict
        When orders are open in the practice environment.
    """
    if not ADAPTERS.get(account.kind).capabilities.remote:
        raise InvalidInput("A paper account has no real money.", code="paper_only")
    if not user.check_password(password):
        with transaction.atomic():
            trading_record(TradingAction.LIVE_REFUSED, user, origin, account)
        message = "This is not your current password."
        raise InvalidInput(
            f"password: {message}", details=[Detail("password", "wrong_password", message)]
        )
    with transaction.atomic():
        held = BrokerAccount.objects.select_for_update(no_key=True).get(id=account.id)
        if held.live:
            return held
        if Order.objects.filter(account=held, status__in=OPEN_STATUSES).exists():
            raise Conflict("Orders are open on this account: cancel them first.")
        if Position.objects.filter(account=held).exclude(quantity=0).exists():
            raise Conflict(
                "The account holds practice positions: close them, or connect another account."
            )
        BrokerAccount.objects.filter(id=held.id).update(live=True, reconciled_at=None)
        trading_record(TradingAction.LIVE_ENABLED, user, origin, account)
    account.refresh_from_db()
    return account


def account_sync(*, account: BrokerAccount, adopt: bool = False) -> BrokerAccount:
    """Reconcile now; with `adopt` take the broker's positions over where they differ.

    Raises
    ------
    Conflict
        While the account's sender is at work.
    Transient
        When the broker does not answer.
    """
    done = account_reconcile(account_id=account.id, adopt=adopt)
    account.refresh_from_db()
    if done is None:
        raise Conflict("Orders are being sent: try again in a moment.", code="sender_busy")
    if not done:
        raise Transient("The broker does not answer: nothing was compared.")
    return account


def account_resume(
    *, account: BrokerAccount, user: User, origin: Origin, state: AccountState
) -> BrokerAccount:
    """Set what an account may do; one whose positions differ from the broker's stays halted."""
    if state != AccountState.HALTED and account.mismatch:
        raise Conflict(
            "Its positions differ from the broker's: POST .../sync with adopt=true takes the "
            "broker's over.",
            code="mismatch",
        )
    with transaction.atomic():
        BrokerAccount.objects.filter(id=account.id).update(
            state=state,
            state_reason="" if state == AccountState.ACTIVE else f"set by {_who(account, user)}",
            updated_at=timezone.now(),
        )
        trading_record(TradingAction.STATE_SET, user, origin, account, state=state.value)
        account_tell(account_id=account.id)
    account.refresh_from_db()
    return account


def _who(account: BrokerAccount, user: User) -> str:
    return "its owner" if user.id == account.owner_id else "who operates the installation"


def account_delete(*, account: BrokerAccount, user: User, origin: Origin) -> None:
    """Forget an account that never had an order; one that had keeps its history, halted and empty.

    Its credentials are gone in both cases.

    Raises
    ------
    Conflict
        While orders are open on it, or deployments need it.
    """
    with transaction.atomic():
        trading_record(TradingAction.ACCOUNT_REMOVED, user, origin, account)
        orders = Order.objects.filter(account=account)
        if orders.filter(status__in=OPEN_STATUSES).exists():
            raise Conflict("Orders are open on this account: cancel them first.")
        traded = orders.exists()
        _deployments_check(account, traded=traded)
        if traded:
            BrokerAccount.objects.filter(id=account.id).update(
                sealed=None, state=AccountState.HALTED, state_reason="removed by its owner"
            )
        else:
            account.delete()


def _deployments_check(account: BrokerAccount, *, traded: bool) -> None:
    """Refuse to remove an account that deployments trade on, or that its history is not kept of."""
    rows = Deployment.objects.filter(account=account)
    if traded:
        rows = rows.exclude(state__in=RESTING)
    found = [
        f"{name!r} ({state})" for name, state in rows.order_by("name").values_list("name", "state")
    ]
    if found:
        todo = "stop them first" if traded else "stop and delete them first"
        raise Conflict(
            f"Deployments are on this account: {', '.join(found[:NAMED])}; {todo}.",
            code="has_deployments",
        )
