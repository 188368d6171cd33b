"""The user's own account."""

from __future__ import annotations

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.accounts.api import examples
from core.accounts.api.serializers import (
    LimitsOutput,
    MeInput,
    PairOutput,
    PasswordInput,
    UserOutput,
)
from core.accounts.api.views.base import origin, user_of
from core.accounts.permissions import InSession, InSessionToChange
from core.accounts.services.passwords import password_change
from core.accounts.services.profile import profile_update
from core.api.forms import body_of
from core.api.throttling import rate_of
from core.api.views import ApiView


class MeView(ApiView):
    """The profile."""

    permission_classes = (IsAuthenticated, InSessionToChange)

    @extend_schema(
        operation_id="me_get", responses=UserOutput, examples=[examples.answered(examples.USER)]
    )
    def get(self, request: Request) -> Response:
        """Look at your profile."""
        return Response(UserOutput(user_of(request)).data)

    @extend_schema(
        operation_id="me_update",
        request=MeInput,
        responses=UserOutput,
        examples=[
            examples.asked({"time_zone": "Asia/Kolkata", "base_currency": "INR"}),
            examples.answered(
                examples.USER | {"time_zone": "Asia/Kolkata", "base_currency": "INR"}
            ),
        ],
    )
    def patch(self, request: Request) -> Response:
        """Change your name, time zone or base currency."""
        body = body_of(MeInput, request)
        user = profile_update(user=user_of(request), changes=body)
        return Response(UserOutput(user).data)


class PasswordView(APIView):
    """The password; no `ApiView`, so that the tokens in the answer are not kept for a key."""

    permission_classes = (IsAuthenticated, InSession)
    work = "login"

    @extend_schema(
        operation_id="me_password",
        request=PasswordInput,
        responses=PairOutput,
        examples=[
            examples.asked(
                {"current_password": examples.PASSWORD, "new_password": "staple correct horse"}
            ),
            examples.answered(examples.PAIR),
        ],
    )
    def post(self, request: Request) -> Response:
        """Change your password: all sessions end, and the answer opens a new one."""
        body = body_of(PasswordInput, request)
        pair = password_change(
            user=user_of(request),
            current=body["current_password"],
            new=body["new_password"],
            origin=origin(request),
        )
        return Response(PairOutput(pair).data)


class LimitsView(ApiView):
    """What an account may use."""

    @extend_schema(
        operation_id="me_limits",
        responses=LimitsOutput,
        examples=[examples.answered({"rates": {"read": {"limit": 1200, "period_s": 60}}})],
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - DRF's signature
        """Look at your limits; how much is left of each is told in every answer's headers."""
        rates = {}
        for work in settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]:
            limit, period_s = rate_of(work)
            rates[work] = {"limit": limit, "period_s": period_s}
        return Response(LimitsOutput({"rates": rates}).data)
