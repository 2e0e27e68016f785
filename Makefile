# Two commands on a fresh machine: make demo, make test. The environment is .venv, from requirements.lock.
PYTHON ?= python3
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS = never

.PHONY: setup demo test check bench lock model screenshots clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "kws-trace needs Python 3.10 or newer; make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: setup
	$(BIN)/kws-trace demo

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.benchmarks

lock: setup
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.10 \
		--extra tensorflow --extra dashboard --extra runtimes --extra dev pyproject.toml -o requirements.lock

model: setup
	$(BIN)/python -m tools.training --out runner/shipped

screenshots: setup
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
