"""Settings, in small files by subject; every value a deployment changes comes from the environment.

Development defaults are safe on loopback only. `APP_ENV=production` refuses to start with a
default secret, with DEBUG on, or without hosts (`backtester.settings.base`).
"""

from backtester.settings.auth import *
from backtester.settings.base import *
from backtester.settings.brokers import *
from backtester.settings.celery import *
from backtester.settings.channels import *
from backtester.settings.database import *
from backtester.settings.logging import *
from backtester.settings.market import *
from backtester.settings.notifications import *
from backtester.settings.rest import *
from backtester.settings.security import *
