# Every target makes the environment when it is missing or out of date, and works again when repeated or interrupted.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The stamp is written last, so that an interrupted installation is simply begun again.
STAMP := $(VENV)/.installed

.PHONY: demo test lint types docs bench fuzz clean

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ambikit needs Python 3.11 or later, got $$($(PYTHON) --version); run: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable ".[models,sofa,yolo,shards,tensorboard]" --group dev
	@touch $@

demo: $(STAMP)
	$(BIN)/python examples/train_avsa.py

test: $(STAMP)
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/pyright

docs: $(STAMP)
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html

# all benchmarks, or one: make bench CASE=intensity; then the tables and the picture of docs/performance.md
bench: $(STAMP)
	$(BIN)/python -m benchmarks $(CASE)
	$(BIN)/python -m benchmarks.page docs/generated

# mutated files for every parser of metadata: make fuzz SECONDS=600, or make fuzz COUNT=1000000; PARSER=mp4 for one
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzzing $(if $(COUNT),--count $(COUNT),--seconds $(or $(SECONDS),20)) \
		$(if $(PARSER),--parser $(PARSER))

clean:
	rm -rf $(VENV) docs/_build build dist .pytest_cache .ruff_cache
