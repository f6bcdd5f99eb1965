# Everything below works on a fresh machine that has Python >= 3.11 and make.
#
#   make demo        set up, then scan a phantom, analyse it and compare with the truth (demo/)
#   make test        set up, then all checks and all tests but the slow ones
#   make venv        set up alone
#
# Another Python, or another build of torch:
#   make venv PYTHON=python3.12
#   make venv TORCH=torch==2.13.0 TORCH_ARGS="--index-url URL"

PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help venv demo test test-slow lint face format bench lock clean

help:
	@sed -n "/^$$/q;s/^# \{0,1\}//p" Makefile

venv: $(STAMP)

# torch comes first and pinned: left to the resolver it can bring gigabytes of CUDA with it.
$(STAMP): pyproject.toml requirements.lock Makefile
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH_ARGS) "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: venv
	$(BIN)/poroscale demo demo/

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/codespell

# The table of public names and the stub, from the declarations of the verbs.
face: venv
	$(BIN)/python -m poroscale.face.renew

format: venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# By file: what a file's tests share is made once. In the order of tests/conftest.py, longest files
# first; xdist would put those with the fewest tests last, which are the longest. pytest itself takes
# long to remove the hundred thousand files of the run before.
test: lint
	@mkdir -p build/tests && mv build/tests build/old-tests-$$$$ && (rm -rf build/old-tests-* &)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder --basetemp build/tests

test-slow: venv
	$(BIN)/python -m pytest -m slow

bench: venv
	$(BIN)/poroscale bench

# Newest releases that pyproject.toml allows. Only the CPU build of torch leaves none of its own
# CUDA packages behind; they are left out of the lock, as torch itself is.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install $(TORCH_ARGS) "$(TORCH)"
	build/lock/bin/python -m pip install -e ".[dev]" "hatchling>=1.25" editables
	build/lock/bin/python -m pip freeze --exclude-editable --exclude pip --exclude setuptools \
	  | grep -viE '^(torch|triton|nvidia-[a-z0-9-]+-cu[0-9]+)==' | LC_ALL=C sort -f > requirements.lock

clean:
	rm -rf $(VENV) build dist demo out .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache .benchmarks
	find poroscale tests -name __pycache__ -type d -prune -exec rm -rf {} +
