"""How a deployment may change its state, applied by compare-and-set."""

from __future__ import annotations

from typing import Any

from brokers.deployments.choices import ALLOWED, DeploymentState
from brokers.deployments.telling import state_tell
from brokers.models import Deployment
from core.db import claim
from core.transactions import atomic


def deployment_move(
    deployment: Deployment, *, new: DeploymentState, reason: str = "", **changes: Any
) -> bool:
    """Move a deployment on from the state it was read in; False where it is not there any more."""
    old = DeploymentState(deployment.state)
    if (old, new) not in ALLOWED:
        raise ValueError(f"A deployment never goes from {old} to {new}.")
    return _moved(deployment, old, state=new, state_reason=reason[:300], **changes)


@atomic
def _moved(deployment: Deployment, old: DeploymentState, **changes: Any) -> bool:
    if not claim(Deployment.objects.filter(id=deployment.id, state=old), **changes):
        return False
    deployment.refresh_from_db()
    state_tell(deployment)
    return True
