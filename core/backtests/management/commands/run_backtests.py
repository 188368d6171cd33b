"""`manage.py run_backtests FILE`: many runs through the database and the workers."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.api.exceptions import details_of
from core.backtests import printing
from core.backtests.api.forms import RunForm
from core.backtests.batches import BatchEntry, batch_read
from core.backtests.choices import RETRYABLE, UNFINISHED
from core.backtests.models import BacktestRun
from core.backtests.selectors import run_of_content
from core.backtests.services.changes import run_retry
from core.backtests.services.creation import run_create
from core.errors import ApplicationError

LOOK_EVERY_S = 0.2
Told = Callable[[str], None]
COLUMNS = (
    "entry",
    "id",
    "status",
    "ticker",
    "strategy",
    "total_return_pct",
    "sharpe",
    "max_drawdown_pct",
    "trades",
    "message",
)


class Command(BaseCommand):
    help = (
        "Run many backtests from a YAML or CSV file. Entries that were run before are not run "
        "again, so a batch that was stopped goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="whose runs they are")
        parser.add_argument("--jobs", type=int, default=8, help="how many at once, with --wait")
        parser.add_argument("--wait", action="store_true", help="wait until all have ended")
        parser.add_argument("--retry", action="store_true", help="try those that failed again")
        parser.add_argument("--format", choices=printing.FORMATS, default="table")

    def handle(self, *_: Any, **options: Any) -> None:
        owner_id = owner_of(options["user"])
        try:
            entries = batch_read(options["file"])
        except ApplicationError as error:
            raise CommandError(error.as_text()) from error
        batch = Batch(owner_id=owner_id, retry=options["retry"])
        jobs = max(1, options["jobs"]) if options["wait"] else len(entries)
        try:
            with telling(self, len(entries)) as told:
                batch.run(entries, jobs=jobs, wait=options["wait"], told=told)
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was queued goes on; run the same command again for the rest.",
                returncode=130,
            ) from None
        self._print(batch.rows(), options["format"])
        bad = [row for row in batch.rows() if row["status"] in {*RETRYABLE, "refused"}]
        if bad:
            raise CommandError(f"{len(bad)} of {len(entries)} runs have no result.")

    def _print(self, rows: list[dict[str, Any]], kind: str) -> None:
        if kind == "json":
            self.stdout.write(printing.json_text(rows))
        elif kind == "csv":
            self.stdout.write(printing.csv_text(rows, COLUMNS))
        else:
            self.stdout.write(printing.rows_text(rows, COLUMNS))
            counts = Counter(row["status"] for row in rows)
            self.stdout.write(", ".join(f"{count} {name}" for name, count in counts.items()))


class Batch:
    """The runs of a file, and how far they are."""

    def __init__(self, *, owner_id: UUID, retry: bool) -> None:
        self._owner_id = owner_id
        self._retry = retry
        self._runs: dict[UUID, BatchEntry] = {}
        self._refused: list[dict[str, Any]] = []

    def run(self, entries: Sequence[BatchEntry], *, jobs: int, wait: bool, told: Told) -> None:
        """Queue the entries, no more than `jobs` of them at once, and see to their end."""
        waiting = list(reversed(entries))
        under_way: set[UUID] = set()
        while waiting or (wait and under_way):
            while waiting and len(under_way) < jobs:
                entry = waiting.pop()
                try:
                    run = self._start(entry)
                except ApplicationError as error:
                    self._refuse(entry, error.message, told)
                except ValidationError as error:
                    faults = details_of(error.detail)
                    text = "; ".join(f"{fault.path}: {fault.message}" for fault in faults)
                    self._refuse(entry, text, told)
                else:
                    self._runs[run.id] = entry
                    under_way.add(run.id)
                    if not wait:
                        told(f"{entry.number}: {run} {run.status}")
            if wait:
                under_way -= self._ended(under_way, told)

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each entry, in the order of the file."""
        runs = BacktestRun.objects.filter(id__in=self._runs).select_related("strategy")
        rows = [
            {
                "entry": self._runs[run.id].number,
                "id": str(run.id),
                "status": run.status,
                "ticker": run.title,
                "strategy": run.strategy.name,
                "total_return_pct": run.total_return_pct,
                "sharpe": run.sharpe,
                "max_drawdown_pct": run.max_drawdown_pct,
                "trades": run.trade_count,
                "message": run.error_message,
            }
            for run in runs
        ]
        return sorted([*rows, *self._refused], key=lambda row: int(row["entry"]))

    def _start(self, entry: BatchEntry) -> BacktestRun:
        run = run_of_content(owner_id=self._owner_id, content_key=entry.content_key)
        if run is not None:
            if self._retry and run.status in RETRYABLE:
                return run_retry(owner_id=self._owner_id, run_id=run.id)
            return run
        form = RunForm(data=entry.form)
        form.is_valid(raise_exception=True)
        return run_create(
            owner_id=self._owner_id, request=form.request(), content_key=entry.content_key
        )

    def _refuse(self, entry: BatchEntry, message: str, told: Told) -> None:
        row = dict.fromkeys(COLUMNS) | {"entry": entry.number, "status": "refused"}
        self._refused.append(row | {"message": message})
        told(f"{entry.number}: refused: {message}")

    def _ended(self, under_way: set[UUID], told: Told) -> set[UUID]:
        """Wait a moment, and return which of the runs have ended."""
        time.sleep(LOOK_EVERY_S)
        runs = BacktestRun.objects.filter(id__in=under_way).exclude(status__in=UNFINISHED)
        ended = list(runs.only("id", "status", "name", "symbol", "interval", "start"))
        for run in ended:
            told(f"{self._runs[run.id].number}: {run} {run.status}")
        # A run that was deleted meanwhile has ended as well.
        known = set(BacktestRun.objects.filter(id__in=under_way).values_list("id", flat=True))
        return {run.id for run in ended} | (under_way - known)


@contextmanager
def telling(command: BaseCommand, total: int) -> Iterator[Told]:
    """Give a function that tells of each entry: a bar on a terminal, plain lines elsewhere."""
    if not command.stderr.isatty():
        yield command.stderr.write
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn()) as bar:
        task = bar.add_task("Backtests", total=total)
        yield lambda text: bar.update(task, advance=1, description=text[:60])


def owner_of(email: str) -> UUID:
    """Return the id of the user with this address."""
    user = get_user_model().objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise CommandError(f"There is no user {email}: register one first.")
    identifier: UUID = user.pk
    return identifier
