# Every target prepares what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
PYTHON := .venv/bin/python
COMMANDS := .venv/ready-for-commands
RUN := .venv/ready-to-run
DEMO := .venv/ready-for-demo
TEST := .venv/ready-to-test
CHECKED := tests/test_architecture.py tests/ui/test_translations.py
# Measured by their own tests alone: measuring all of them takes a sixth more time, and a line that only a race
# reaches is then missed by chance.
INNERMOST := tests/domain tests/core
# The order is that of tests/conftest.py, slow files first; else xdist puts files with few tests last, however long.
PYTEST := $(PYTHON) -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Tests start several hundred processes: what these import is compiled once, not in each.
check test accept: export PYTHONDONTWRITEBYTECODE :=

# --- Conecta

.PHONY: run demo
run: $(if $(ARGS),$(COMMANDS),$(RUN)) ## Open the app. ARGS go to it: make run ARGS="status --json"
	@$(PYTHON) -m app $(ARGS)

demo: $(DEMO) ## See the main job done, against local emulators: no phone, no internet, and no screen needed
	@$(PYTHON) -m tests.demo $(ARGS)

# --- its quality

.PHONY: test check accept bench trace format
test: check ## Check, then run every test; the innermost layers must be covered whole
	$(PYTEST) --cov --cov-report= $(INNERMOST)
	$(PYTHON) -m coverage report --show-missing --fail-under=100
	@# Every fourth entry of a journal is killed after; `make accept WHAT=recovery` kills after each.
	CONECTA_KILL_EVERY=4 $(PYTEST) $(CHECKED:%=--ignore=%) $(INNERMOST:%=--ignore=%) $(ARGS)

check: $(TEST) ## Format, lint, types, layers, architecture, translations
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest --quiet $(CHECKED)

accept: $(TEST) ## Run one capability's acceptance tests: make accept WHAT=recovery
	@test -n "$(WHAT)" && test -d "tests/acceptance/$(WHAT)" || \
		{ echo "Say which: make accept WHAT=<one of: $(notdir $(patsubst %/,%,$(wildcard tests/acceptance/[a-z]*/)))>"; exit 2; }
	CONECTA_ACCEPT=$(WHAT) $(PYTHON) -m pytest --verbose tests/acceptance/$(WHAT) $(ARGS)

bench: $(TEST) ## Measure start, memory and speed; ARGS="--only start --against build/old.json" compares two runs
	@$(PYTHON) -m tests.benchmarks $(ARGS)

trace: $(TEST) ## Count the calls from file to file that a message and a connection cause; ARGS=--pairs names the files
	@$(PYTHON) -m tests.benchmarks.trace $(ARGS)

format: $(DEMO) ## Format the code and mend what can be mended by itself
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

# --- packages

.PHONY: package
package: ## Make dist/conecta_VERSION_ARCH.deb; ARGS=--full makes a folder for any Linux as well
	@python3 packaging/build.py $(ARGS)

# --- the rest

.PHONY: pictures clean help
pictures: $(DEMO) ## Take the pictures in docs/pictures again, by the program itself
	@$(PYTHON) -m tests.demo --pictures docs/pictures

clean: ## Remove everything make has made, the environment too
	rm -rf .venv .coverage .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .cache build dist
	find app tests packaging -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## Show this list
	@echo "Targets:"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1 \2/p' $(firstword $(MAKEFILE_LIST)) | while read -r name words; do \
		printf '  make %-10s %s\n' "$$name" "$$words"; \
	done

# The environment, made again when the lock changes. Python 3.15 has no Qt yet.
$(COMMANDS) $(RUN) $(DEMO) $(TEST): pyproject.toml uv.lock packaging/prepare_environment.py
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then \
			exec $$python packaging/prepare_environment.py $(@F); \
		fi; \
	done; \
	echo 'Conecta needs Python 3.11, 3.12, 3.13 or 3.14 (as python3, python3.11, ...), and there is none on this machine.' >&2; \
	exit 1
