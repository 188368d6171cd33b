"""What begins or ends with a mail. The answers are the same for known and unknown addresses."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.accounts.api import examples
from core.accounts.api.serializers import EmailInput, MessageOutput, ResetInput, VerifyInput
from core.accounts.api.views.base import PublicView, origin
from core.accounts.services.passwords import password_reset, password_reset_request
from core.accounts.services.registration import email_verify, email_verify_request
from core.api.forms import body_of

SENT = "If this address has an account, a mail is on its way to it."


class PasswordResetView(PublicView):
    """Mails that let users back in."""

    work = "mail"

    @extend_schema(
        operation_id="auth_password_reset",
        request=EmailInput,
        responses={202: MessageOutput},
        examples=[
            examples.asked({"email": "ada@example.com"}),
            examples.answered({"message": SENT}, status=202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Send a mail with a link to choose a new password."""
        body = body_of(EmailInput, request)
        password_reset_request(**body)
        return Response({"message": SENT}, status=202)


class PasswordResetConfirmView(PublicView):
    """The new password."""

    work = "login"

    @extend_schema(
        operation_id="auth_password_reset_confirm",
        request=ResetInput,
        responses={204: None},
        examples=[examples.asked({"token": examples.MAIL_TOKEN, "password": examples.PASSWORD})],
    )
    def post(self, request: Request) -> Response:
        """Set a new password with the token of the mail; all sessions end."""
        body = body_of(ResetInput, request)
        password_reset(**body, origin=origin(request))
        return Response(status=204)


class VerifyEmailView(PublicView):
    """Addresses that are their owners'."""

    work = "login"

    @extend_schema(
        operation_id="auth_verify_email",
        request=VerifyInput,
        responses={204: None},
        examples=[examples.asked({"token": examples.MAIL_TOKEN})],
    )
    def post(self, request: Request) -> Response:
        """Confirm an address with the token of the mail; to do it again changes nothing."""
        body = body_of(VerifyInput, request)
        email_verify(**body, origin=origin(request))
        return Response(status=204)


class VerifyEmailResendView(PublicView):
    """The mail that was lost."""

    work = "mail"

    @extend_schema(
        operation_id="auth_verify_email_resend",
        request=EmailInput,
        responses={202: MessageOutput},
        examples=[
            examples.asked({"email": "ada@example.com"}),
            examples.answered({"message": SENT}, status=202),
        ],
    )
    def post(self, request: Request) -> Response:
        """Send the mail that asks to confirm the address again, unless it is confirmed."""
        body = body_of(EmailInput, request)
        email_verify_request(**body)
        return Response({"message": SENT}, status=202)
