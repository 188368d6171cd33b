from __future__ import annotations

import copy
import threading

import pytest
from django.db import IntegrityError, connection, transaction

from core.accounts.models import User
from core.errors import Conflict, InvalidInput, NotFound
from strategies.drafts import GraphSource
from strategies.models import Strategy, StrategyVersion
from strategies.selectors import strategy_get, version_get
from strategies.services import strategy_create, strategy_update, version_pin, version_publish


def edited(strategy, change):
    graph = copy.deepcopy(strategy.graph)
    change(graph)
    return strategy_update(
        owner_id=strategy.owner_id, strategy_id=strategy.id, source=GraphSource(graph=graph)
    )


def period_set(period):
    def change(graph):
        next(node for node in graph["nodes"] if node["id"] == "slow_ema")["params"]["period"] = (
            period
        )

    return change


def test_a_new_strategy_that_can_run_has_version_1(strategy):
    version = version_get(strategy, 1)
    assert strategy.version == strategy.latest_version == 1
    assert version.graph == strategy.graph
    assert [about["name"] for about in version.parameters] == ["fast"]


def test_an_incomplete_strategy_has_no_version_until_it_can_run(user, graph):
    last = graph["edges"].pop()
    strategy = strategy_create(owner_id=user.id, name="x", graph=graph)
    assert strategy.version is None
    assert strategy.latest_version is None
    with pytest.raises(InvalidInput) as caught:
        version_pin(strategy=strategy)
    (fault,) = caught.value.details
    assert fault.node_id == "leave"
    assert fault.path.startswith("graph.nodes[6]")

    strategy = edited(strategy, lambda graph: graph["edges"].append(last))
    assert version_pin(strategy=strategy).number == 1


def test_pinning_an_unchanged_draft_gives_its_version_again(strategy):
    first = version_pin(strategy=strategy)
    assert version_pin(strategy=strategy) == first
    assert StrategyVersion.objects.count() == 1


def test_pinning_a_changed_draft_publishes_the_next_number(strategy):
    changed = edited(strategy, period_set(100))
    assert (changed.version, changed.latest_version) == (None, 1)
    version = version_pin(strategy=strategy)  # the caller may hold an older copy of the row
    assert version.number == 2
    slow = next(node for node in version.graph["nodes"] if node["id"] == "slow_ema")
    assert slow["params"]["period"] == 100


def test_a_draft_changed_back_is_the_earlier_version_again(strategy):
    edited(strategy, period_set(100))
    version_pin(strategy=strategy)
    back = edited(strategy, period_set(50))
    assert version_pin(strategy=back).number == 1
    assert (back.version, back.latest_version) == (1, 2)


def test_moving_a_node_on_the_canvas_makes_no_version(strategy):
    def move(graph):
        graph["nodes"][0]["position"] = {"x": 10, "y": 20}
        graph["nodes"].reverse()
        graph["edges"].reverse()

    moved = edited(strategy, move)
    assert moved.graph["nodes"][-1]["position"] == {"x": 10, "y": 20}
    version, new = version_publish(owner_id=moved.owner_id, strategy_id=moved.id)
    assert (version.number, new) == (1, False)


def test_the_database_refuses_to_change_a_version(strategy):
    with pytest.raises(IntegrityError, match="immutable"), transaction.atomic():
        StrategyVersion.objects.update(graph={})
    assert version_get(strategy, 1).graph == strategy.graph


def test_an_archived_strategy_cannot_be_pinned(strategy):
    strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, archived=True)
    with pytest.raises(Conflict, match="restore"):
        version_pin(strategy=strategy)


def test_a_named_version_can_be_pinned_whatever_the_draft_says(strategy):
    edited(strategy, period_set(100))
    assert version_pin(strategy=strategy, number=1).number == 1
    with pytest.raises(NotFound, match="newest is 1"):
        version_pin(strategy=strategy, number=2)


@pytest.mark.django_db(transaction=True)
def test_two_runs_that_start_at_once_pin_one_new_version(graph):
    user = User.objects.create_user(email="trader@example.com")
    strategy = strategy_create(owner_id=user.id, name="x", graph=graph)
    edited(strategy, period_set(100))
    numbers, ready = [], threading.Barrier(4)

    def pin():
        ready.wait()
        try:
            numbers.append(version_pin(strategy=strategy).number)
        finally:
            connection.close()

    threads = [threading.Thread(target=pin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == [2, 2, 2, 2]
    assert StrategyVersion.objects.count() == 2


def test_pinning_takes_two_queries_when_the_version_exists(strategy, django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(4):  # two, in a savepoint
        version_pin(strategy=strategy)


def test_another_users_strategy_is_not_found(strategy, stranger):
    with pytest.raises(NotFound):
        strategy_get(stranger.id, strategy.id)
    with pytest.raises(NotFound):
        version_publish(owner_id=stranger.id, strategy_id=strategy.id)
    assert Strategy.objects.count() == 1
