"""A deployment at a broker, what may happen to it, and two such things at a time."""

from __future__ import annotations

import os
from collections import deque
from decimal import Decimal
from functools import partial
from uuid import uuid4

from django.utils import timezone

from brokers import tasks
from brokers.adapters.kinds import ADAPTERS
from brokers.deployments import tasks as deployment_tasks
from brokers.deployments.following import deployment_follow
from brokers.deployments.services import deployment_pause, deployment_stop
from brokers.deployments.ticking import deployments_decide
from brokers.dispatch import account_send
from brokers.models import BrokerAccount
from brokers.services.stopping import kill_switch
from tests.faults.interleaving import schedules

# Without it one after the other only, which takes a tenth of the time, and fewer of them.
SWITCHES = int(os.environ.get("SWITCHES", "0"))


class Deployed:
    """A deployment that was made at a bar, and what was asked of workers since."""

    TASKS = (tasks.submit, tasks.send, tasks.change, deployment_tasks.finish)

    def __init__(self, market, drawn, broker, *, at):
        self.market, self.broker, self.at, self.asked = market, broker, at, deque()
        self.workers = {task.name: task for task in self.TASKS}
        market.account = self.account = BrokerAccount.objects.create(
            owner=market.user, kind="alpaca", name=str(uuid4()), reconciled_at=timezone.now(),
            initial_cash=Decimal(10**6), buying_power=Decimal(10**6),
        )  # fmt: skip
        self.deployment = market.deploy(drawn, at=at)

    @property
    def now(self):
        return self.market.over(self.at)

    def tick(self):
        for _ in deployments_decide(deployment_ids=[self.deployment.id], now=self.now, send=True):
            pass
        self.work()

    def follow(self):
        deployment_follow(deployment_id=self.deployment.id, now=self.now)
        self.work()

    def stop(self):
        deployment_stop(deployment=self.deployment, liquidate=True)
        self.work()

    def pause(self):
        deployment_pause(deployment=self.deployment)
        self.work()

    def kill(self):
        kill_switch(account_ids=[self.account.id], reason="test")

    def send(self):
        account_send(account_id=self.account.id)
        self.work()

    def sweep(self):
        """Look after it as is done every few seconds."""
        deployment_follow(deployment_id=self.deployment.id, now=self.now)
        self.workers["brokers.deployment_follow"](str(self.deployment.id))
        self.work()

    def finish(self):
        """Go on as the workers do, until nothing is left to do."""
        self.settle()

    def settle(self):
        for _ in range(4):
            self.send()
            self.sweep()

    def work(self):
        """Do what workers were asked for."""
        while self.asked:
            message = self.asked.popleft()
            if message.task in self.workers:
                self.workers[message.task](*message.args)


def ways(stage, monkeypatch, broker_made, world_made):
    """Return what does two things to a deployment at a time, in every way there is.

    Each way has a broker and a world of its own, whose `check` says what has to hold at the end.
    """

    def run(first, second, situation, switches):
        broker = broker_made(stage.pause)
        monkeypatch.setitem(ADAPTERS._made, "alpaca", broker)
        world = world_made(broker)
        monkeypatch.setattr(
            "core.outbox.services.message_send", lambda *, message: world.asked.append(message)
        )
        if situation:
            getattr(world, situation)()
        places = stage.run((getattr(world, first), getattr(world, second)), switches)
        world.finish()
        world.check()
        return places

    def explore(one, other, situation=""):
        for first, second in ((one, other), (other, one)):
            assert list(schedules(partial(run, first, second, situation), SWITCHES))

    return explore
