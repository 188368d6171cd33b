from __future__ import annotations

from core.accounts import pages
from core.accounts.api import schema  # noqa: F401 - describes the API to OpenAPI
from core.accounts.api.views import auth, mail, me, tokens
from core.api.urls import route

app_name = "accounts"
urlpatterns = [
    route("auth/register", auth.RegisterView.as_view(), "register"),
    route("auth/login", auth.LoginView.as_view(), "login"),
    route("auth/refresh", auth.RefreshView.as_view(), "refresh"),
    route("auth/logout", auth.LogoutView.as_view(), "logout"),
    route("auth/logout-all", auth.LogoutAllView.as_view(), "logout-all"),
    route("auth/password-reset", mail.PasswordResetView.as_view(), "password-reset"),
    route(
        "auth/password-reset/confirm",
        mail.PasswordResetConfirmView.as_view(),
        "password-reset-confirm",
    ),
    route("auth/password-reset/page", pages.PasswordResetPage.as_view(), "password-reset-page"),
    route("auth/verify-email", mail.VerifyEmailView.as_view(), "verify-email"),
    route("auth/verify-email/resend", mail.VerifyEmailResendView.as_view(), "verify-email-resend"),
    route("auth/verify-email/page", pages.VerifyEmailPage.as_view(), "verify-email-page"),
    route("me", me.MeView.as_view(), "me"),
    route("me/password", me.PasswordView.as_view(), "password"),
    route("me/limits", me.LimitsView.as_view(), "limits"),
    route("me/tokens", tokens.TokensView.as_view(), "tokens"),
    route("me/tokens/<uuid:token_id>", tokens.TokenView.as_view(), "token"),
]
