"""What an account's contracts on one underlying tie up, outside of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.options.compiled import margin_load
from core.options.config import OptionsConfig
from core.options.contract import Contract
from core.options.state import book_new
from core.options.world import option_terms


class HeldContract(NamedTuple):
    """Contracts of one series that an account has; fewer than none are short.

    Attributes
    ----------
    contract : Contract
    quantity : float
    price : float
        Of one share's option, as it is now.
    """

    contract: Contract
    quantity: float
    price: float


def account_margin(
    held: Sequence[HeldContract],
    *,
    shares: float,
    spot: float,
    multiplier: float,
    config: OptionsConfig,
) -> float:
    """Return the money that short contracts tie up, by the rules of `core.options.margin`.

    Parameters
    ----------
    held : sequence of HeldContract
        All on one underlying, long ones among them: they cover.
    shares : float
        Of the underlying that the account has.
    spot, multiplier : float
        Price of the underlying, and its shares a contract.
    config : OptionsConfig
        Whether it is a margin account or a cash account.

    Returns
    -------
    float
        Infinite where a cash account has a call that nothing covers; zero without contracts.
    """
    if not held:
        return 0.0
    terms = option_terms(config, multiplier=multiplier, opening_rate=1.0, carrying_rate=1.0)
    book = book_new(terms, legs=len(held), positions=1, rules=0, bars=0)
    book.desk["legs"] = len(held)
    for row, (contract, quantity, price) in zip(book.legs, held, strict=True):
        row["right"], row["strike"], row["expiry"] = contract
        row["quantity"], row["price"] = quantity, price
    return float(margin_load()(book, shares, spot))
