# `make scan` looks at this machine; `make test` runs everything. The commands behind are in noxfile.py.
PYTHON ?= python3
# Most tests on hosts wait, so four share two processors well.
WORKERS ?= 4
VENV := .venv
BIN := $(VENV)/bin
LINK := .cache/collections/ansible_collections/openfleet/patch
NOX = $(BIN)/nox --no-error-on-missing-interpreters --session
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Hundreds of Ansible processes start here: without its bytecode each compiles the collection anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help scan test test-all lint unit sanity molecule lab-up lab-down bench clean
help:
	@echo 'make scan      what is this machine missing? (no change to it, no root needed)'
	@echo 'make test      everything; as root on Debian it also brings up the lab of real hosts'
	@echo 'make lint unit sanity molecule bench test-all lab-up lab-down clean'

$(VENV)/.runtime: requirements.txt tests/tools/make_venv.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo 'openfleet.patch needs Python 3.10 or newer here; name one: make PYTHON=python3.11 ...' >&2; exit 1; }
	@echo 'Preparing $(VENV) (once) ...'
	@tests/tools/make_venv.sh $(VENV) $(PYTHON) -r requirements.txt
	@touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.runtime
	@tests/tools/make_venv.sh $(VENV) $(PYTHON) -r requirements-test.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.test
	@echo 'Installing the development tools into $(VENV) (once) ...'
	@tests/tools/make_venv.sh $(VENV) $(PYTHON) -r requirements-dev.txt
	@touch $@

$(LINK):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@

scan: $(VENV)/.runtime $(LINK)
	@ANSIBLE_HOME=$(CURDIR)/.cache/ansible ANSIBLE_LOCALHOST_WARNING=false \
	  $(BIN)/ansible-playbook openfleet.patch.scan -i 'localhost,' -c local -e patch_become=false \
	  -e patch_state_directory=$(CURDIR)/.cache/scan $(ARGS)

lint: $(VENV)/.dev $(LINK)
	@$(NOX) lint

unit: $(VENV)/.test $(LINK)
	@$(BIN)/python -m pytest -n 2 -m 'not lab and not slow' tests/unit tests/conformance

sanity: $(VENV)/.dev $(LINK)
	@$(NOX) sanity

molecule: $(VENV)/.dev $(LINK)
	@$(NOX) molecule

bench: $(VENV)/.test $(LINK)
	@$(BIN)/python tests/benchmarks/run.py $(ARGS)

lab-up lab-down:
	@PYTHON=$(PYTHON) tests/lab/lab $(@:lab-%=%) $(ARGS)

# pytest comes last, its summary is the last line; lint, sanity and molecule are tests of it (tests/gates).
# Benchmarks want the machine for themselves: they run before, and tests/gates tells how they ended.
test test-all: export OPENFLEET_GATES := 1
test-all: export OPENFLEET_TEST_ALL := 1
test test-all: $(VENV)/.dev $(LINK)
	@tests/tools/debian_packages.sh haproxy:haproxy rpm:rpm zsh:zsh ksh:ksh busybox:busybox
	@tests/tools/store_and_metrics.sh .cache/debian
	@$(if $(filter test-all,$@),tests/tools/browser.sh .cache/browser && tests/tools/make_venv.sh $(VENV) $(PYTHON) -r requirements-browser.txt,:)
	@$(BIN)/python tests/tools/core_venvs.py || :
	@$(if $(filter test-all,$@),$(NOX) bench; OPENFLEET_BENCH=$$?) \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(if $(filter test,$@),-m 'not endurance and not browser') tests

clean:
	rm -rf .nox .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/output .cache/sanity .cache/ansible .cache/build .cache/scan
