"""Endpoints of broker accounts, their limits, and the kill switch."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from brokers import selectors
from brokers.api.filters import AccountFilter
from brokers.api.serializers import (
    AccountInput,
    AccountOutput,
    ConnectionOutput,
    CredentialsInput,
    KillInput,
    KillOutput,
    LiveInput,
    RiskLimitFields,
    StateInput,
    SyncInput,
)
from brokers.choices import AccountState
from brokers.deployments.selectors import deployment_get
from brokers.models import BrokerAccount, RiskLimit
from brokers.services import accounts, limits, stopping
from core.accounts.models import User
from core.accounts.origin import Origin, origin_of
from core.api.caller import caller_id
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
        body = checked(AccountInput, request)
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
        state = AccountState(checked(StateInput, request)["state"])
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
            **checked(CredentialsInput, request),
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
        password = checked(LiveInput, request)["password"]
        account = account_of(request, account_id)
        account = accounts.account_live(account=account, password=password, **who(request))
        return Response(AccountOutput(account).data)


class SyncView(ApiView):
    """Comparing with the broker."""

    work = "trade"

    @extend_schema(request=SyncInput, responses=AccountOutput, operation_id="broker_account_sync")
    def post(self, request: Request, account_id: str) -> Response:
        """Reconcile now; `adopt` takes the broker's positions over where they differ."""
        adopt = checked(SyncInput, request)["adopt"]
        account = accounts.account_sync(account=account_of(request, account_id), adopt=adopt)
        return Response(AccountOutput(account).data)


class KillSwitchView(ApiView):
    """Stopping everything."""

    work = "trade"

    @extend_schema(request=KillInput, responses=KillOutput, operation_id="kill_switch")
    def post(self, request: Request) -> Response:
        """Halt one account or all: nothing is sent any more, and what is open is canceled."""
        body = checked(KillInput, request)
        chosen = selectors.account_list(owner_id=caller_id(request))
        if body.get("account_id"):
            chosen = chosen.filter(id=account_of(request, body["account_id"]).id)
        stopped = stopping.kill_switch_pull(
            account_ids=list(chosen.values_list("id", flat=True)),
            reason=body["reason"],
            **who(request),
        )
        return Response(KillOutput(stopped).data)


class RiskLimitListView(ListView):
    """The user's risk limits."""

    queryset = RiskLimit.objects.none()

    @extend_schema(responses=RiskLimitFields(many=True), operation_id="risk_limit_list")
    def get(self, request: Request) -> Response:
        """List the limits."""
        return self.page(selectors.limit_list(owner_id=caller_id(request)), RiskLimitFields)

    @extend_schema(
        request=RiskLimitFields, responses=RiskLimitFields, operation_id="risk_limit_set"
    )
    def put(self, request: Request) -> Response:
        """Set the limits of a scope (account, deployment, symbol; none: all of yours)."""
        body = checked(RiskLimitFields, request)
        if body.get("account_id"):
            account_of(request, body["account_id"])
        if body.get("deployment_id"):
            deployment_get(owner_id=caller_id(request), deployment_id=body["deployment_id"])
        limit = limits.limit_set(owner_id=caller_id(request), **body)
        return Response(RiskLimitFields(limit).data)


class RiskLimitView(ApiView):
    """The limits of one scope."""

    @extend_schema(responses={204: None}, operation_id="risk_limit_delete")
    def delete(self, request: Request, limit_id: str) -> Response:
        """Lift the limits of a scope."""
        limits.limit_delete(owner_id=caller_id(request), limit_id=limit_id)
        return Response(status=204)


def account_of(request: Request, account_id: Any) -> BrokerAccount:
    """Return an account of the caller."""
    return selectors.account_get(owner_id=caller_id(request), account_id=account_id)


def checked(serializer_class: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Return the body of a request once it is valid."""
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def who(request: Request) -> dict[str, Any]:
    """Return who asks and from where, for the audit log."""
    if not isinstance(request.user, User):
        raise NotAuthenticated
    origin: Origin = origin_of(request._request)  # noqa: SLF001 - Django's own request
    return {"user": request.user, "origin": origin}
