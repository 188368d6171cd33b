from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from brokers.models import Deployment, DeploymentTick, DriftReport
from core.errors import NotFound


def deployment_list(*, owner_id: UUID) -> QuerySet[Deployment]:
    """Return the user's deployments with what they refer to."""
    return Deployment.objects.filter(owner_id=owner_id).select_related(
        "account", "strategy", "strategy_version"
    )


def deployment_get(*, owner_id: UUID, deployment_id: str | UUID) -> Deployment:
    """Return one deployment of the user."""
    found = deployment_list(owner_id=owner_id).filter(id=deployment_id).first()
    if found is None:
        raise NotFound("There is no such deployment.")
    return found


def tick_list(*, deployment: Deployment) -> QuerySet[DeploymentTick]:
    """Return what a deployment decided."""
    return DeploymentTick.objects.filter(deployment=deployment)


def drift_list(*, deployment: Deployment) -> QuerySet[DriftReport]:
    """Return the sessions of a deployment that were compared, oldest first."""
    return DriftReport.objects.filter(deployment=deployment).order_by("session")
