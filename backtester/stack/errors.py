"""What can go wrong with a stack, told in one line."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or go on; the message is one line that says what to do about it."""
