# Everything a newcomer needs; each target first builds .venv from a plain Python 3.11.
PYTHON ?= python3
BIN := .venv/bin
WORKERS ?= 2

.PHONY: help demo test test-all bench check format lock clean
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Assay needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv || { echo "On Debian: apt-get install python3-venv libgomp1"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -c "from assay.features import warm; warm.warm(warm.everything()); warm.warm_backfill()"
	@touch $@

demo: $(BIN)/.ready ## run the main job end to end on the simulated marketplace
	$(BIN)/assay demo --home demo

test: $(BIN)/.ready ## run the tests (minutes)
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not slow"

test-all: $(BIN)/.ready ## run every test, the long ones too
	$(BIN)/python -m pytest -q -n $(WORKERS)

bench: $(BIN)/.ready ## run the benchmarks beside their peers
	$(BIN)/assay bench all --prepare

check: $(BIN)/.ready ## lint, types, import contracts, sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/mypy

format: $(BIN)/.ready ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(BIN)/.ready ## pin every dependency anew
	$(BIN)/python scripts/lock.py

clean: ## remove what the targets made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache demo
