"""PostgreSQL holds the truth.

The web process borrows connections from a pool, so that neither opening one (milliseconds) nor
waiting for a result costs a connection (`backtester.asgi` sets the pool's size). Workers and
commands keep one connection each.
"""

from __future__ import annotations

from typing import Any

from backtester import env

POOL_SIZE = env.integer("DATABASE_POOL_SIZE", 0, minimum=0)

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **env.database("DATABASE_URL", "postgres://app:app@127.0.0.1:5432/app"),
        # A pooled connection goes back at the end of a request, any other one is kept.
        "CONN_MAX_AGE": 0 if POOL_SIZE else env.integer("DATABASE_MAX_AGE_S", 600, minimum=0),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            **(
                {"pool": {"min_size": 1, "max_size": POOL_SIZE, "timeout": 10}} if POOL_SIZE else {}
            ),
        },
        "TEST": {"NAME": env.text("TEST_DATABASE_NAME", "test_app")},
    }
}
