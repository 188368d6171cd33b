"""What is known of several deployments when they are looked at: few queries for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from brokers.choices import FINAL_STATUSES, OPEN_STATUSES, AssetType, OrderStatus, OrderType
from brokers.deployments.books import Book, books_read
from brokers.deployments.choices import BookKind, TickStatus
from brokers.deployments.reading import Shelf, View
from brokers.deployments.wanted import Role
from brokers.models import BookEntry, Deployment, DeploymentTick, Fill, Order
from market.bar_times import ts_of
from market.store import StoredBars

# Orders of these roles decide by having ended; guards are looked for where they should lie.
ENDING: Final = (
    Q(node__endswith=f":{Role.ENTRY.value}") | Q(node__endswith=f":{Role.EXIT.value}")
) & ~Q(order_type=OrderType.MARKET)
# Where others end, something may be unguarded: that is looked at again. No bar is decided by it.
LAPSING: Final = ~Q(node__endswith=f":{Role.ENTRY.value}") & ~Q(asset_type=AssetType.OPTION)
# Of an option position each leg does: without it the others may not stay.
LEG_ENDING: Final = Q(asset_type=AssetType.OPTION, external=False)
# Of the order of a fill; the second line is for options.
READ: Final = (
    "deployment_id", "node", "bar_ts", "side", "status",
    "asset_type", "symbol", "external", "reason_code",
)  # fmt: skip
ENDS: Final = (BookKind.ENDED, BookKind.LEG_END, BookKind.LAPSED)
SHORT: Final = set(FINAL_STATUSES) - {OrderStatus.FILLED}


@dataclass(slots=True)
class Dossier:
    """What is known of one deployment.

    Attributes
    ----------
    stored, closed
        Its bars, and how many of them are over.
    orders : list of Order
        Those that are not at their end, oldest first.
    fills : list of Fill
        Those that are not booked, oldest first.
    fees : list of BookEntry
        Rows of fills whose commission was told since, and is not booked.
    ended : list of Order
        Those that ended short and are not booked.
    book : Book
        What is booked.
    skipped : list of int
        Bars on which nothing was decided.
    """

    deployment: Deployment
    stored: StoredBars
    closed: int
    shelf: Shelf
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    fees: list[BookEntry] = field(default_factory=list)
    ended: list[Order] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    skipped: list[int] = field(default_factory=list)

    @property
    def bar_ts(self) -> int:
        """When the last bar opened that is over."""
        return int(self.stored.bars.ts[self.closed - 1])

    @property
    def last_bar_ts(self) -> datetime:
        """When the bar opened that was decided on last."""
        last = self.deployment.last_bar_ts
        if last is None:
            raise ValueError("A deployment that runs has a last bar.")
        return last

    def view(self, count: int) -> View:
        """Evaluate the program over the first bars."""
        return self.shelf.view(self.deployment, self.stored, count=count)


def dossiers_read(deployments: Sequence[Deployment], *, now: datetime) -> list[Dossier]:
    """Return what is known of deployments whose rows are locked."""
    shelf = Shelf(deployments)
    found = {}
    for deployment in deployments:
        stored = shelf.stored(deployment)
        closed = shelf.closed(stored, now=now)
        found[deployment.id] = Dossier(deployment, stored, closed, shelf)
    for order in _orders(found):
        dossier = found[_deployment_id(order)]
        order.account = dossier.deployment.account
        dossier.orders.append(order)
    for fill in _fills(found):
        found[_deployment_id(fill.order)].fills.append(fill)
    for entry in _uncharged(found):
        found[entry.deployment_id].fees.append(entry)
    for order in ended_unbooked().filter(deployment_id__in=list(found)):
        found[_deployment_id(order)].ended.append(order)
    return list(found.values())


def dossiers_complete(dossiers: Iterable[Dossier]) -> None:
    """Read what decides besides the bars: what is booked, and where nothing was decided."""
    found = {dossier.deployment.id: dossier for dossier in dossiers}
    for deployment_id, book in books_read(found).items():
        found[deployment_id].book = book
    missed = DeploymentTick.objects.filter(deployment_id__in=found)
    for deployment_id, bar_ts in missed.exclude(status=TickStatus.DECIDED).values_list(
        "deployment_id", "bar_ts"
    ):
        found[deployment_id].skipped.append(ts_of(bar_ts))


def _orders(ids: Iterable[UUID]) -> QuerySet[Order]:
    rows = Order.objects.filter(deployment_id__in=list(ids), status__in=OPEN_STATUSES)
    return rows.order_by("created_at")


def _fills(ids: Iterable[UUID]) -> QuerySet[Fill]:
    booked = BookEntry.objects.filter(~Q(kind=BookKind.FEE), fill=OuterRef("id"))
    rows = Fill.objects.filter(~Exists(booked), order__deployment_id__in=list(ids))
    own = (f"order__{name}" for name in READ)
    rows = rows.select_related("order").order_by("executed_at", "created_at")
    return rows.only("quantity", "price", "commission", "taken", "executed_at", *own)


def _uncharged(ids: Iterable[UUID]) -> QuerySet[BookEntry]:
    charged = BookEntry.objects.filter(kind=BookKind.FEE, fill=OuterRef("fill"))
    rows = BookEntry.objects.filter(~Exists(charged), deployment_id__in=list(ids), commission=None)
    return rows.filter(fill__commission__isnull=False).select_related("fill").order_by("number")


def ended_unbooked() -> QuerySet[Order]:
    """Return the orders of deployments that ended short, where that is not taken up yet."""
    booked = BookEntry.objects.filter(order=OuterRef("id"), kind__in=ENDS)
    successor = Order.objects.filter(replaces=OuterRef("id"))
    return Order.objects.filter(
        ENDING | LEG_ENDING | LAPSING,
        ~Exists(booked),
        # What was replaced goes on as the order in its place, once that is there.
        ~Q(status=OrderStatus.REPLACED) | ~Exists(successor),
        Q(replaces=None) | Q(replaces__status=OrderStatus.REPLACED),
        deployment_id__isnull=False,
        external=False,
        status__in=SHORT,
    )


def _deployment_id(order: Order) -> UUID:
    if order.deployment_id is None:
        raise ValueError(f"{order} is of no deployment.")
    return order.deployment_id
