# Two commands do all the set-up they need: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PROFILE ?= demo
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready

.PHONY: demo check plan test lab report lint bench docs diff runs compare setup clean

demo: $(READY) ## the main job: every notebook on params/$(PROFILE), ending in a report
	@$(BIN)/python -m sim2real_lib.batch $(PROFILE)

check: $(READY) ## what params/$(PROFILE) would run on: found, missing, frames of each arm
	@$(BIN)/python -m sim2real_lib.check $(PROFILE)

plan: $(READY) ## what params/$(PROFILE) would cost: time, GPU hours, disk, files
	@$(BIN)/python -m sim2real_lib.costs $(PROFILE)

test: $(READY) lint ## lint, types and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(READY) ## JupyterLab, on this machine only
	$(BIN)/jupyter lab --ip 127.0.0.1 --notebook-dir . notebooks/01_data_analysis.ipynb

report: $(READY) ## finish the run, and make outputs/$(PROFILE)/report.html anew
	@$(BIN)/python -m sim2real_lib.batch $(PROFILE) --forcerun results

bench: $(READY) ## every benchmark, each printing its table
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: $(READY) ## docs/parameters.md, made of the parameters' models
	@$(BIN)/python -m sim2real_lib.parameters_page

diff: $(READY) ## what changed since the last commit: code, and notebooks by their sources alone
	@git diff HEAD

runs: $(READY) ## the runs in outputs/: state, what they found, cost, parameters that differ
	@$(BIN)/python -m sim2real_lib.runs

compare: $(READY) ## two runs on one page: make compare A=outputs/demo B=outputs/study
	@$(BIN)/python -m sim2real_lib.display.run_comparison "$(A)" "$(B)"

setup: $(READY) ## the environment in $(VENV), and notebook-aware git diffs

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sim2real needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --progress-bar off --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -c 'import cv2' || \
	  { echo "OpenCV lacks system libraries. On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1"; exit 1; }
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/python -m sim2real_lib.notebook_git setup; fi
	@touch $(READY)

clean: ## remove outputs/$(PROFILE) (the environment and other runs stay)
	rm -rf outputs/$(PROFILE)
