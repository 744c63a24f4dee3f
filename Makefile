# Everything runs from a virtual environment made of requirements.txt, the lock. Plain `make` prints this list.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/ready
RUN := $(VENV)/bin

.PHONY: help demo test cluster-test chart-test check docs manifests lock
help:           ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|'
demo: $(READY)  ## start the webhook on loopback and send it every example
	@$(RUN)/python -m workload_policy.demo
test: $(READY)  ## the fast tests
	@$(RUN)/pytest -q -n auto $(PYTEST_ARGS)
cluster-test: $(READY) ## the tests against a real API server (built once by Go, minutes)
	@$(RUN)/python tests/cluster/binaries.py
	@$(RUN)/pytest -q tests/cluster $(PYTEST_ARGS)
chart-test: $(READY) ## the chart, rendered by Helm
	@$(RUN)/python tests/cluster/binaries.py
	@$(RUN)/pytest -q tests/chart $(PYTEST_ARGS)
check: $(READY) ## format, lint, types, import contracts
	@$(RUN)/ruff format --check . && $(RUN)/ruff check . && $(RUN)/mypy && $(RUN)/lint-imports
docs: $(READY)  ## write the generated files anew: CRDs and the policy reference
	@$(RUN)/workload-policy crds --output-dir charts/workload-policy/files/crds
	@$(RUN)/python -c 'from pathlib import Path; from workload_policy.reference import update_reference; \
		update_reference(Path("docs/policy-reference.md"))'
manifests: $(READY) ## write deploy/install.yaml and the chart's golden files anew
	@PYTHONPATH=tests/cluster $(RUN)/python tests/chart/rendering.py
lock:           ## write requirements.txt anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-header pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraints requirements.txt pyproject.toml -o requirements-runtime.txt

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "workload-policy needs Python 3.11 or newer")'
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
