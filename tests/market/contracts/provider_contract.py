"""What every provider must do. A test of a provider inherits this and says how to set one up."""

from __future__ import annotations

import os
import signal
import threading
from datetime import date, timedelta

import numpy as np
import pytest
from django.db import connections
from django.utils import timezone

from core.engine.bars import Bars
from core.errors import ApplicationError, InvalidInput, Permanent
from market import sweeper, tasks
from market.archive import history_read
from market.intervals import INTERVALS, interval_get
from market.models import BarSeries, BarSnapshot, Fetch, FetchPart
from market.parts import StoredParts
from market.providers.base import BarRequest, KeyedProvider, Provider
from market.providers.kinds import PROVIDERS, provider_get
from market.runner import fetch_run
from market.services.fetches import fetch_create
from market.services.keys import key_store


class ProviderContract:
    """Inherit, and give the fixtures `provider` and `known`.

    `known` is a request that has an answer of five daily bars or more.
    """

    @pytest.fixture
    def provider(self) -> Provider:
        raise NotImplementedError

    @pytest.fixture
    def known(self) -> BarRequest:
        raise NotImplementedError

    def test_it_is_in_the_table_under_its_name(self, provider):
        assert provider.name in PROVIDERS
        assert type(provider_get(provider.name)) is type(provider)
        assert provider.title
        assert provider.intervals <= set(INTERVALS)

    def test_it_gives_valid_bars_and_says_what_they_are_of(self, provider, known):
        download = provider.download(known)
        bars = download.history.bars
        assert len(bars) >= 5
        # Validates again what it was built with.
        Bars.from_arrays(
            ts=bars.ts,
            open=bars.open,
            high=bars.high,
            low=bars.low,
            close=bars.close,
            volume=bars.volume,
        )
        assert np.all(download.history.factor > 0)
        assert download.listing.symbol == known.symbol
        assert download.listing.periods_per_year > 0

    def test_daily_bars_are_named_by_their_session_at_midnight_utc(self, provider, known):
        ts = provider.download(known).history.bars.ts
        assert not np.any(ts % (86_400 * 10**9))

    def test_the_first_and_the_last_day_are_included(self, provider, known):
        whole = provider.download(known).history
        first, last = (day_of(int(whole.bars.ts[at])) for at in (1, -2))
        part = provider.download(replaced(known, start=first, end=last)).history
        assert part.bars.ts.tolist() == whole.bars.ts[1:-1].tolist()
        # Start-date invariance: the same bar has the same value whatever range was asked for.
        assert part.bars.close.tolist() == whole.bars.close[1:-1].tolist()
        assert part.factor.tolist() == pytest.approx(whole.factor[1:-1].tolist(), rel=1e-12)

    def test_one_day_is_one_bar(self, provider, known):
        day = day_of(int(provider.download(known).history.bars.ts[2]))
        assert len(provider.download(replaced(known, start=day, end=day)).history) == 1

    def test_the_same_request_gives_the_same_bars(self, provider, known):
        hashes = {provider.download(known).history.content_hash() for _ in range(2)}
        assert len(hashes) == 1

    def test_a_bar_that_is_not_over_is_left_out(self, provider, known):
        whole = provider.download(known).history.bars.ts
        last = day_of(int(whole[-1]))
        noon = known.now.replace(
            year=last.year, month=last.month, day=last.day, hour=10, minute=0, second=0
        )
        earlier = provider.download(replaced(known, now=noon)).history.bars.ts
        assert earlier.tolist() == whole[:-1].tolist()

    def test_an_unknown_symbol_is_permanent_and_told_by_name(self, provider, known):
        with pytest.raises(Permanent) as caught:
            provider.download(replaced(known, symbol="NOSUCHTHING"))
        assert caught.value.code == "unknown_symbol"
        assert "NOSUCHTHING" in caught.value.message

    def test_a_range_without_bars_is_permanent_and_told_with_its_dates(self, provider, known):
        with pytest.raises(Permanent) as caught:
            provider.download(replaced(known, start=date(1901, 1, 1), end=date(1901, 1, 31)))
        assert caught.value.code.startswith("no_bars")
        assert "1901" in caught.value.message

    def test_an_interval_it_has_not_is_refused_with_the_ones_it_has(self, provider, known):
        missing = set(INTERVALS) - provider.intervals
        if not missing:
            pytest.skip("it has all intervals")
        with pytest.raises(InvalidInput) as caught:
            provider.download(replaced(known, interval=interval_get(missing.pop())))
        assert set(caught.value.details[0].expected) == provider.intervals

    def test_a_symbol_cannot_lead_out_of_its_place(self, provider, known):
        with pytest.raises(ApplicationError):
            provider.download(replaced(known, symbol="../../ETC/PASSWD"))

    @pytest.mark.django_db(transaction=True)
    def test_a_worker_that_is_killed_while_it_fetches_loses_no_bar_and_writes_none_twice(
        self, provider, known, user, monkeypatch
    ):
        fetch = fetch_of(user, provider, known)
        with monkeypatch.context() as patched:
            patched.setattr(StoredParts, "add", dies_after(StoredParts.add))
            connections.close_all()
            child = os.fork()
            if not child:
                try:
                    fetch_run(fetch_id=fetch.id)
                finally:
                    os._exit(0)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        assert FetchPart.objects.count() == 1
        assert not BarSeries.objects.exists()
        Fetch.objects.update(updated_at=timezone.now() - sweeper.RUNNING_LOST_AFTER * 2)
        assert sweeper.fetches_requeue() == 1
        tasks.fetch(str(fetch.id))
        fetch.refresh_from_db()
        assert (fetch.status, fetch.attempts) == ("completed", 2)
        assert_stored_once(provider, known)

    @pytest.mark.django_db(transaction=True)
    def test_two_workers_that_fetch_the_same_series_write_it_once(self, provider, known, user):
        fetches = [fetch_of(user, provider, known) for _ in range(2)]

        def work(fetch_id):
            try:
                tasks.fetch(str(fetch_id))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=(fetch.id,)) for fetch in fetches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [fetch.status for fetch in Fetch.objects.all()] == ["completed"] * 2
        assert len({fetch.series_id for fetch in Fetch.objects.all()}) == 1
        assert_stored_once(provider, known)


