# Two commands do all the set-up they need: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PROFILE ?= demo
ON ?= local
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
# JupyterLab's question about news and its look for updates, both of which would ask the network.
LAB := $(VENV)/share/jupyter/lab/settings
NO_NEWS := {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}

.PHONY: demo check plan test lab report lint bench docs diff runs compare setup lock audit clean

demo: $(READY) ## the main job: every notebook on params/$(PROFILE), where profiles/$(ON) says
	@$(BIN)/python -m sim2real_lib.batch $(PROFILE) --profile profiles/$(ON)

check: $(READY) ## what params/$(PROFILE) would run on: found, missing, frames of each arm
	@$(BIN)/python -m sim2real_lib.check $(PROFILE)

plan: $(READY) ## what params/$(PROFILE) would cost: time, GPU hours, disk, files
	@$(BIN)/python -m sim2real_lib.costs $(PROFILE)

test: $(READY) lint ## lint, types and every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadgroup --durations 20

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lab: $(READY) ## JupyterLab, on this machine only
	$(BIN)/jupyter lab --ip 127.0.0.1 --notebook-dir . --ServerApp.kernel_websocket_connection_class=sim2real_lib.lab.PromptConnection notebooks/01_data_analysis.ipynb

report: $(READY) ## finish the run, and make outputs/$(PROFILE)/report.html anew
	@$(BIN)/python -m sim2real_lib.batch $(PROFILE) --profile profiles/$(ON) --forcerun results

bench: $(READY) ## every benchmark, each printing its table
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: $(READY) ## docs/parameters.md, made of the parameters' models, and docs/licences.md
	@$(BIN)/python -m sim2real_lib.parameters_page
	@$(BIN)/python -m sim2real_lib.licences_page

diff: $(READY) ## what changed since the last commit: code, and notebooks by their sources alone
	@git diff HEAD

runs: $(READY) ## the runs in outputs/: state, what they found, cost, parameters that differ
	@$(BIN)/python -m sim2real_lib.runs

compare: $(READY) ## two runs on one page: make compare A=outputs/demo B=outputs/study
	@$(BIN)/python -m sim2real_lib.display.run_comparison "$(A)" "$(B)"

lock: $(READY) ## requirements.lock, made of pyproject.toml and constraints.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11.5 \
	  --extra dev --constraint constraints.txt --no-annotate --custom-compile-command 'make lock' \
	  --output-file requirements.lock pyproject.toml

audit: $(READY) ## known vulnerabilities of the versions in requirements.lock
	@$(BIN)/uv tool run --quiet pip-audit@2.10.1 --requirement requirements.lock \
	  --require-hashes --disable-pip --progress-spinner off

setup: $(READY) ## the environment in $(VENV), and notebook-aware git diffs

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "sim2real needs Python 3.11 or newer; $(PYTHON) is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --progress-bar off --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -c 'import cv2' || \
	  { echo "OpenCV lacks system libraries. On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0 libxcb1"; exit 1; }
	@mkdir -p $(LAB) && echo '$(NO_NEWS)' > $(LAB)/overrides.json
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/python -m sim2real_lib.notebook_git setup; fi
	@touch $(READY)

clean: ## remove outputs/$(PROFILE) (the environment and other runs stay)
	rm -rf "outputs/$(or $(PROFILE),$(error name one run: make clean PROFILE=demo))"
