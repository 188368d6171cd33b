"""What runs on a schedule, as data.

Every entry is safe to run late, twice, or at the same time as another: it claims what it works on.

Bars are over with a minute and come in the seconds after. What is looked for every second is looked
for at its beginning, and all the rest keeps clear of the first seconds of a minute, and of each
other: whoever decides on a bar has the processor to itself then.
"""

from __future__ import annotations

from typing import Any, Final

from backtester.clocked import Clocked

MINUTE: Final = 60
HOUR: Final = 3_600
DAY: Final = 86_400

SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox: send what a lost message left behind": {
        "task": "core.outbox.relay",
        "schedule": Clocked(5, 3.25),
        "options": {"queue": "live", "expires": 5},
    },
    "backtests: re-queue what a lost worker left behind": {
        "task": "core.backtests.sweep",
        "schedule": Clocked(10, 5.25),
        "options": {"queue": "live", "expires": 10},
    },
    "market: download watched bars that are over": {
        "task": "market.watch",
        "schedule": Clocked(1, 0.5),
        "options": {"queue": "live", "expires": 2},
    },
    "market: re-queue what a lost worker left behind": {
        "task": "market.sweep",
        "schedule": Clocked(10, 5.75),
        "options": {"queue": "market", "expires": 10},
    },
    "notifications: send what is due": {
        "task": "notifications.sweep",
        "schedule": Clocked(10, 6.25),
        "options": {"queue": "alerts", "expires": 10},
    },
    "notifications: look at rules whose bars have changed": {
        "task": "notifications.watch",
        "schedule": Clocked(5, 3.75),
        "options": {"queue": "alerts", "expires": 5},
    },
    "notifications: tell of faults in bars": {
        "task": "notifications.quality",
        "schedule": Clocked(MINUTE, 32),
        "options": {"queue": "alerts", "expires": 60},
    },
    "brokers: resolve what a lost worker left behind": {
        "task": "brokers.sweep",
        "schedule": Clocked(10, 6.75),
        "options": {"queue": "live", "expires": 10},
    },
    "brokers: listen to what brokers tell of orders": {
        "task": "brokers.stream_watch",
        "schedule": Clocked(10, 7.25),
        "options": {"queue": "live", "expires": 10},
    },
    "brokers: charge paper accounts for their nights": {
        "task": "brokers.paper_carry",
        "schedule": Clocked(15 * MINUTE, 34),
        "options": {"queue": "live", "expires": 900},
    },
    "brokers: settle contracts of paper accounts that are over": {
        "task": "brokers.paper_expire",
        "schedule": Clocked(MINUTE, 36),
        "options": {"queue": "live", "expires": 60},
    },
    "brokers: sample what limits on losses ask for": {
        "task": "brokers.losses_sample",
        "schedule": Clocked(MINUTE, 38),
        "options": {"queue": "live", "expires": 60},
    },
    "deployments: decide on the bars that are over": {
        "task": "brokers.deployments_tick",
        "schedule": Clocked(1),
        "options": {"queue": "live", "expires": 2},
    },
    "deployments: take up what came of their orders": {
        "task": "brokers.deployments_follow",
        "schedule": Clocked(2, 1.5),
        "options": {"queue": "live", "expires": 2},
    },
    "deployments: pause what its account does not hold": {
        "task": "brokers.deployments_holdings",
        "schedule": Clocked(MINUTE, 40),
        "options": {"queue": "live", "expires": 60},
    },
    "deployments: replay sessions that are over": {
        "task": "brokers.deployments_drift",
        "schedule": Clocked(15 * MINUTE, 42),
        "options": {"queue": "live", "expires": 900},
    },
    **{
        f"api: heartbeat of {queue}": {
            "task": "core.api.heartbeat",
            "schedule": Clocked(10, 7.75),
            "args": [queue],
            "options": {"queue": queue, "expires": 10},
        }
        for queue in ("interactive", "live")
    },
    "realtime: drop old events": {
        "task": "core.realtime.prune",
        "schedule": Clocked(HOUR, 10 * MINUTE + 44),
        "options": {"queue": "live", "expires": 3600},
    },
    "notifications: drop alerts past their retention": {
        "task": "notifications.prune",
        "schedule": Clocked(DAY, 3 * HOUR + 46),
        "options": {"queue": "alerts", "expires": 86400},
    },
    "api: drop expired idempotency keys": {
        "task": "core.api.prune",
        "schedule": Clocked(HOUR, 20 * MINUTE + 46),
        "options": {"queue": "live", "expires": 3600},
    },
    "accounts: drop expired refresh tokens": {
        "task": "core.accounts.prune",
        "schedule": Clocked(DAY, 4 * HOUR + 48),
        "options": {"queue": "live", "expires": 86400},
    },
}
