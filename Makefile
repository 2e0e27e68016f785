# Two commands on a fresh machine: make demo, make test. The environment is .venv, from requirements.lock.
# make test-rest: a browser, a real nsys, attacks; make test-all: both parts. make mutants, structure, dead-code:
# what the tests do not see, how the rooms hang together, what nothing calls.
PYTHON ?= python3
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS = never
# Where it is set, each of the tests' processes compiles what it imports anew.
unexport PYTHONDONTWRITEBYTECODE

WORKERS ?= auto
# A third of the slow tests' time is waiting, for a device, a browser or a profiler: more workers than processors.
SLOW_WORKERS ?= 4
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4

.PHONY: setup demo test test-rest test-all test-new-inputs check mutants structure dead-code coverage-of-intervals gpu-proof bench soak kills faults browsers long-window published-sessions lock check-jetpack-6 check-aarch64 sizes constraints model screenshots clean

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 10) else "kws-trace needs Python 3.10 or newer; make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q tracer runner dashboard
	touch $@

demo: setup
	$(BIN)/kws-trace demo

test: setup
	$(PYTEST) -m "not slow"
	@echo "The slow tests (a browser, a real nsys, attacks, many inputs) were left out: make test-rest"

test-rest: setup
	$(PYTEST) -n $(SLOW_WORKERS) -m slow --dist loadfile --no-loadscope-reorder

test-all: test test-rest

# The property tests on inputs that they have not seen. For example: make test-new-inputs ARGS="tests/test_overhead.py"
test-new-inputs: setup
	$(PYTEST) -m "not slow" --hypothesis-profile new-inputs $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools.dead_code

# For example: make mutants ARGS="--package tracer/kernels --count 50 --seed 3"
mutants: setup
	$(BIN)/python -m tools.mutants $(ARGS)

structure:
	@$(PYTHON) -m tools.structure $(ARGS)

dead-code: setup
	$(BIN)/python -m tools.dead_code

# The tables of docs/statistics.md; some minutes. It fails where an interval covers less than it says.
coverage-of-intervals: setup
	$(BIN)/python -m tests.coverage $(ARGS)

# On a machine with an NVIDIA GPU, nsys, CuPy and nvtx, by its own Python: what the replay predicts is really left out.
# Each call adds pairs to the file until it has 20. For example: make gpu-proof PYTHON=python3.12 ARGS="--pairs 3"
gpu-proof:
	$(PYTHON) -m tests.gpu_proof $(ARGS)

bench: setup
	$(BIN)/python -m tests.benchmarks

# A DUT under a host for half an hour: its memory, files and rate. For example: make soak MINUTES=3
MINUTES ?= 30
soak: setup
	$(BIN)/python -m tests.attacks.soak $(MINUTES)

# kill -9 of the real DUT, at its start, in and between windows, in a conversion and at its end.
KILLS ?= 100
kills: setup
	KWS_TRACE_KILLS=$(KILLS) $(BIN)/python -m pytest tests/attacks/test_kills.py -q

# A disk below the real DUT that refuses each step of a run in turn, with EIO and ENOSPC, once or from then on; then each
# change on the disk by the commands that write, ended or refused; 0 for all.
FAULTS ?= 0
faults: setup
	KWS_TRACE_FAULTS=$(FAULTS) $(BIN)/python -m pytest tests/attacks/test_refusing_disk.py tests/attacks/test_interrupted_writing.py -q

# Windows of a browser on the dashboard while a run is recorded.
BROWSERS ?= 20
browsers: setup
	KWS_TRACE_BROWSERS=$(BROWSERS) $(BIN)/python -m pytest tests/attacks/test_many_browsers.py -q -s

# One window of a million inferences: whole, and how much memory it took.
long-window: setup
	KWS_TRACE_LONG_WINDOW=1000000 $(BIN)/python -m pytest tests/attacks/test_limits_of_the_machine.py -q -s -k long_window

# Every published session of MLPerf Tiny, judged: findings by round. FOLDER holds clones of mlcommons/tiny_results_v0.5 ...
published-sessions: setup
	$(BIN)/python -m tools.published_sessions $(FOLDER)

# What a newcomer's environment holds, and beside it the extras that would make it grow, at the same versions.
LOCKED = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.10
lock: setup
	$(LOCKED) --extra tensorflow --extra dashboard --extra analysis --extra onnx --extra dev pyproject.toml -o requirements.lock
	$(LOCKED) --extra mcp -c requirements.lock pyproject.toml -o locks/mcp.lock
	$(LOCKED) --extra fleet -c requirements.lock pyproject.toml -o locks/fleet.lock
	$(LOCKED) --extra spark -c requirements.lock pyproject.toml -o locks/spark.lock
	$(LOCKED) --extra energy -c requirements.lock pyproject.toml -o locks/energy.lock

# At the versions of JetPack 6 (Python 3.10 where there is one, NumPy 1.26, protobuf 4.25, TensorFlow 2.16 for x86 in
# place of NVIDIA's): the demo, its export, and the tests of what people run there.
JETPACK_6 = .venv/jetpack-6/bin
check-jetpack-6: setup
	$(BIN)/uv venv --quiet --clear --python "$$(python3.10 -c 'import sys; print(sys.executable)' 2>/dev/null || echo $(PYTHON))" .venv/jetpack-6
	$(BIN)/uv pip install --quiet --python $(JETPACK_6)/python -c constraints/jetpack-6.txt 'tensorflow==2.16.2' \
		'.[dashboard]' pytest pytest-timeout hypothesis jsonschema pyyaml
	cd .venv/jetpack-6 && bin/kws-trace demo --seconds 0.2 && bin/kws-trace export last --perfetto last.pftrace
	cd .venv/jetpack-6 && { bin/kws-trace compare ../../traces/sample-cpu ../../traces/sample-cpu; test $$? -eq 3; }
	$(JETPACK_6)/python -m pytest -m "not slow" $(addprefix tests/test_,end_to_end.py xplane.py dashboard.py \
		report_commands.py public_interface.py)

# Debian's arm64 under qemu with the aarch64 wheels of the constraints: root, apt and binfmt_misc, or it says what lacks.
# For example: make check-aarch64 SUITES=bookworm
check-aarch64: setup
	$(BIN)/python -m tools.aarch64 $(SUITES)

# Wheels, megabytes and import times of each set of extras; it fails where a core is over 275 MB unpacked on aarch64.
sizes: setup
	$(BIN)/python -m tools.sizes

constraints: setup
	$(BIN)/python -m tools.constraints

model: setup
	$(BIN)/python -m tools.training --out runner/shipped

screenshots: setup
	$(BIN)/python -m tests.screenshots

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
