# What a newcomer runs: `make demo` (the main job on a real document) and `make test` (everything the tests need).
# Both create .venv and install from this project's own files; nothing else is needed but Python and a C/C++ compiler.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint types docs bench lock clean check-system

demo: $(VENV)/.core
	@echo "== srllm rewrite examples/job-ad.md --diff"
	@$(BIN)/srllm rewrite examples/job-ad.md --diff

test: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

docs: $(VENV)/.dev
	$(BIN)/python -m pytest tests/docs -m "not slow"

# What docs/performance.md shows, measured on this machine; an hour or so, with nothing else running. alex, if it is to
# take part: npm install alex.
bench: $(VENV)/.bench
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(BIN)/python -m bench --data data/pairs --out docs/performance

# Pinned versions for every supported Python; installs read them as constraints. torch is held at the release whose
# CPU build the project is tested with. CUDA's own packages are pinned by torch itself.
lock:
	printf 'torch==2.13.0\n' | uv pip compile pyproject.toml --universal --extra train --extra dev --extra bench \
	  --python-version 3.10 --no-annotate --no-header --constraint - --output-file requirements.lock
	sed -i '/^nvidia-/d; /^cuda-/d; /^triton/d' requirements.lock

$(VENV)/.bench: $(VENV)/.dev
	@echo "== llama-cpp-python's server"
	$(PIP) install -q -c requirements.lock -e '.[bench]'
	@touch $@

clean:
	rm -rf $(VENV) build dist

check-system:
	@command -v $(PYTHON) >/dev/null || { echo "srllm needs Python 3.10 to 3.13; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' || \
	  { echo "srllm needs Python 3.10 to 3.13, and $(PYTHON) is `$(PYTHON) -V`; set PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@{ command -v cc || command -v gcc || command -v clang; } >/dev/null && \
	 { command -v c++ || command -v g++ || command -v clang++; } >/dev/null || \
	  { echo "llama.cpp is built from source and needs a C/C++ compiler; on Debian or Ubuntu: apt install build-essential;" \
	         "on macOS: xcode-select --install"; exit 1; }

$(VENV)/.created: | check-system
	$(PYTHON) -m venv $(VENV)
	@touch $@

# llama-cpp-python comes as source. Its build is a step of its own: pip keeps the wheel in its cache, so it runs once a
# machine, and CI can cache it.
$(VENV)/.llama: requirements.lock $(VENV)/.created
	@echo "== llama.cpp: building it takes 4 to 10 minutes the first time"
	$(PIP) install -q -c requirements.lock llama-cpp-python
	@touch $@

$(VENV)/.core: pyproject.toml requirements.lock $(VENV)/.llama
	$(PIP) install -q -c requirements.lock -e .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements.lock $(VENV)/.llama
	@echo "== PyTorch, transformers and the tools of the tests"
	$(PIP) install -q -c requirements.lock -e '.[train,dev]'
	@touch $@ $(VENV)/.core
