"""What makes a result with options weaker than it looks, in sentences for people."""

from __future__ import annotations

from collections.abc import Mapping

from core.options.config import OptionsConfig


def option_warnings(
    counters: Mapping[str, int | float], config: OptionsConfig, *, measured: bool
) -> tuple[str, ...]:
    """Return a sentence for each thing a reader of the result must know.

    `measured` is whether the volatility was measured on the bars, for want of an implied one.
    """
    model = "Barone-Adesi and Whaley" if config.style == "american" else "Black-Scholes-Merton"
    source = "the given implied volatility"
    if measured:
        source = (
            f"the volatility of the last {config.volatility_window} sessions times "
            f"{config.volatility_premium:g}"
        )
    told = [
        (
            f"Synthetic prices: no option quotes were used. Options were priced by {model} at "
            f"{source}, the same for all strikes, a rate of {config.rate:g} and a spread of "
            f"{config.spread:g} of the price."
        )
    ]
    if counters["rejected_option_money"]:
        told.append(
            f"{counters['rejected_option_money']} option order(s) were rejected: the account could "
            "not carry what they tie up, or calls were not covered."
        )
    if counters["rejected_option_contract"]:
        told.append(
            f"{counters['rejected_option_contract']} option order(s) were rejected: there was no "
            "such contract, no volatility yet, or nobody to sell to."
        )
    if counters["option_liquidations"]:
        told.append(
            f"Options were liquidated {counters['option_liquidations']} time(s) by the margin."
        )
    return tuple(told)
