"""The configuration of a run: the engine's, that of options, and which data it wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from core.engine.config import RunConfig
from core.errors import Detail, InvalidInput
from core.options.config import OptionsConfig
from market.choices import Adjustment, QualityPolicy
from market.intervals import interval_get

OPTIONS: Final = "options"
QUALITY: Final = "quality"
DETAIL: Final = "detail_interval"
ADJUSTMENT: Final = "adjustment"
OWN: Final = (OPTIONS, QUALITY, DETAIL, ADJUSTMENT)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a run is asked for in one document: the engine's keys, and those of the data.

    Attributes
    ----------
    engine : RunConfig
    options : OptionsConfig
        Read by strategies that trade options alone.
    options_given : bool
        Whether the document says anything of options.
    quality : QualityPolicy or None
        What is done with faults that the bars have; None: nobody looks for them.
    detail_interval : str or None
        Of the finer bars on which the order inside of bars is gone through.
    adjustment : str
        What is in the prices, of `market.choices.Adjustment`; the rest is booked.
    """

    engine: RunConfig
    options: OptionsConfig = field(default_factory=OptionsConfig)
    options_given: bool = False
    quality: QualityPolicy | None = None
    detail_interval: str | None = None
    adjustment: str = Adjustment.ALL.value

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Read plain data, such as a JSON object; absent keys take defaults.

        Raises
        ------
        InvalidInput
            With a detail for every fault, those of options under ``options.``.
        """
        engine_keys = {name: value for name, value in mapping.items() if name not in OWN}
        quality = mapping.get(QUALITY)
        known = quality is None or quality in QualityPolicy.values
        faults = [] if known else [_choice_fault(QUALITY, QualityPolicy.values, quality)]
        detail, adjustment = mapping.get(DETAIL), mapping.get(ADJUSTMENT, Adjustment.ALL.value)
        try:
            detail = None if detail is None else interval_get(str(detail)).name
        except InvalidInput as error:
            faults.extend(dataclasses.replace(one, path=DETAIL) for one in error.details)
        if adjustment not in Adjustment.values:
            faults.append(_choice_fault(ADJUSTMENT, Adjustment.values, adjustment))
        engine, options = RunConfig(), OptionsConfig()
        try:
            engine = RunConfig.from_mapping(engine_keys)
        except InvalidInput as error:
            faults.extend(error.details)
        try:
            options = OptionsConfig.from_mapping(mapping.get(OPTIONS, {}))
        except InvalidInput as error:
            faults.extend(
                dataclasses.replace(one, path=f"{OPTIONS}.{one.path}".rstrip("."))
                for one in error.details
            )
        if engine.profile == "reference":
            faults.extend(_reference_faults(detail, adjustment))
        if faults:
            message = " ".join(one.message for one in faults)
            raise InvalidInput(f"The run's configuration is invalid: {message}", details=faults)
        policy = None if quality is None else QualityPolicy(quality)
        return cls(engine, options, OPTIONS in mapping, policy, detail, str(adjustment))

    def as_dict(self, *, with_options: bool = False) -> dict[str, Any]:
        """Return plain data that `from_mapping` reads back to equal settings.

        Parameters
        ----------
        with_options : bool
            Whether to write the options' part out though nothing was said of it: what decides a
            result is stored with it.
        """
        found = self.engine.as_dict()
        if with_options or self.options_given:
            found[OPTIONS] = self.options.as_dict()
        if self.quality is not None:
            found[QUALITY] = self.quality.value
        return found | self.of_data

    @property
    def of_data(self) -> dict[str, str]:
        """What of these settings only simulated runs of shares have, where it is not usual."""
        found = {}
        if self.detail_interval is not None:
            found[DETAIL] = self.detail_interval
        if self.adjustment != Adjustment.ALL:
            found[ADJUSTMENT] = self.adjustment
        return found

    def plain_check(self, what: str, *, but: str = "") -> None:
        """Raise where bars are to be more than adjusted prices.

        Parameters
        ----------
        what : str
            Who cannot do with it, in the plural.
        but : str
            The key that they can do with.

        Raises
        ------
        InvalidInput
            There is a detail interval, or prices are not adjusted by all.
        """
        faults = [
            Detail(
                f"config.{name}",
                "unsupported",
                f"{what} take adjusted bars as they are: leave {name} out.",
                received=value,
            )
            for name, value in self.of_data.items()
            if name != but
        ]
        if faults:
            raise InvalidInput(" ".join(one.message for one in faults), details=faults)


def adjustment_asked(mapping: Mapping[str, Any]) -> str:
    """Return the adjustment of a configuration that may have faults yet."""
    asked = mapping.get(ADJUSTMENT)
    return str(asked) if asked in Adjustment.values else Adjustment.ALL.value


def _choice_fault(name: str, known: list[str], received: Any) -> Detail:
    message = f"{name} must be one of: {', '.join(known)}, found {received!r}."
    return Detail(name, "unknown_choice", message, expected=known, received=str(received))


def _reference_faults(detail: str | None, adjustment: Any) -> list[Detail]:
    given = {DETAIL: (detail, None), ADJUSTMENT: (adjustment, Adjustment.ALL)}
    return [
        Detail(
            name,
            "conflict",
            f"{name} is not known to the reference profile; leave it out, found {value!r}.",
            expected,
            value,
        )
        for name, (value, expected) in given.items()
        if value != expected
    ]
