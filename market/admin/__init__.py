"""The pages of the admin, by what they show."""

from market.admin import bars, checks, jobs, lists

__all__ = ["bars", "checks", "jobs", "lists"]
