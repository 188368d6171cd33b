"""What a deployment will miss as things stand. It may be meant, so that nothing is refused."""

from __future__ import annotations

from collections.abc import Iterator

from brokers.choices import AccountState
from brokers.deployments.choices import DeploymentState
from brokers.models import Deployment
from core.errors import Detail
from market.intervals import interval_get
from market.resampling import finer_names
from market.selectors import series_list, watch_list


def deployment_warnings(deployment: Deployment) -> list[Detail]:
    """Return what keeps a deployment from trading as it was asked to, though it may be started."""
    return [*_bars(deployment), *_capital(deployment), *_account(deployment)]


def _bars(deployment: Deployment) -> Iterator[Detail]:
    symbol, interval = deployment.symbol, deployment.interval
    names = [interval, *finer_names(interval_get(interval).name)]
    series = series_list(owner_id=deployment.owner_id)
    if not series.filter(instrument__symbol=symbol, interval__in=names).exists():
        yield Detail(
            "interval",
            "no_bars",
            f"There are no bars of {symbol} that make {interval} bars yet: started now, it fails. "
            "POST /api/v1/fetches downloads some.",
            received=interval,
        )
    watches = watch_list(owner_id=deployment.owner_id).filter(active=True)
    if not watches.filter(symbol=symbol, interval__in=names).exists():
        yield Detail(
            "symbol",
            "not_watched",
            f"You keep no {interval} bars of {symbol} up to date: it decides on a bar when that is "
            "stored, and waits until then. POST /api/v1/watches has them downloaded.",
            received=symbol,
        )


def _capital(deployment: Deployment) -> Iterator[Detail]:
    if deployment.state != DeploymentState.INACTIVE:
        return  # by now its own positions have taken some of it
    account = deployment.account
    money = account.initial_cash if account.buying_power is None else account.buying_power
    if deployment.capital > money:
        yield Detail(
            "capital",
            "above_account",
            f"It trades with {deployment.capital:.2f}, and {account.name} has {money:.2f} to buy "
            "with: orders beyond that are denied.",
            expected=f"{money:.2f}",
            received=f"{deployment.capital:.2f}",
        )


def _account(deployment: Deployment) -> Iterator[Detail]:
    account = deployment.account
    if account.state != AccountState.ACTIVE:
        does = "sends nothing" if account.state == AccountState.HALTED else "opens nothing"
        yield Detail(
            "account_id",
            "account_not_active",
            f"{account.name} is {account.state} and {does}: POST "
            f"/api/v1/broker-accounts/{account.id}/resume makes it active again.",
            received=account.state,
        )
