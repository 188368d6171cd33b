"""`manage.py up`: everything on this machine, with one command."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from backtester.demo.account import DEMO_EMAIL, DEMO_PASSWORD
from backtester.demo.show import places_show
from backtester.stack.errors import StackError
from backtester.stack.session import PROJECT_DIR, Stack, running_stack


class Command(BaseCommand):
    help = (
        "Start everything on this machine: PostgreSQL, Valkey, web server, workers, beat; load "
        "the sample data, run a backtest through the API, and serve until Ctrl-C."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - as Django declares it

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="port of the web server; 0 takes a free one"
        )
        parser.add_argument(
            "--no-demo", action="store_true", help="no demo account and no first backtest"
        )
        parser.add_argument(
            "--prepare-only",
            action="store_true",
            help="migrate and load the sample data into DATABASE_URL, then end",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's signature
        demo = not options["no_demo"]
        if options["prepare_only"]:
            self.prepare(demo=demo)
            return
        try:
            with running_stack(
                settings.VAR_DIR, options["port"], emit=self.say, demo=demo
            ) as stack:
                if stack.supervisor is None:
                    self.say(f"already running (process {stack.pid}):")
                    self.show_places(stack, demo=demo)
                    return
                if demo:
                    self.run_backtest(stack)
                self.show_places(stack, demo=demo)
                self.say("Ctrl-C stops everything.")
                stack.supervisor.watch()
        except StackError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.say("stopped")

    def prepare(self, *, demo: bool) -> None:
        """Bring the database to where the code is; every step may run again and again."""
        call_command("check")
        call_command("migrate", interactive=False)
        call_command("load_sample_data")
        if demo:
            call_command("load_demo")
        # Once a machine, and by one process: else each worker compiles it for itself, all at once.
        call_command("warm")

    def run_backtest(self, stack: Stack) -> None:
        """Show that everything works, through the public API, in a process of its own."""
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "manage.py", "demo", "--base-url", stack.base_url, "--quick"],
            cwd=PROJECT_DIR,
            env={**os.environ, **stack.environment},
            check=False,
        )
        if done.returncode != 0:
            self.say(f"the first backtest failed (code {done.returncode}); serving all the same")

    def show_places(self, stack: Stack, *, demo: bool) -> None:
        """Print where to go on and how to get in."""
        places_show(Console(highlight=False, soft_wrap=True), stack.base_url)
        if demo:
            self.say(f"Login     {DEMO_EMAIL}  password {DEMO_PASSWORD}")

    def say(self, line: str) -> None:
        """Write one line at once, also into a pipe."""
        self.stdout.write(line)
        self.stdout.flush()
