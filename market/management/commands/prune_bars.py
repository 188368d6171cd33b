"""`manage.py prune_bars`: drop bars as they once were that no run names."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.utils import timezone

from market.management.base import Row, RowsCommand
from market.pruning import KEPT, snapshots_prune, strays_prune


class Command(RowsCommand):
    help = (
        "Drop versions of series that were replaced some hours ago and that no run names. Workers "
        "do so every hour."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument(
            "--hours",
            type=float,
            default=KEPT.total_seconds() / 3600,
            help="how long after they were replaced (default: %(default)g)",
        )
        parser.add_argument(
            "--strays",
            action="store_true",
            help="drop all files of bars that no row of this database names as well: of deleted "
            "accounts, of writes that were cut off",
        )
        super().add_arguments(parser)

    def rows(self, options: dict[str, Any]) -> list[Row]:
        pruned = snapshots_prune(
            now=timezone.now(),
            kept=timedelta(hours=options["hours"]),
            dry_run=options["dry_run"],
        )
        if options["strays"]:
            pruned += strays_prune(dry_run=options["dry_run"])
        count, size = (sum(getattr(one, name) for one in pruned) for name in ("snapshots", "bytes"))
        would = "would go" if options["dry_run"] else "went"
        self.stderr.write(f"{count:,} versions, {size / 2**20:,.1f} MiB {would}.")
        return [asdict(one) for one in pruned]