def fetch_of(user, provider, known) -> Fetch:
    if known.credentials and isinstance(provider, KeyedProvider):
        wanted = {name: known.credentials[name] for name in provider.credential_fields}
        key_store(owner_id=user.id, provider=provider.name, values=wanted)
    return fetch_create(
        owner_id=user.id,
        provider=provider.name,
        symbol=known.symbol,
        interval=known.interval.name,
        start=known.start,
        end=known.end,
    )


def dies_after(add):
    def dies(parts, page):
        add(parts, page)
        parts.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    return dies


def assert_stored_once(provider, known) -> None:
    whole = provider.download(replaced(known, now=timezone.now())).history
    series = BarSeries.objects.get()
    kept = history_read(series.path)
    assert kept.bars.ts.tolist() == whole.bars.ts.tolist()
    assert kept.bars.close.tolist() == whole.bars.close.tolist()
    assert kept.bars.volume.tolist() == whole.bars.volume.tolist()
    assert kept.factor.tolist() == pytest.approx(whole.factor.tolist(), rel=1e-12)
    assert BarSnapshot.objects.count() == 1
    assert not FetchPart.objects.exists()


def replaced(request: BarRequest, **changes) -> BarRequest:
    fields = {name: getattr(request, name) for name in BarRequest.__slots__}
    return BarRequest(**(fields | changes))


def day_of(ts: int) -> date:
    return date(1970, 1, 1) + timedelta(days=ts // (86_400 * 10**9))
