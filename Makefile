# `make up` and `make test` are the two commands of the README; each gets what it needs by itself.

PYTHON ?= 3.11
VENV := .venv
# Pinned like everything else. One that is on PATH is used as it is.
UV_VERSION := 0.13.9
UV := $(or $(shell uv --version >/dev/null 2>&1 && command -v uv),.uv/bin/uv)
STAMP := $(VENV)/.installed
LOCK := --universal --generate-hashes --no-emit-index-url --no-annotate --no-header
# In this order too (tests/conftest.py), so that a quick test fails quickly; a module stays on one worker, with what it started.
TESTS := tests/unit tests/contract tests/integration tests/e2e

# Where this is set, each of the hundreds of processes of the tests compiles everything anew, and takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup up test slow oldest clients mcp-conformance mcp-suite chaos hosts kills soak check audit secrets bench wheel lock scripts canvas pictures clean

setup: $(STAMP)

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/bin/python: | $(filter .uv/bin/uv,$(UV))
	$(UV) venv --quiet --python '>=$(PYTHON)' $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(UV) pip sync --quiet --python $(VENV)/bin/python requirements.lock
	$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps --editable .
	touch $@

# `exec`, so that Ctrl-C and `kill` reach hive itself.
up: setup
	@exec $(VENV)/bin/hive up

PYTEST := $(VENV)/bin/pytest -q -n 2 --dist loadscope --no-loadscope-reorder

test: setup
	$(PYTEST) -m "not slow" $(TESTS)

# Those that start whole hives again and again, measure, or wait for hosts to be lost.
slow: setup
	$(PYTEST) -m slow $(TESTS)

# Some minutes: what the stores, limits and sessions have of tests, on the oldest PostgreSQL and Redis that Hive is to work with.
OLDEST_POSTGRES ?= /usr/lib/postgresql/15/bin
OLDEST_REDIS ?= $(shell command -v redis-server)
OLDEST_FILES := $(addprefix tests/integration/,coordinator/test_database.py coordinator/test_turn.py coordinator/test_reads.py coordinator/test_reading.py \
    coordinator/test_row_decides.py coordinator/test_schedules.py coordinator/test_retention.py coordinator/test_sessions.py coordinator/test_users.py \
    coordinator/test_cache.py bus/test_guarding.py gateway/test_counting.py monitor workflow/test_executions.py workflow/test_cache.py workflow/test_credential_store.py deploy/test_backup.py)
oldest: setup
	HIVE_TEST_POSTGRES_BIN=$(OLDEST_POSTGRES) HIVE_TEST_REDIS=$(OLDEST_REDIS) $(PYTEST) -m "not slow" $(or $(FILES),$(OLDEST_FILES))

# Clients of other people's, whose packages have an environment of their own; without it `make slow` leaves them out.
clients: setup $(VENV)-bench/bin/celery
	$(VENV)/bin/pytest -q tests/integration/llm/test_other_clients.py

# The Model Context Protocol's official suite, and the Node that it needs, by npm.
CONFORMANCE := tests/conformance
mcp-suite: $(CONFORMANCE)/node_modules/.package-lock.json

mcp-conformance: setup mcp-suite
	$(VENV)/bin/pytest -q -rfEP $(CONFORMANCE)

$(CONFORMANCE)/node_modules/.package-lock.json: $(CONFORMANCE)/package-lock.json
	cd $(CONFORMANCE) && npm ci --silent
	touch $@

# Faults of every kind under load: those with a promised time first, then at random for so many minutes. SEED repeats a run.
MINUTES ?= 2
chaos: setup
	HIVE_CHAOS_MINUTES=$(MINUTES) HIVE_CHAOS_SEED=$(SEED) $(VENV)/bin/pytest -q -rfEP -p no:randomly tests/chaos --ignore tests/chaos/test_workflow_kills.py

# Those of many hosts alone; FAULTS="host vanishes" strikes only what has that in its title.
hosts: setup
	HIVE_CHAOS_MINUTES=$(MINUTES) HIVE_CHAOS_SEED=$(SEED) HIVE_CHAOS_FAULTS="$(FAULTS)" $(VENV)/bin/pytest -q -rfEPs -p no:randomly tests/chaos/test_many_hosts.py

# Executions of workflows while their engines are killed.
EXECUTIONS ?= 200
kills: setup
	HIVE_CHAOS_EXECUTIONS=$(EXECUTIONS) HIVE_CHAOS_SEED=$(SEED) $(VENV)/bin/pytest -q -rfEP tests/chaos/test_workflow_kills.py

