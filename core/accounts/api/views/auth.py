"""Getting in, staying in, getting out."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from core.accounts.api import examples
from core.accounts.api.serializers import (
    LoginInput,
    LogoutInput,
    MessageOutput,
    PairOutput,
    RefreshInput,
    RegisterInput,
    SessionOutput,
)
from core.accounts.api.views.base import PublicView, origin, plain, user_of
from core.accounts.authentication import bearer_of, session_of
from core.accounts.permissions import InSession
from core.accounts.services.registration import user_register
from core.accounts.services.sessions import (
    session_close,
    session_end,
    session_open,
    session_refresh,
    sessions_end_all,
)
from core.accounts.tokens import SESSION_CLAIM
from core.api.forms import body_of
from core.api.views import ApiView

BEARER: list[Any] = [{"bearer": []}]
BEARER_OR_NOTHING: list[Any] = [*BEARER, {}]
CONFIRM = "We have sent a mail to this address: follow its link, then log in."


class RegisterView(PublicView):
    """New accounts."""

    work = "register"

    @extend_schema(
        operation_id="auth_register",
        request=RegisterInput,
        responses={201: SessionOutput, 202: MessageOutput},
        examples=[
            examples.asked(
                {
                    "email": "ada@example.com",
                    "password": examples.PASSWORD,
                    "name": "Ada",
                    "time_zone": "Europe/London",
                    "base_currency": "GBP",
                }
            ),
            examples.answered({"user": examples.USER, **examples.PAIR}, status=201),
            examples.answered({"message": CONFIRM}, status=202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Make an account and log in.

        A mail asks to confirm the address. Where the installation wants that first, the answer is
        202 without tokens. An address that cannot be registered gets `registration_refused`.
        """
        body = body_of(RegisterInput, request)
        session = user_register(**body, origin=origin(request))
        if session is None:
            return Response({"message": CONFIRM}, status=202)
        user, pair = session
        data = {"user": user, "access": pair.access, "refresh": pair.refresh}
        return Response(SessionOutput(data).data, status=201)


class LoginView(PublicView):
    """Sessions by email and password."""

    work = "login"

    @extend_schema(
        operation_id="auth_login",
        request=LoginInput,
        responses=SessionOutput,
        examples=[
            examples.asked({"email": "ada@example.com", "password": examples.PASSWORD}),
            examples.answered({"user": examples.USER, **examples.PAIR}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Log in.

        After five wrong passwords for an email from one address the answer is 429 for 15 minutes.
        """
        body = body_of(LoginInput, request)
        user, pair = session_open(request=plain(request), **body)
        data = {"user": user, "access": pair.access, "refresh": pair.refresh}
        return Response(SessionOutput(data).data)


class RefreshView(PublicView):
    """The next pair of tokens."""

    @extend_schema(
        operation_id="auth_refresh",
        request=RefreshInput,
        responses=PairOutput,
        examples=[
            examples.asked({"refresh": examples.PAIR["refresh"]}),
            examples.answered(examples.PAIR),
        ],
    )
    def post(self, request: Request) -> Response:
        """Trade a refresh token for the next pair; each is good for one use."""
        body = body_of(RefreshInput, request)
        pair = session_refresh(refresh=body["refresh"], origin=origin(request))
        return Response(PairOutput(pair).data)


class LogoutView(PublicView):
    """The end of one session."""

    @extend_schema(
        operation_id="auth_logout",
        request=LogoutInput,
        responses={204: None},
        auth=BEARER_OR_NOTHING,
        examples=[examples.asked({"refresh": examples.PAIR["refresh"]})],
    )
    def post(self, request: Request) -> Response:
        """End the session of the refresh token in the body, else that of the access token.

        With the refresh token this works although the access token has expired. All tokens of the
        session are refused from then on, and sockets are closed.
        """
        body = body_of(LogoutInput, request)
        if refresh := body.get("refresh"):
            session_close(refresh=refresh, origin=origin(request))
            return Response(status=204)
        return self.get(request)

    @extend_schema(operation_id="auth_logout_get", responses={204: None}, auth=BEARER)
    def get(self, request: Request) -> Response:
        """End the session of the access token."""
        text = bearer_of(request)
        if text is None:
            raise NotAuthenticated
        owner, token = session_of(text)
        session_end(session_id=token[SESSION_CLAIM], owner=owner, origin=origin(request))
        return Response(status=204)


class LogoutAllView(ApiView):
    """The end of all sessions."""

    permission_classes = (IsAuthenticated, InSession)

    @extend_schema(operation_id="auth_logout_all", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        """End all sessions of the user on all devices; API tokens stay good."""
        sessions_end_all(owner=user_of(request), origin=origin(request))
        return Response(status=204)
