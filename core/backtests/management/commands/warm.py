"""`manage.py warm`: compile what backtests run on, once a machine; afterwards it takes a second."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core.backtests.warm import simulation_warm


class Command(BaseCommand):
    help = "Compile the simulation and its indicators into numba's cache."
    # Code alone: nothing here needs the database to be there.
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's declaration

    def handle(self, *_: Any, **__: Any) -> None:
        simulation_warm()
        self.stdout.write("The compiled code is ready.")
