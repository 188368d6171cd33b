from __future__ import annotations

import copy

import pytest
from django.utils import timezone

from core.backtests.models import BacktestRun
from core.errors import Conflict, InvalidInput
from strategies import selectors
from strategies.drafts import GraphSource
from strategies.graph.templates import template_get
from strategies.models import Strategy
from strategies.selectors import strategy_get, strategy_of_template, version_get
from strategies.services import (
    strategy_create,
    strategy_delete,
    strategy_fork,
    strategy_update,
    version_pin,
)


def defaults(strategy):
    return {about["name"]: about["default"] for about in strategy.graph["parameters"]}


def child_of(strategy, **parameters):
    source = GraphSource(base_strategy=strategy.id, parameters=parameters)
    return strategy_create(owner_id=strategy.owner_id, source=source)


# --- templates ---------------------------------------------------------------------------------


def test_a_template_with_other_defaults_becomes_a_strategy_of_ones_own(user):
    source = GraphSource(template="SMA", parameters={"fast": 5})
    strategy = strategy_create(owner_id=user.id, source=source)
    assert strategy.template == "sma_cross"
    assert strategy.name == template_get("sma_cross").title
    assert defaults(strategy) == {"fast": 5, "slow": 20}
    assert strategy.version == 1


def test_wrong_parameters_of_a_template_are_all_told_by_their_names(user):
    source = GraphSource(template="sma_cross", parameters={"fast": 1, "slwo": 30})
    with pytest.raises(InvalidInput) as caught:
        strategy_create(owner_id=user.id, source=source)
    found = {detail.path: detail.code for detail in caught.value.details}
    assert found == {"parameters.fast": "out_of_range", "parameters.slwo": "unknown_parameter"}


def test_quick_backtests_of_a_template_share_one_strategy(user, stranger):
    first = strategy_of_template(user.id, "SMA")
    assert strategy_of_template(user.id, "sma_cross") == first
    assert strategy_of_template(user.id, "RSI") != first
    assert strategy_of_template(stranger.id, "SMA") != first
    assert version_pin(strategy=first).number == 1


def test_the_quick_strategy_takes_one_query_once_it_exists(user, django_assert_num_queries):
    strategy_of_template(user.id, "SMA")
    with django_assert_num_queries(1):
        strategy_of_template(user.id, "SMA")


def test_an_edited_quick_strategy_is_its_owners_and_the_next_one_is_fresh(user):
    first = strategy_of_template(user.id, "SMA")
    source = GraphSource(parameters={"fast": 3})
    strategy_update(owner_id=user.id, strategy_id=first.id, source=source)
    fresh = strategy_of_template(user.id, "SMA")
    assert fresh != first
    assert defaults(fresh)["fast"] == 10
    assert defaults(strategy_get(user.id, first.id))["fast"] == 3


def test_the_quick_strategy_follows_a_template_that_a_release_changed(user, monkeypatch):
    strategy = strategy_of_template(user.id, "SMA")
    old = version_pin(strategy=strategy)
    document, _ = selectors.template_graph("sma_cross")
    newer = copy.deepcopy(document)
    newer["parameters"][0]["default"] = 12
    monkeypatch.setattr(selectors, "template_graph", lambda _: (newer, "f" * 64))
    again = strategy_of_template(user.id, "SMA")
    assert again == strategy
    assert defaults(again)["fast"] == 12
    assert version_pin(strategy=again).number == 2
    assert version_get(strategy, 1) == old


def test_a_graph_and_its_archiving_may_change_at_once(strategy, graph):
    graph["nodes"].append({"id": "spare", "type": "constant", "params": {"value": 1.0}})
    changed = strategy_update(
        owner_id=strategy.owner_id,
        strategy_id=strategy.id,
        source=GraphSource(graph=graph),
        archived=True,
    )
    assert changed.archived
    assert changed.graph_hash != strategy.graph_hash


def test_an_archived_quick_strategy_comes_back_as_an_ordinary_one(user):
    first = strategy_of_template(user.id, "SMA")
    strategy_update(owner_id=user.id, strategy_id=first.id, archived=True)
    second = strategy_of_template(user.id, "SMA")
    strategy_update(owner_id=user.id, strategy_id=first.id, archived=False)
    assert strategy_of_template(user.id, "SMA") == second != first


