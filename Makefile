# Everything a developer needs. Wants Python 3.11 or newer and make, nothing else.
#   make run PORT=8001      make test PYTEST_ARGS="tests/stack -x"      make setup PYTHON=python3.12

PORT ?= 8000
PYTHON ?= python3
PYTEST_ARGS ?=
# As many as there are processors, eight at the most.
JOBS ?= auto

BIN := .venv/bin
STAMP := .venv/.installed
MANAGE := $(BIN)/python manage.py
# A deployment as `check --deploy` shall see it; the secret is thrown away.
PRODUCTION = APP_ENV=production ALLOWED_HOSTS=example.com \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')"

RUNNING = $(BIN)/python -c 'import pathlib, sys; from backtester.stack.state import running_get; \
	sys.exit(running_get(pathlib.Path("var")) is None)'

.DEFAULT_GOAL := help
.PHONY: help setup run demo test faults fuzz lint types style format bench constraints clean wipe

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with all requirements (again only when they change)

run: $(STAMP) ## Start everything, run a first backtest, serve until Ctrl-C (PORT=8000)
	@$(MANAGE) up --port $(PORT)

demo: $(STAMP) ## From nothing to a backtest result through the API, then stop
	@$(MANAGE) demo

test: $(STAMP) ## Run all tests against real servers, in parallel
	@$(MANAGE) warm --all
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadfile $(PYTEST_ARGS)

faults: $(STAMP) ## The long fault tests: lost replies, killed senders and servers, ten thousand alerts (an hour)
	ORDERS_PLACED=3000 SENDERS_KILLED=300 $(BIN)/python -m pytest tests/faults/test_orders_lost.py
	REDIS_KILLED=100 POSTGRES_KILLED=50 $(BIN)/python -m pytest -s tests/faults/test_servers_killed.py
	HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest tests/brokers/test_order_histories.py
	SWITCHES=3 $(BIN)/python -m pytest tests/faults/test_interleaving.py
	SWITCHES=1 ANYWHERE=1 $(BIN)/python -m pytest tests/faults/test_interleaving.py tests/faults/test_*_interleaved.py
	ALERTS=10000 ALERTS_RATE=600 $(BIN)/python -m pytest tests/faults/test_alerts_survive.py
	ALERTS_HANG=1 $(BIN)/python -m pytest tests/faults/test_alert_rules_hang.py

fuzz: $(STAMP) ## Compare 10,000 random programs with the reference engine
	$(MANAGE) verify_engine --random 10000

lint: $(STAMP) ## Style, types, layers, migrations, deployment settings, compose file
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types style

types: $(STAMP)
	$(BIN)/mypy

style: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy, as in production"
	@$(PRODUCTION) $(MANAGE) check --deploy --fail-level WARNING
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(STAMP) ## Rewrite the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure the speed (takes minutes)
	@for name in engine portfolio graph indicators options market_store quick_backtest; do \
		echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

constraints: ## Rewrite constraints.txt from what .venv has, installing nothing
	@{ echo "# What the requirements pull in, pinned. Written by 'make constraints'."; \
	$(BIN)/python -m pip freeze --disable-pip-version-check | awk ' \
		function name(line) { sub(/[[=<>; @].*/, "", line); gsub(/[-_.]+/, "-", line); return tolower(line) } \
		FILENAME != "-" { if ($$0 ~ /==/) direct[name($$0)] = 1; next } \
		/ @ |^-e/ || name($$0) in direct { next } \
		{ print }' requirements.txt requirements-dev.txt -; } > constraints.new
	@mv constraints.new constraints.txt

clean: ## Remove .venv and everything tools left; data is kept
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

wipe: ## Remove the data of the stack on this machine: databases, bars, secrets, logs
	@! $(RUNNING) 2>/dev/null || { echo "A stack is running: stop it first."; exit 1; }
	@# Under root, PostgreSQL's data may lie behind this link.
	@[ ! -L var/postgres ] || rm -rf "$$(readlink -f var/postgres)"
	@rm -rf var

$(STAMP): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "This needs Python 3.11 or newer, and '$(PYTHON)' is not: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv >.venv.log 2>&1 || { \
		tail -n 1 .venv.log; rm -rf .venv .venv.log; echo "Python cannot make a virtual environment: install the package python3-venv, then try again."; exit 1; }
	@rm -f .venv.log
	@echo "installing the requirements into .venv (a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		-r requirements-dev.txt -c constraints.txt
	@touch $@
