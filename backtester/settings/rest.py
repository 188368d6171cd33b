"""The API: one way in, one way out."""

from __future__ import annotations

from typing import Any

from backtester import env
from backtester.settings.base import DEBUG

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.renderers.FiniteJSONRenderer"]
    + (["rest_framework.renderers.BrowsableAPIRenderer"] if DEBUG else []),
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.CursorPage",
    "DEFAULT_FILTER_BACKENDS": ["core.api.filtering.StrictFilters"],
    "DEFAULT_METADATA_CLASS": "core.api.metadata.AllowedMethods",
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.OperationSchema",
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.ClassOfWorkThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "anonymous": "60/min",
        "read": "1200/min",
        "write": "600/min",
        "run": "600/min",
        "trade": "300/min",
        "login": "20/min",
        "register": "20/hour",
        "mail": "10/hour",
    },
    # Whose address is counted: nobody's own word for it, only that of our own proxies.
    "NUM_PROXIES": env.integer("PROXY_COUNT", 0, minimum=0),
    "EXCEPTION_HANDLER": "core.api.exceptions.exception_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COERCE_DECIMAL_TO_STRING": True,
    "DATETIME_FORMAT": "iso-8601",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "algobacktester",
    "DESCRIPTION": (
        "Algorithmic trading strategies over HTTP: draw a strategy as a graph, backtest it on "
        "real history, and trade the very same graph.\n\n"
        "Every error has one shape: `code`, `message`, `details` and `request_id`."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "ParameterKindEnum": ["int", "float", "choice"],
        "RunStatusEnum": "core.backtests.choices.RunStatus",
        "FetchStatusEnum": "market.choices.FetchStatus",
        "OrderStatusEnum": "brokers.choices.OrderStatus",
        "DeliveryStatusEnum": "notifications.choices.DeliveryStatus",
        "BrokerKindEnum": "brokers.adapters.kinds.kind_choices",
        "ChannelKindEnum": "notifications.channels.kinds.kind_choices",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.schema.error_responses_add",
        "core.api.schema.areas_order",
    ],
}
