"""`POST strategies/{id}/verify`: proofs of a strategy over HTTP.

The work is bounded (`core.backtests.verification`), so the answer comes with the request.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.caller import caller_id
from core.api.forms import KnownFields, body_of
from core.api.views import ApiView
from core.backtests.api.examples import answer
from core.backtests.api.fields import DayOrTimeField
from core.backtests.models.run import SYMBOL_LENGTH
from core.backtests.proof_report import verification_report
from core.backtests.services.verification import (
    DEFAULT_SAMPLES,
    SAMPLE_SYMBOL,
    Verified,
    VerifyRequest,
    strategy_verify,
)
from core.backtests.verification import BARS_AT_MOST, SAMPLES_AT_MOST
from core.engine.version import ENGINE_VERSION
from strategies.api.fields import FaultsField, ValuesField


class VerifyForm(KnownFields):
    """What to prove, and on which bars."""

    version = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="The draft if not given."
    )
    symbol = serializers.CharField(max_length=SYMBOL_LENGTH, default=SAMPLE_SYMBOL)
    interval = serializers.CharField(max_length=10, default="1d")
    start = DayOrTimeField(required=False, help_text="The first bar there is if not given.")
    end = DayOrTimeField(required=False, help_text="The last bar there is if not given.")
    parameters = ValuesField(default=dict)
    config = serializers.DictField(default=dict, help_text="As for a backtest.")
    samples = serializers.IntegerField(
        min_value=1,
        max_value=SAMPLES_AT_MOST,
        default=DEFAULT_SAMPLES,
        help_text="At how many bars to cut the data off; fewer where the work would be too much.",
    )
    seed = serializers.IntegerField(
        min_value=0, max_value=2**32 - 1, default=0, help_text="Of the choice of these bars."
    )


class VerifyDataOutput(serializers.Serializer[Any]):
    """The bars that were looked at."""

    symbol = serializers.CharField()
    interval = serializers.CharField()
    snapshot = serializers.CharField(help_text="Content hash of the series.")
    other_snapshots = serializers.DictField(
        child=serializers.CharField(), help_text="Of the other instruments, by symbol."
    )
    bars = serializers.IntegerField(help_text=f"The last {BARS_AT_MOST} of longer data.")
    first = serializers.DateTimeField()
    last = serializers.DateTimeField()


class PrefixProofOutput(serializers.Serializer[Any]):
    """Whether the past stays the same when later bars become known."""

    ok = serializers.BooleanField()
    bar = serializers.IntegerField(allow_null=True, help_text="The first bar that changed.")
    ts = serializers.IntegerField(allow_null=True, help_text="When it opened, epoch milliseconds.")
    cuts = serializers.IntegerField(help_text="At how many bars the data were cut off.")
    message = serializers.CharField()


class LookAheadProofOutput(PrefixProofOutput):
    """The proof of every node."""

    node_id = serializers.CharField(allow_null=True, help_text="The node that looked ahead.")


class DecisionsProofOutput(PrefixProofOutput):
    """The proof of all fills and of the equity."""

    fills = serializers.IntegerField()


class ReplayDifferenceOutput(serializers.Serializer[Any]):
    """Where the two engines part."""

    field = serializers.CharField(help_text="Of a trade; or `trades`, or `equity`.")
    number = serializers.IntegerField(allow_null=True, help_text="Of the trade.")
    bar = serializers.IntegerField(allow_null=True)
    engine = serializers.FloatField()
    reference = serializers.FloatField()


class EngineReplayOutput(serializers.Serializer[Any]):
    """The second opinion of another engine, in the profile `reference`."""

    status = serializers.ChoiceField(["equal", "different", "not_run"])
    reference = serializers.CharField()
    trades = serializers.IntegerField()
    difference = ReplayDifferenceOutput(allow_null=True)
    reasons = FaultsField(help_text="What kept it from running.")
    message = serializers.CharField()


class VerifyOutput(serializers.Serializer[Any]):
    """What was proved."""

    ok = serializers.BooleanField(help_text="A replay that could not run is no objection.")
    version = serializers.IntegerField(allow_null=True, help_text="Null: the draft.")
    graph_hash = serializers.CharField()
    engine_version = serializers.CharField()
    data = VerifyDataOutput()  # type: ignore[assignment]  # a field of that name
    look_ahead = LookAheadProofOutput()
    decisions = DecisionsProofOutput()
    replay = EngineReplayOutput()


EXAMPLE: dict[str, Any] = {
    "ok": True,
    "version": None,
    "graph_hash": "9f2c6b1e0d4a7c3852f1b6a9e4d70c1b5a8e3f62d9c4b7a01e6f5d8c2b3a4970",
    "engine_version": ENGINE_VERSION,
    "data": {
        "symbol": "GOOG",
        "interval": "1d",
        "snapshot": "3f6c1c0e7f0b0c4ad7b81d1f3e0c9e7d52b7a6409d1e83f6a5c4b2d1908e7f65",
        "other_snapshots": {},
        "bars": 2148,
        "first": "2004-08-19T00:00:00Z",
        "last": "2013-03-01T00:00:00Z",
    },
    "look_ahead": {
        "ok": True,
        "bar": None,
        "ts": None,
        "cuts": 20,
        "message": "Every node says the same of a bar with or without the bars after it: the data "
        "were cut at 20 bars.",
        "node_id": None,
    },
    "decisions": {
        "ok": True,
        "bar": None,
        "ts": None,
        "cuts": 20,
        "message": "All fills (38) and the equity are the same with or without the bars after it: "
        "the data were cut at 20 bars.",
        "fills": 38,
    },
    "replay": {
        "status": "equal",
        "reference": "backtesting.py 0.6.6",
        "trades": 19,
        "difference": None,
        "reasons": [],
        "message": "backtesting.py 0.6.6 makes the same trades (19), bit for bit.",
    },
}


class VerifyView(ApiView):
    """Proofs on request."""

    work = "run"

    @extend_schema(
        operation_id="strategy_verify",
        summary="Prove that a strategy does not look ahead, and replay it on another engine",
        request=VerifyForm,
        responses=VerifyOutput,
        examples=[
            OpenApiExample("The draft on a sample", request_only=True, value={}),
            OpenApiExample(
                "A version on bars of your choice",
                request_only=True,
                value={"version": 1, "symbol": "GOOG", "start": "2005-01-03", "samples": 50},
            ),
            answer("Proved", EXAMPLE),
        ],
    )
    def post(self, request: Request, strategy_id: str) -> Response:
        """Evaluate on data cut off at sampled bars, which must change nothing; save nothing."""
        body = body_of(VerifyForm, request)
        verified = strategy_verify(
            owner_id=caller_id(request),
            strategy_id=strategy_id,
            request=VerifyRequest(**body),
        )
        return Response(verified_body(verified))


def verified_body(verified: Verified) -> dict[str, Any]:
    """Return a verification as it is answered."""
    stored = verified.stored
    report = verification_report(verified.verification)
    data = {name: report.pop(name) for name in ("bars", "first", "last")}
    return {
        "ok": report.pop("ok"),
        "version": verified.version,
        "graph_hash": verified.graph_hash,
        "engine_version": ENGINE_VERSION,
        "data": {
            "symbol": stored.instrument_symbol,
            "interval": str(stored.interval),
            "snapshot": stored.snapshot,
            "other_snapshots": dict(verified.other_snapshots),
            **data,
        },
        **report,
    }
