from __future__ import annotations

from core.api.urls import route
from strategies.api.views import catalogue, preview, steps, strategies, versions

STRATEGY = "strategies/<uuid:strategy_id>"

app_name = "strategies"
urlpatterns = [
    route("strategies", strategies.StrategiesView.as_view(), "strategies"),
    route(STRATEGY, strategies.StrategyView.as_view(), "strategy"),
    route(f"{STRATEGY}/indicators", steps.IndicatorStepView.as_view(), "indicator-step"),
    route(f"{STRATEGY}/conditions", steps.ConditionStepView.as_view(), "condition-step"),
    route(f"{STRATEGY}/actions", steps.ActionStepView.as_view(), "action-step"),
    route(f"{STRATEGY}/edges", steps.EdgeStepView.as_view(), "edge-step"),
    route(f"{STRATEGY}/nodes/<str:node_id>", steps.NodeView.as_view(), "node"),
    route(f"{STRATEGY}/validate", strategies.ValidateView.as_view(), "validate"),
    route(f"{STRATEGY}/publish", versions.PublishView.as_view(), "publish"),
    route(f"{STRATEGY}/fork", strategies.ForkView.as_view(), "fork"),
    route(f"{STRATEGY}/versions", versions.VersionsView.as_view(), "versions"),
    route(f"{STRATEGY}/versions/diff", versions.DiffView.as_view(), "version-diff"),
    route(f"{STRATEGY}/versions/<int:number>", versions.VersionView.as_view(), "version"),
    route("templates", catalogue.TemplatesView.as_view(), "templates"),
    route("templates/<str:name>", catalogue.TemplateView.as_view(), "template"),
    route("nodes", catalogue.NodesView.as_view(), "nodes"),
    route("indicators", catalogue.IndicatorsView.as_view(), "indicators"),
    route("indicators/<str:name>/preview", preview.IndicatorPreviewView.as_view(), "preview"),
    route("indicators/<str:name>", catalogue.IndicatorView.as_view(), "indicator"),
]
