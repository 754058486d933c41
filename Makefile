# Each check is defined once, here; developers and CI run the same commands.
# `make` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

CDK_CLI := aws-cdk@2.1148.1
PYRIGHT := pyright@1.1.414
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo test separable check format bench snapshots clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## install Python packages, Node and the CDK CLI into .venv

$(INSTALLED): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cdk-mailroom needs Python 3.11 or later; choose one, for example: make PYTHON=python3.12"; exit 1; }
	@echo "installing into $(VENV) (the first time takes a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable '.[local]' --group dev
	@$(BIN)/npm install --silent --global --prefix $(VENV) --no-audit --no-fund $(CDK_CLI) $(PYRIGHT)
	@touch $@

demo: install ## deploy the examples to a local AWS, send real mail and show what happens to it
	@for demo in examples/*/demo.py; do $(BIN)/python $$demo || exit 1; echo; done

test: install ## run the tests on all cores (six to seven minutes on two)
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

separable: install ## remove WorkMail from a copy of the repository and test the rest
	@$(BIN)/python tests/workmail_separable.py

check: install ## check lint, format and types; run cfn-lint on the synthesized examples
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python tests/typing/check.py
	@for app in examples/*/app.py; do \
	  $(BIN)/cdk synth --quiet --no-notices --app "$(BIN)/python $$app" \
	    --output .check/$$(basename $$(dirname $$app)) >.check.log 2>&1 || { cat .check.log; exit 1; }; \
	done; rm -f .check.log
	@# W3005: the CDK writes DependsOn where a reference would do.
	@$(BIN)/cfn-lint --ignore-checks W3005 -- .check/*/*.template.json
	@echo "all checks passed"

format: install ## fix and format the code with ruff
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install ## compare import, event and synth times with the alternatives
	@$(BIN)/python benchmarks/bench.py $(ARGS)
	@$(BIN)/python benchmarks/synth.py

snapshots: install ## update the snapshots of the examples' synthesized templates
	@$(BIN)/pytest tests/constructs --snapshot-update

clean: ## remove everything that make installed or built
	rm -rf $(VENV) .mailroom .analytics .check cdk.out dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
