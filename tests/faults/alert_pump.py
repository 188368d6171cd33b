"""A process of its own that sends what is due, for tests that kill it. It is run as a script."""

from __future__ import annotations

import time

import django

django.setup()

from notifications.dispatch import deliveries_sweep  # noqa: E402 - Django must be set up first
from notifications.pump import deliveries_pump  # noqa: E402

if __name__ == "__main__":
    print("ready", flush=True)  # noqa: T201 - who started it waits for this
    while True:
        deliveries_sweep()
        if not deliveries_pump(budget_s=2):
            time.sleep(0.05)
