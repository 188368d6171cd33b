from __future__ import annotations

import threading

import pytest
from django.db import connection

from core.accounts.models import User
from core.errors import InvalidInput, NotFound
from strategies.selectors import strategy_get
from strategies.services import Step, node_delete, step_add, strategy_create


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_build_at_once_lose_no_node():
    user = User.objects.create_user(email="trader@example.com")
    strategy = strategy_create(owner_id=user.id, name="empty")
    ids, ready = [], threading.Barrier(6)

    def build(period):
        ready.wait()
        body = {"name": "ema", "params": {"period": period}}
        try:
            stepped = step_add(
                owner_id=user.id, strategy_id=strategy.id, step=Step.INDICATOR, body=body
            )
            ids.append(stepped.appended.node_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=build, args=(10 + n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = strategy_get(user.id, strategy.id)
    periods = [n["params"]["period"] for n in now.graph["nodes"] if n["type"] == "indicator"]
    assert sorted(periods) == [10, 11, 12, 13, 14, 15]
    assert len(set(ids)) == 6
    assert now.revision == 7


def test_a_refused_step_leaves_the_draft_as_it_was(strategy):
    with pytest.raises(InvalidInput):
        step_add(
            owner_id=strategy.owner_id,
            strategy_id=strategy.id,
            step=Step.INDICATOR,
            body={"name": "ema", "params": {"period": -1}},
        )
    assert strategy_get(strategy.owner_id, strategy.id).revision == strategy.revision


def test_a_deleted_node_takes_its_edges_along(strategy):
    node_delete(owner_id=strategy.owner_id, strategy_id=strategy.id, node_id="down")
    graph = strategy_get(strategy.owner_id, strategy.id).graph
    ends = {edge[end] for edge in graph["edges"] for end in ("source", "target")}
    assert "down" not in ends | {node["id"] for node in graph["nodes"]}
    assert len(graph["edges"]) == 5
    with pytest.raises(NotFound):
        node_delete(owner_id=strategy.owner_id, strategy_id=strategy.id, node_id="down")
