"""Strategies, their immutable versions and templates; the pure graph package is `graph`."""
