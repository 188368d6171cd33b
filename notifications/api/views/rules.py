"""Endpoints of what users want to be told."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import body_of
from core.api.views import ApiView, ListView, created
from notifications import selectors, services
from notifications.api.filters import RuleFilter
from notifications.api.serializers.rules import RuleInput, RuleOutput
from notifications.models import AlertRule


class RuleListView(ListView):
    """What the user wants to be told."""

    queryset = AlertRule.objects.none()
    filterset_class = RuleFilter

    @extend_schema(responses=RuleOutput(many=True), operation_id="rule_list")
    def get(self, request: Request) -> Response:
        """List the rules."""
        return self.page(selectors.rule_list(owner_id=caller_id(request)), RuleOutput)

    @extend_schema(
        request=RuleInput,
        responses={201: RuleOutput},
        operation_id="rule_create",
    )
    def post(self, request: Request) -> Response:
        """Add a rule."""
        body = body_of(RuleInput, request)
        owner_id = caller_id(request)
        channels = selectors.channels_named(owner_id=owner_id, words=body.pop("channels", []))
        rule = services.rule_create(owner_id=owner_id, channels=channels, **body)
        return created(RuleOutput(rule).data, location=f"/api/v1/alert-rules/{rule.id}/")


class RuleView(ApiView):
    """One rule."""

    @extend_schema(responses=RuleOutput, operation_id="rule_get")
    def get(self, request: Request, rule_id: str) -> Response:
        """Show a rule."""
        rule = selectors.rule_get(owner_id=caller_id(request), rule_id=rule_id)
        return Response(RuleOutput(rule).data)

    @extend_schema(
        request=RuleInput(partial=True), responses=RuleOutput, operation_id="rule_update"
    )
    def patch(self, request: Request, rule_id: str) -> Response:
        """Change a rule; `channels` replaces all of them."""
        owner_id = caller_id(request)
        rule = selectors.rule_get(owner_id=owner_id, rule_id=rule_id)
        body = body_of(RuleInput, request, partial=True)
        words = body.pop("channels", None)
        channels = (
            None if words is None else selectors.channels_named(owner_id=owner_id, words=words)
        )
        changed = services.rule_update(rule=rule, channels=channels, **body)
        return Response(RuleOutput(changed).data)

    @extend_schema(responses={204: None}, operation_id="rule_delete")
    def delete(self, request: Request, rule_id: str) -> Response:
        """Delete a rule."""
        selectors.rule_get(owner_id=caller_id(request), rule_id=rule_id).delete()
        return Response(status=204)
