"""What runs on a schedule, as data.

Every entry is safe to run late, twice, or at the same time as another: it claims what it works on.
"""

from __future__ import annotations

from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox: send what a lost message left behind": {
        "task": "core.outbox.relay",
        "schedule": 5.0,
        "options": {"queue": "live", "expires": 5},
    },
    "backtests: re-queue what a lost worker left behind": {
        "task": "core.backtests.sweep",
        "schedule": 10.0,
        "options": {"queue": "live", "expires": 10},
    },
    "market: re-queue what a lost worker left behind": {
        "task": "market.sweep",
        "schedule": 10.0,
        "options": {"queue": "market", "expires": 10},
    },
    "notifications: send what is due": {
        "task": "notifications.sweep",
        "schedule": 10.0,
        "options": {"queue": "alerts", "expires": 10},
    },
    "notifications: look at rules whose bars have changed": {
        "task": "notifications.watch",
        "schedule": 5.0,
        "options": {"queue": "alerts", "expires": 5},
    },
    "notifications: tell of faults in bars": {
        "task": "notifications.quality",
        "schedule": 60.0,
        "options": {"queue": "alerts", "expires": 60},
    },
    "brokers: resolve what a lost worker left behind": {
        "task": "brokers.sweep",
        "schedule": 10.0,
        "options": {"queue": "live", "expires": 10},
    },
    "brokers: listen to what brokers tell of orders": {
        "task": "brokers.stream_watch",
        "schedule": 10.0,
        "options": {"queue": "live", "expires": 10},
    },
    "brokers: charge paper accounts for their nights": {
        "task": "brokers.paper_carry",
        "schedule": 900.0,
        "options": {"queue": "live", "expires": 900},
    },
    "brokers: settle contracts of paper accounts that are over": {
        "task": "brokers.paper_expire",
        "schedule": 60.0,
        "options": {"queue": "live", "expires": 60},
    },
    "deployments: decide on the bars that are over": {
        "task": "brokers.deployments_tick",
        "schedule": 1.0,
        "options": {"queue": "live", "expires": 2},
    },
    "deployments: take up what came of their orders": {
        "task": "brokers.deployments_follow",
        "schedule": 2.0,
        "options": {"queue": "live", "expires": 2},
    },
    "deployments: replay sessions that are over": {
        "task": "brokers.deployments_drift",
        "schedule": 900.0,
        "options": {"queue": "live", "expires": 900},
    },
    **{
        f"api: heartbeat of {queue}": {
            "task": "core.api.heartbeat",
            "schedule": 10.0,
            "args": [queue],
            "options": {"queue": queue, "expires": 10},
        }
        for queue in ("interactive", "live")
    },
    "realtime: drop old events": {
        "task": "core.realtime.prune",
        "schedule": 3600.0,
        "options": {"queue": "live", "expires": 3600},
    },
    "notifications: drop alerts past their retention": {
        "task": "notifications.prune",
        "schedule": 86400.0,
        "options": {"queue": "alerts", "expires": 86400},
    },
    "api: drop expired idempotency keys": {
        "task": "core.api.prune",
        "schedule": 3600.0,
        "options": {"queue": "live", "expires": 3600},
    },
    "accounts: drop expired refresh tokens": {
        "task": "core.accounts.prune",
        "schedule": 86400.0,
        "options": {"queue": "live", "expires": 86400},
    },
}
