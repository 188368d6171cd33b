"""An installation of its own for a measurement: durable PostgreSQL, Valkey, Django set up."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from backtester.stack.account import account_for
from backtester.stack.cluster import Cluster
from backtester.stack.ports import port_free_find
from backtester.stack.postgres import PostgresServer
from backtester.stack.valkey import ValkeyServer


@contextmanager
def installation(name: str, **environment: str) -> Iterator[Path]:
    """Yield the folder of an installation that is ready, and leave nothing of it behind.

    Models can be imported inside of the block only: before it nobody knows where the database is.

    Parameters
    ----------
    environment : str
        Settings besides those that say where the servers are.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    # PostgreSQL may run as another user.
    folder.chmod(0o711)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        home = folder / "postgres"
        postgres = PostgresServer(
            cluster=Cluster(home=home, account=account_for(home)),
            port=port_free_find(),
            log=folder / "postgres.log",
            durable=True,
        )
        valkey = ValkeyServer(
            home=folder / "valkey",
            port=port_free_find(),
            password=secrets.token_hex(16),
            log=folder / "valkey.log",
            durable=False,
        )
        for server in (postgres, valkey):
            stack.callback(server.stop)
            server.start()
        os.environ |= {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "BARS_URL": str(folder / "bars"),
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "backtester.settings",
            **environment,
        }
        import django  # noqa: PLC0415 - after the environment says where the database is
        from django.core.management import call_command  # noqa: PLC0415 - likewise

        django.setup()
        call_command("migrate", verbosity=0)
        yield folder
