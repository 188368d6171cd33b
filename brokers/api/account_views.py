"""Endpoints of broker accounts, and the kill switch."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from brokers import selectors
from brokers.api.account_serializers import (
    AccountInput,
    AccountOutput,
    ConnectionOutput,
    CredentialsInput,
    KillInput,
    KillOutput,
    LiveInput,
    StateInput,
    SyncInput,
)
from brokers.api.filters import AccountFilter
from brokers.choices import AccountState
from brokers.models import BrokerAccount
from brokers.services import accounts, stopping
from core.accounts.models import User
from core.accounts.origin import Origin, origin_of
from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, created


class AccountListView(ListView):
    """The user's broker accounts."""

    queryset = BrokerAccount.objects.none()
    filterset_class = AccountFilter

    @extend_schema(responses=AccountOutput(many=True), operation_id="broker_account_list")
    def get(self, request: Request) -> Response:
        """List the accounts."""
        return self.page(selectors.account_list(owner_id=caller_id(request)), AccountOutput)

    @extend_schema(
        request=AccountInput, responses={201: AccountOutput}, operation_id="broker_account_create"
    )
    def post(self, request: Request) -> Response:
        """Connect an account. It is not live until `live` is posted to with the password."""
        body = body_of(AccountInput, request)
        account = accounts.account_create(**who(request), **body)
        return created(
            AccountOutput(account).data, location=f"/api/v1/broker-accounts/{account.id}/"
        )


class AccountView(ApiView):
    """One broker account."""

    @extend_schema(responses=AccountOutput, operation_id="broker_account_get")
    def get(self, request: Request, account_id: str) -> Response:
        """Show an account."""
        return Response(AccountOutput(account_of(request, account_id)).data)

    @extend_schema(
        request=StateInput, responses=AccountOutput, operation_id="broker_account_update"
    )
    def patch(self, request: Request, account_id: str) -> Response:
        """Set what the account may do: everything, only reduce, or nothing."""
        state = AccountState(body_of(StateInput, request)["state"])
        account = account_of(request, account_id)
        account = accounts.account_resume(account=account, state=state, **who(request))
        return Response(AccountOutput(account).data)

    @extend_schema(responses={204: None}, operation_id="broker_account_delete")
    def delete(self, request: Request, account_id: str) -> Response:
        """Disconnect an account; its credentials are gone, its history stays.

        Refused while orders are open on it or deployments trade on it; deployments on an account
        that never had an order are deleted first.
        """
        accounts.account_delete(account=account_of(request, account_id), **who(request))
        return Response(status=204)


class CredentialsView(ApiView):
    """Credentials of an account: written, never read."""

    @extend_schema(
        request=CredentialsInput,
        responses=AccountOutput,
        operation_id="broker_account_credentials",
    )
    def put(self, request: Request, account_id: str) -> Response:
        """Store credentials in place of those there are."""
        account = accounts.account_credentials(
            account=account_of(request, account_id),
            **body_of(CredentialsInput, request),
            **who(request),
        )
        return Response(AccountOutput(account).data)


class ConnectionView(ApiView):
    """Whether the broker answers."""

    work = "trade"

    @extend_schema(request=None, responses=ConnectionOutput, operation_id="broker_account_test")
    def post(self, request: Request, account_id: str) -> Response:
        """Ask the broker for the account's money."""
        found = accounts.account_test(account=account_of(request, account_id))
        return Response(ConnectionOutput(found).data)


class LiveView(ApiView):
    """Real money."""

    work = "trade"

    @extend_schema(request=LiveInput, responses=AccountOutput, operation_id="broker_account_live")
    def post(self, request: Request, account_id: str) -> Response:
        """Switch to real money; the password is typed again, and the audit log keeps it."""
        password = body_of(LiveInput, request)["password"]
        account = account_of(request, account_id)
        account = accounts.account_live(account=account, password=password, **who(request))
        return Response(AccountOutput(account).data)


class SyncView(ApiView):
    """Comparing with the broker."""

    work = "trade"

    @extend_schema(request=SyncInput, responses=AccountOutput, operation_id="broker_account_sync")
    def post(self, request: Request, account_id: str) -> Response:
        """Reconcile now; `adopt` takes the broker's positions over where they differ."""
        adopt = body_of(SyncInput, request)["adopt"]
        account = accounts.account_sync(account=account_of(request, account_id), adopt=adopt)
        return Response(AccountOutput(account).data)


class KillSwitchView(ApiView):
    """Stopping everything."""

    work = "trade"

    @extend_schema(request=KillInput, responses=KillOutput, operation_id="kill_switch")
    def post(self, request: Request) -> Response:
        """Halt one account or all: nothing is sent any more, and what is open is canceled."""
        body = body_of(KillInput, request)
        chosen = selectors.account_list(owner_id=caller_id(request))
        if body.get("account_id"):
            chosen = chosen.filter(id=account_of(request, body["account_id"]).id)
        stopped = stopping.kill_switch_pull(
            account_ids=list(chosen.values_list("id", flat=True)),
            reason=body["reason"],
            **who(request),
        )
        return Response(KillOutput(stopped).data)


def account_of(request: Request, account_id: Any) -> BrokerAccount:
    """Return an account of the caller."""
    return selectors.account_get(owner_id=caller_id(request), account_id=account_id)


def who(request: Request) -> dict[str, Any]:
    """Return who asks and from where, for the audit log."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    origin: Origin = origin_of(request._request)  # noqa: SLF001 - Django's own request
    return {"user": request.user, "origin": origin}
