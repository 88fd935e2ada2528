# make demo    explain a generation with the bundled model
# make test    run the tests          make check   lint, types, rules of the house
# make bench   compare with captum, inseq and shap      make docs   build docs/_build
#
# Another Python:     make demo PYTHON=python3.12
# Another PyTorch:    make demo TORCH='torch --index-url https://download.pytorch.org/whl/cu128'

PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
PEERS := .venv-peers
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test check bench docs clean

help:
	@sed -n '1,6s/^# \{0,1\}//p' Makefile

# ---------------------------------------------------------------- environments
# A stamp file says what an environment holds, so that a second call starts at once.

$(VENV)/.torch $(PEERS)/.torch: %/.torch:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "glossator needs Python 3.11 or later, this is $$($(PYTHON) --version): make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "creating $* and installing PyTorch (once; a few minutes) ..."
	@$(PYTHON) -m venv $*
	@$*/bin/python $(PIP_INSTALL) $(TORCH)
	@touch $@

$(VENV)/.core: pyproject.toml $(VENV)/.torch
	@echo "installing glossator into $(VENV) ..."
	@$(VENV)/bin/python $(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.core
	@echo "installing the development tools ..."
	@$(VENV)/bin/python $(PIP_INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.docs: pyproject.toml $(VENV)/.core
	@$(VENV)/bin/python $(PIP_INSTALL) -e '.[docs]'
	@touch $@

$(PEERS)/.ready: pyproject.toml benchmarks/requirements-peers.txt $(PEERS)/.torch
	@echo "installing captum, inseq and shap into $(PEERS) ..."
	@$(PEERS)/bin/python $(PIP_INSTALL) -e . -r benchmarks/requirements-peers.txt
	@touch $@

# ---------------------------------------------------------------------- tasks

PROMPT := Mia and Tom went to the park. Tom gave the kite to

demo: $(VENV)/.core
	@mkdir -p out
	@$(VENV)/bin/glossator explain "$(PROMPT)" --out out/explanation.html
	@echo
	@echo "The same as a page: open out/explanation.html in a browser."
	@echo "Your own text:      $(VENV)/bin/glossator explain \"...\" --model NAME_OR_FOLDER"

# A process for each core, and one thread in each; tests of several threads say so themselves
# (threads that wait must then not keep a core busy).
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive $(VENV)/bin/python -m pytest -n auto --maxprocesses 8

check: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python -m pytest -q tests/house/test_imports.py tests/house/test_sizes.py

bench: $(PEERS)/.ready
	$(PEERS)/bin/python -m benchmarks

docs: $(VENV)/.docs
	$(VENV)/bin/sphinx-build -W --keep-going -q -b html docs docs/_build
	@echo "open docs/_build/index.html"

clean:
	rm -rf $(VENV) $(PEERS) docs/_build out .pytest_cache .mypy_cache .ruff_cache .hypothesis
