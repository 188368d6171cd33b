"""How an error reads on a terminal."""

from __future__ import annotations

from core.errors import Detail, InvalidInput


def test_a_single_fault_is_not_said_twice():
    detail = Detail("symbol", "unknown", "There is no 'X'.")
    for message in ("There is no 'X'.", "symbol: There is no 'X'."):
        assert InvalidInput(message, details=[detail]).as_text() == "symbol: There is no 'X'."


def test_what_the_message_does_not_say_follows_line_by_line():
    details = [Detail("a", "x", "Too big."), Detail("", "y", "Too late.")]
    text = InvalidInput("Two faults.", details=details).as_text()
    assert text == "Two faults.\n  a: Too big.\n  Too late."
