"""The pages that mails link to, for installations without a front end of their own.

Opening one changes nothing, since mail scanners open links too: its button does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django import forms
from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from core.accounts.api.fields import MAX_PASSWORD
from core.accounts.origin import Origin, origin_of
from core.accounts.services.passwords import password_reset
from core.accounts.services.registration import email_verify
from core.errors import InvalidInput


class TokenForm(forms.Form):
    """Carries the token of the mail."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=4096)


class PasswordForm(TokenForm):
    """Asks for the new password."""

    password = forms.CharField(
        label="New password",
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )


class TokenPage(FormView[TokenForm], ABC):
    """A page with one button that uses the token of its link."""

    template_name = "accounts/page.html"
    form_class: type[TokenForm] = TokenForm
    extra_context: dict[str, Any]
    done: str

    def get_initial(self) -> dict[str, Any]:
        """Take the token from the link."""
        return {"token": self.request.GET.get("token", "")}

    def form_valid(self, form: TokenForm) -> HttpResponse:
        """Use the token, and say that it is done or what was wrong."""
        try:
            self.use(form.cleaned_data, origin_of(self.request))
        except InvalidInput as error:
            faults = [detail.message for detail in error.details] or [error.message]
            form.add_error(None, faults)
            return self.form_invalid(form)
        return self.render_to_response(self.get_context_data(form=None, done=self.done))

    @abstractmethod
    def use(self, data: dict[str, Any], origin: Origin) -> None:
        """Do what the mail was about."""


@method_decorator([never_cache, sensitive_post_parameters()], name="dispatch")
class PasswordResetPage(TokenPage):
    """Choose a new password."""

    form_class = PasswordForm
    extra_context = {"title": "Choose a new password", "button": "Set this password"}  # noqa: RUF012 - as Django declares it
    done = "Your password was changed, and all sessions were ended. Log in with the new one."

    def use(self, data: dict[str, Any], origin: Origin) -> None:
        """Set the password."""
        password_reset(token=data["token"], password=data["password"], origin=origin)


@method_decorator(never_cache, name="dispatch")
class VerifyEmailPage(TokenPage):
    """Confirm an address."""

    extra_context = {"title": "Confirm your email address", "button": "This address is mine"}  # noqa: RUF012 - as Django declares it
    done = "Thank you: your address is confirmed."

    def use(self, data: dict[str, Any], origin: Origin) -> None:
        """Confirm the address."""
        email_verify(token=data["token"], origin=origin)
