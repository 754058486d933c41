# Each check is defined once, here; developers and CI run the same commands.
# `make` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Packages are compiled when they are first imported, which must then be kept.
export PYTHONDONTWRITEBYTECODE :=

CDK_CLI := aws-cdk@2.1148.1
PYRIGHT := pyright@1.1.414
BROWSER := @sparticuz/chromium@153.0.0
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
NPM := $(BIN)/npm install --silent --global --prefix $(VENV) --no-audit --no-fund
# Each command installs what it needs and no more; a stamp says that it is there.
RUN := $(VENV)/.run
# The demo whose local AWS, with its page, KEEP=1 leaves open.
KEPT := examples/helpdesk/demo.py
PAGE := To see this mail and its story in a browser, at http://127.0.0.1:8025, leave it open: make demo KEEP=1
ALL := $(VENV)/.test $(VENV)/.check $(VENV)/.docs $(VENV)/.package $(VENV)/.bench $(VENV)/.mutation

.DEFAULT_GOAL := help
.PHONY: help install demo test separable oldest newest check check-workflows check-emulator docs docs-serve \
  format api prove conformance torture faults mutation bench scaling screenshots snapshots package sbom notes clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

install: $(ALL) ## install everything that the commands below need into .venv

$(RUN): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "cdk-mailroom needs Python 3.11 or later; choose one, for example: make PYTHON=python3.12"; exit 1; }
	@echo "installing into $(VENV) (the first time takes half a minute or so)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) pip
	@# Python compiles what is imported; of aws-cdk-lib that is a small part.
	@$(PIP) --no-compile --editable '.[emulator,lake]' --group node
	@$(NPM) $(CDK_CLI)
	@touch $@

$(VENV)/.%: $(RUN)
	@echo "installing what make $* needs"
	@$(PIP) --no-compile --group $*
	@$(if $(filter check,$*),$(NPM) $(PYRIGHT))
	@$(if $(filter test,$*),$(NPM) $(BROWSER))
	@touch $@

demo: $(RUN) ## deploy the examples and send them real mail; KEEP=1 leaves the page open
	@for demo in $(filter-out $(if $(KEEP),$(KEPT)),$(wildcard examples/*/demo.py)); do \
	  $(BIN)/python $$demo || exit 1; echo; done
	@$(if $(KEEP),$(BIN)/python $(KEPT) --keep,echo "$(PAGE)")

test: $(VENV)/.test ## run the tests on all cores (two to five minutes on two)
	@$(BIN)/pytest --numprocesses auto --dist each $(ARGS)

conformance: $(VENV)/.test ## check what docs/assumptions.md assumes about AWS; AWS=1 asks a real account
	@PYTHONPATH=tests $(BIN)/python -m conformance $(if $(AWS),--aws) $(ARGS)

separable: $(VENV)/.test ## remove WorkMail from a copy of the repository and test the rest
	@$(BIN)/python tests/workmail_separable.py

oldest: ## test the oldest versions that pyproject.toml allows
	@$(PYTHON) tests/versions.py oldest

newest: ## test the newest versions of what pyproject.toml depends on
	@$(PYTHON) tests/versions.py newest

check: $(VENV)/.check check-workflows ## check lint, format, types, the public API and the workflows; run cfn-lint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python tests/typing/check.py
	@$(BIN)/python tests/public_api.py
	@for app in examples/*/app.py; do \
	  $(BIN)/cdk synth --quiet --no-notices --app "$(BIN)/python $$app" \
	    --output .check/$$(basename $$(dirname $$app)) >.check.log 2>&1 || { cat .check.log; exit 1; }; \
	done; rm -f .check.log
	@# W3005: the CDK writes DependsOn where a reference would do.
	@$(BIN)/cfn-lint --ignore-checks W3005 -- .check/*/*.template.json
	@echo "all checks passed"

check-workflows: $(VENV)/.check ## check the workflows, dependency updates and issue forms
	@$(BIN)/zizmor --offline --quiet --no-progress .github
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms \
	  $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

check-emulator: $(RUN) ## try the newest emulator, and list what of ours it would break
	@$(BIN)/python tests/newest_emulator.py

docs: $(VENV)/.docs ## build the site into .site/html; what is undocumented or leads nowhere is an error
	@$(BIN)/python website/build.py

docs-serve: $(VENV)/.docs ## show the site on this machine while docs/ changes
	@$(BIN)/python website/build.py --serve

format: $(VENV)/.check ## fix and format the code with ruff
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

api: $(VENV)/.check ## write the public API to tests/public_names/, when a release is made
	@$(BIN)/python tests/public_api.py --update

prove: $(VENV)/.test $(VENV)/.bench $(VENV)/.mutation ## run the proofs of what the docs promise, and write docs/proof.md; PARTS="..." FULL=1
	@PYTHONPATH=tests $(BIN)/python -m proof $(if $(FULL),--full) $(PARTS)

bench: $(VENV)/.bench ## compare time and memory with the alternatives (six minutes); ARGS=--quick
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

scaling: $(VENV)/.test ## measure what a mail costs our functions; ARGS=--write calculates docs/scaling.md anew
	@PYTHONPATH=tests $(BIN)/python benchmarks/scaling.py $(ARGS)

faults: $(VENV)/.test ## cause faults on the deployed examples, and account for every mail
	@PYTHONPATH=tests $(BIN)/python -m faults $(ARGS)

torture: $(VENV)/.test ## mutate a million records and 100,000 messages, none of which may be lost; ARGS
	@PYTHONPATH=tests $(BIN)/python -m torture $(ARGS)

mutation: $(VENV)/.mutation ## change the code in 600 places, and see that tests notice; ARGS="--seed 5" for others
	@PYTHONPATH=tests $(BIN)/python -m mutation $(ARGS)

screenshots: $(VENV)/.test ## take the pictures of the page in docs/images
	@$(BIN)/python tests/screenshots.py

snapshots: $(VENV)/.test ## update the snapshots of the examples' synthesized templates
	@$(BIN)/pytest tests/constructs --snapshot-update

# Only a release knows the project's address and e-mail address, which pyroma wants for a ten.
package: $(VENV)/.package $(VENV)/.test ## build into dist/, check what the package index will show, and test the sdist
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >.package.log 2>&1 || { cat .package.log; exit 1; }
	@rm -f .package.log
	@$(BIN)/twine check --strict dist/*
	@$(BIN)/check-wheel-contents dist/*.whl
	@$(BIN)/pyroma --min $(if $(PROJECT_ADDRESS),$(if $(PROJECT_EMAIL),10,9),8) --file dist/*.tar.gz
	@$(BIN)/python tests/sdist.py dist/*.tar.gz $(ARGS)

sbom: $(VENV)/.package ## list what an installation of dist/ brings along, in build/sbom.cdx.json
	@mkdir -p build
	@rm -rf .venv-sbom && $(PYTHON) -m venv --without-pip .venv-sbom
	@$(BIN)/python -m pip --python .venv-sbom install --quiet --disable-pip-version-check --no-compile \
	  --constraint constraints.txt dist/*.whl
	@$(BIN)/cyclonedx-py environment --output-reproducible --validate --output-file build/sbom.cdx.json .venv-sbom
	@rm -rf .venv-sbom

notes: ## write the notes of the version into build/notes.md; TAG must be its tag, if given
	@mkdir -p build
	@$(PYTHON) tests/release_notes.py $(TAG) >build/notes.md

clean: ## remove everything that make installed or built
	rm -rf .venv* .mailroom .analytics .check .site cdk.out dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis
