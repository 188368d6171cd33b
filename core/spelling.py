"""What was probably meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

# The search takes its time, and a word that is longer is near to no name.
LONGEST: Final = 100


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'ema'?" if a known word is close to `word`, else nothing.

    Parameters
    ----------
    word : str
        As it was written; upper and lower case differ.
    known : iterable of str
        What it could have been.

    Returns
    -------
    str
        To be appended to a sentence, or to stand between two.
    """
    near = get_close_matches(word[:LONGEST], list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
