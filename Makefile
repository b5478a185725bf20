# Two commands: `make run` and `make test`. Both set up what they need in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SETUP := .venv/.set-up

.PHONY: setup run test lint types e2e check bench browser screenshots clean

setup: $(SETUP)

# torch is named first and pinned: on a machine without a GPU pip takes the CPU build where one is offered (README).
$(SETUP): requirements.txt requirements-dev.txt constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 \
	  -r requirements.txt -r requirements-dev.txt -c constraints.txt
	@touch $@

run: setup
	@$(BIN)/python -m backend.jobs.serve

# Two files at a time without a browser; then those that drive one, alone, for they wait as long as a user would.
test: setup browser
	$(BIN)/python -m pytest --ignore tests/e2e --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest tests/e2e

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

e2e: setup browser
	$(BIN)/python -m pytest tests/e2e

check: lint types test

bench: setup
	$(BIN)/python -m benchmarks

# The pictures of docs/images, taken from a fresh demo.
screenshots: setup browser
	$(BIN)/python -m tests.e2e.screenshots

# Browser tests drive Debian's Chromium. Where it cannot be installed they skip, and say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null \
	  || (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null) \
	  || echo "No Chromium here and none could be installed: the browser tests will be skipped."

clean:
	rm -rf .venv .resitu .pytest_cache .mypy_cache .ruff_cache
