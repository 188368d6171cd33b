"""The Django project, and the app that owns project-wide commands."""

from backtester.celery import app as celery_app

__all__ = ["celery_app"]
