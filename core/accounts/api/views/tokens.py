"""Personal API tokens."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from core.accounts.api import examples
from core.accounts.api.serializers import ApiTokenCreated, ApiTokenInput, ApiTokenOutput
from core.accounts.api.views.base import origin, user_of
from core.accounts.models import ApiToken
from core.accounts.permissions import InSession
from core.accounts.selectors import api_token_list
from core.accounts.services.api_tokens import api_token_create, api_token_revoke
from core.api.forms import body_of
from core.api.views import ApiView, NamedQueryMixin, created


class TokensView(NamedQueryMixin, GenericAPIView[ApiToken]):
    """Keys for programs; no `ListView`, so that no key is kept for an `Idempotency-Key`."""

    permission_classes = (IsAuthenticated, InSession)
    serializer_class = ApiTokenOutput
    queryset = ApiToken.objects.none()  # the selector gives the rows

    @extend_schema(
        operation_id="me_tokens_list",
        responses=ApiTokenOutput(many=True),
        examples=[examples.answered(examples.API_TOKEN)],
    )
    def get(self, request: Request) -> Response:
        """List your API tokens; the keys themselves are not known any more."""
        rows = self.paginate_queryset(api_token_list(owner_id=user_of(request).id))
        return self.get_paginated_response(ApiTokenOutput(rows, many=True).data)

    @extend_schema(
        operation_id="me_tokens_create",
        request=ApiTokenInput,
        responses={201: ApiTokenCreated},
        examples=[
            examples.asked({"name": "laptop notebook", "scopes": ["read", "write"]}),
            examples.answered(examples.API_TOKEN | {"token": "abt_Zk3vQx…"}, status=201),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make an API token. Send it as `Authorization: Bearer abt_…`; it is shown only now.

        `read` looks, `write` changes, and `trade` sends orders.
        """
        body = body_of(ApiTokenInput, request)
        key, token = api_token_create(owner=user_of(request), origin=origin(request), **body)
        data = ApiTokenOutput(token).data | {"token": key}
        return created(data, location=f"/api/v1/me/tokens/{token.id}")


class TokenView(ApiView):
    """One key."""

    permission_classes = (IsAuthenticated, InSession)

    @extend_schema(operation_id="me_tokens_revoke", responses={204: None})
    def delete(self, request: Request, token_id: str) -> Response:
        """Revoke an API token, for good."""
        api_token_revoke(owner=user_of(request), token_id=token_id, origin=origin(request))
        return Response(status=204)
