"""Workers: nothing that matters is lost when one dies.

Late acknowledgement with rejection on a lost worker means a task may start twice, never that it
is lost; every task claims its row first. PostgreSQL holds what is to be done; the broker may be
wiped, and the sweepers in `backtester.beat` queue it again.
"""

from __future__ import annotations

from kombu import Queue

from backtester import env
from backtester.beat import SCHEDULE

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")

# Task of an unknown queue is an error, so that a typo does not make a queue nobody reads.
QUEUES = ("orders", "live", "interactive", "sweeps", "alerts", "market")

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_QUEUES = tuple(Queue(name) for name in QUEUES)
CELERY_TASK_DEFAULT_QUEUE = "live"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"

# A run's own limit is shorter (see core.backtests); these catch a worker that hangs.
CELERY_TASK_SOFT_TIME_LIMIT = env.integer("TASK_SOFT_TIME_LIMIT_S", 840, minimum=1)
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 60

# Above the longest hard limit plus a margin: else a long task is delivered again while it runs.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 900,
    "unacked_restore_interval": 5,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "health_check_interval": 30,
}
# Sending from a web request gives up at once: the outbox relay sends what could not be sent.
CELERY_TASK_PUBLISH_RETRY = False

CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2000
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 2_000_000  # KiB
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Mail to the console stays a mail, and is not a warning for each of its lines.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_WORKER_SEND_TASK_EVENTS = False

CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