# Whether anything grows with the work that is done: days of it in so many minutes, since everything is kept for seconds only.
soak: setup
	HIVE_SOAK_MINUTES=$(MINUTES) $(VENV)/bin/pytest -q -rfEP -n 3 -p no:randomly tests/soak

check: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(MAKE) --no-print-directory test

# Known holes of all that is pinned. What no service answers for is told, and fails with STRICT=1 alone.
audit: $(VENV)-audit/bin/pip-audit
	$(VENV)-audit/bin/python -m tests.advisories $(if $(STRICT),--strict)

# Secrets among the files; FILES="a b" looks at those alone.
secrets: $(VENV)-audit/bin/pip-audit
	$(VENV)-audit/bin/python -m tests.leaks $(FILES)

$(VENV)-audit/bin/pip-audit: requirements-audit.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) venv --quiet --clear --python '>=$(PYTHON)' $(VENV)-audit
	$(UV) pip sync --quiet --python $(VENV)-audit/bin/python requirements-audit.lock
	touch $@

bench: setup $(VENV)-bench/bin/celery
	$(VENV)/bin/python -m tests.bench
	$(VENV)/bin/python -m tests.bench.backlog
	$(VENV)/bin/python -m tests.bench.sync_price
	$(VENV)/bin/python -m tests.bench.decisions
	$(VENV)/bin/python -m tests.bench.fleet_sim
	$(VENV)/bin/python -m tests.bench.gateway
	$(VENV)/bin/python -m tests.bench.streams
	$(VENV)/bin/python -m tests.bench.mcp

$(VENV)-bench/bin/celery: requirements-bench.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) venv --quiet --clear --python '>=$(PYTHON)' $(VENV)-bench
	$(UV) pip sync --quiet --python $(VENV)-bench/bin/python requirements-bench.lock
	touch $@

# For GPU hosts: it goes there together with requirements-sidecar.lock.
wheel: | $(filter .uv/bin/uv,$(UV))
	$(UV) build --quiet --wheel --out-dir dist

lock: | $(filter .uv/bin/uv,$(UV))
	$(UV) pip compile --quiet $(LOCK) --all-extras pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet $(LOCK) --extra sidecar --extra otlp --constraints requirements.lock pyproject.toml -o requirements-sidecar.lock
	@# Without the overrides of pyproject.toml, which are Hive's own: they would leave out `llm`.
	$(UV) pip compile --quiet --no-config $(LOCK) --group bench -o requirements-bench.lock
	$(UV) pip compile --quiet --no-config $(LOCK) --group audit -o requirements-audit.lock

# The JavaScript libraries of expressions and code, from the versions that package.json names.
SCRIPTS := workflow/expressions/js
scripts:
	cd $(SCRIPTS) && npm ci --silent --legacy-peer-deps --omit=optional
	cp $(SCRIPTS)/node_modules/acorn/dist/acorn.js $(SCRIPTS)/node_modules/luxon/build/global/luxon.min.js $(SCRIPTS)/node_modules/jmespath/jmespath.js \
	    $(SCRIPTS)/node_modules/alasql/dist/alasql.min.js $(SCRIPTS)/vendor/
	cp $(SCRIPTS)/node_modules/transliteration/dist/browser/bundle.umd.min.js $(SCRIPTS)/vendor/transliteration.min.js
	cp $(SCRIPTS)/node_modules/acorn/LICENSE $(SCRIPTS)/vendor/LICENSE.acorn.txt
	cp $(SCRIPTS)/node_modules/luxon/LICENSE.md $(SCRIPTS)/vendor/LICENSE.luxon.txt
	cp $(SCRIPTS)/node_modules/jmespath/LICENSE $(SCRIPTS)/vendor/LICENSE.jmespath.txt
	cp $(SCRIPTS)/node_modules/alasql/LICENSE $(SCRIPTS)/vendor/LICENSE.alasql.txt
	cp $(SCRIPTS)/node_modules/transliteration/LICENSE.txt $(SCRIPTS)/vendor/LICENSE.transliteration.txt

# What the canvas takes from Vue Flow, in one file.
CANVAS := gui/canvas
canvas:
	cd $(CANVAS) && npm ci --silent && npm run --silent build

# The pictures of the dashboard in docs/images, each taken anew; PAGES="agents alerts" takes those alone.
pictures: setup
	$(VENV)/bin/python -m tests.pictures $(PAGES)

clean:
	rm -rf $(VENV) $(VENV)-audit $(VENV)-bench .uv .mypy_cache .ruff_cache .import_linter_cache .hypothesis