# --- base strategies ---------------------------------------------------------------------------


def test_a_child_overrides_defaults_and_stays_when_its_base_changes(strategy):
    child = child_of(strategy, fast=12)
    assert defaults(child) == {"fast": 12}
    source = GraphSource(parameters={"fast": 30})
    strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, source=source)
    version_pin(strategy=strategy)

    child = strategy_get(child.owner_id, child.id)
    assert defaults(child) == {"fast": 12}
    assert (child.base_strategy_id, child.base_number, child.base_latest) == (strategy.id, 1, 2)


def test_a_base_must_be_the_callers_own_and_published(strategy, stranger, user):
    with pytest.raises(InvalidInput) as caught:
        strategy_create(owner_id=stranger.id, source=GraphSource(base_strategy=strategy.id))
    assert [detail.path for detail in caught.value.details] == ["base_strategy"]
    draft = strategy_create(owner_id=user.id, name="empty")
    with pytest.raises(InvalidInput, match="publish it first"):
        strategy_create(owner_id=user.id, source=GraphSource(base_strategy=draft.id))


def test_a_strategy_cannot_become_its_own_base(strategy):
    source = GraphSource(base_strategy=strategy.id)
    with pytest.raises(InvalidInput, match="own base"):
        strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, source=source)


# --- changes, copies, deletion -----------------------------------------------------------------


def test_a_change_of_an_older_revision_is_refused(strategy):
    changed = strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, name="b")
    assert changed.revision == 2
    with pytest.raises(Conflict) as caught:
        strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, name="c", revision=1)
    assert caught.value.code == "stale_revision"
    assert strategy_get(strategy.owner_id, strategy.id).name == "b"


def test_a_refused_graph_leaves_the_draft_as_it_was(strategy):
    source = GraphSource(graph={"nodes": [{"id": "a", "type": "nonsense"}]})
    with pytest.raises(InvalidInput):
        strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, source=source)
    now = strategy_get(strategy.owner_id, strategy.id)
    assert (now.revision, now.graph) == (strategy.revision, strategy.graph)


def test_a_fork_of_a_version_is_independent(strategy):
    source = GraphSource(parameters={"fast": 30})
    strategy_update(owner_id=strategy.owner_id, strategy_id=strategy.id, source=source)
    fork = strategy_fork(owner_id=strategy.owner_id, strategy_id=strategy.id, version=1)
    assert fork.name == "EMA cross (fork)"
    assert defaults(fork) == {"fast": 20}
    assert fork.forked_from_id == strategy.id
    assert strategy_delete(owner_id=strategy.owner_id, strategy_id=strategy.id) is None
    assert strategy_get(fork.owner_id, fork.id).forked_from_id is None


def test_deleting_a_strategy_that_others_need_archives_it(strategy):
    child = child_of(strategy)
    archived = strategy_delete(owner_id=strategy.owner_id, strategy_id=strategy.id)
    assert archived.archived
    assert version_get(strategy, 1) == child.base_version

    assert strategy_delete(owner_id=child.owner_id, strategy_id=child.id) is None
    assert strategy_delete(owner_id=strategy.owner_id, strategy_id=strategy.id) is None
    assert not Strategy.objects.exists()


def test_a_strategy_with_runs_is_archived_and_its_runs_stay(strategy):
    now = timezone.now()
    run = BacktestRun.objects.create(
        owner_id=strategy.owner_id,
        strategy=strategy,
        strategy_version=version_get(strategy, 1),
        symbol="GOOG",
        interval="1d",
        start=now,
        end=now,
        capital=1000,
        resend_at=now,
    )
    assert strategy_delete(owner_id=strategy.owner_id, strategy_id=strategy.id).archived
    run.refresh_from_db()
    assert run.strategy_version.graph == strategy.graph


def test_a_user_goes_with_strategies_that_need_each_other(user, strategy):
    child_of(strategy)
    user.delete()
    assert not Strategy.objects.exists()
