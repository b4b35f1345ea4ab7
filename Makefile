# Each target's comment is its help text.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# What a database engine could change the answer of; the other engine is in the whole run.
ON_POSTGRESQL := tests/account tests/logout tests/organizations tests/permissions \
	tests/rfc6749 tests/rfc8628 tests/rfc8693 tests/rfc9101 tests/rfc9126 tests/rfc9449 tests/store/test_reach.py \
	tests/console/test_users.py::test_two_full_administrators_who_demote_each_other_in_parallel_leave_one \
	tests/sign_in/test_second_factor.py::test_of_many_at_once_with_one_code_one_comes_in \
	tests/sign_in/test_second_factor.py::test_of_two_apps_that_are_set_up_at_once_one_stays

# Where Python may not keep what it compiles, each of hundreds of processes would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo serve test check format faults fuzz mutants bench docs messages lock chromium clean audit sbom site

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

install: $(STAMP) ## make .venv and install everything, with the versions of requirements.lock

# Compiled here, as pip does with what it copies: where Python may not keep that itself, each start would do it again.
$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q core plugins console themes
	@touch $@

demo: $(STAMP) ## Credenza with demo data, and an application to sign in to: http://localhost:8401
	$(BIN)/credenza demo

serve: $(STAMP) ## serve on http://localhost:8400 with a SQLite database in this folder
	$(BIN)/credenza serve

# Each of three workers begins with a third of the modules, whole, so that what a module starts is started once. There are
# more of them than processors, since one waits for a browser or a server all the time.
# A test that failed is tried once more, alone: on a busy machine a browser or a process may have been too slow.
test: $(STAMP) chromium ## the whole test suite, browser tests included, and on PostgreSQL once more what asks the database
	$(BIN)/python -m pytest -n 3 --dist worksteal \
	  || $(BIN)/python -m pytest --last-failed --last-failed-no-failures none
	TEST_ENGINE=postgresql $(BIN)/python -m pytest -n 3 --dist worksteal $(ON_POSTGRESQL) \
	  || TEST_ENGINE=postgresql $(BIN)/python -m pytest --last-failed --last-failed-no-failures none $(ON_POSTGRESQL)

check: $(STAMP) ## what must be clean before a commit: format, lint, types, import contracts, templates
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --lint --quiet core console plugins themes

format: $(STAMP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

faults: $(STAMP) ## break workers, databases, disks, clocks and keys under traffic, and count the invariants; some minutes
	$(BIN)/python -m pytest -m faults -p no:randomly -s tests/faults

# What failed is kept in build/fuzz and tried first the next time.
fuzz: $(STAMP) ## try many more orders of events and broken inputs than the test suite does; FUZZ=2000 for each property
	CREDENZA_FUZZ=$(or $(FUZZ),2000) $(BIN)/python -m pytest -p no:randomly tests/properties

mutants: $(STAMP) ## break the code where it decides, and see whether a test notices; MODULES="pkce refresh", else all of them
	$(BIN)/python tests/mutation/run.py $(MODULES)

bench: $(STAMP) ## measure against npm oidc-provider, in paired and alternating runs on SQLite and PostgreSQL; needs npm
	$(BIN)/python benchmarks/bench.py --keep
	$(BIN)/python benchmarks/bench.py --database postgresql --keep
	$(BIN)/python benchmarks/bench.py --first 1000 --keep

chromium: $(STAMP) ## find a Chromium for the browser tests, else install one
	@if command -v chromium-headless-shell chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "Installing Debian's chromium for the browser tests"; \
	  apt-get update -qq >/dev/null && export DEBIAN_FRONTEND=noninteractive && { \
	    apt-get install -y -qq chromium-headless-shell fonts-liberation >/dev/null || apt-get install -y -qq chromium >/dev/null; } \
	  || echo "Chromium could not be installed; browser tests will be skipped"; \
	else $(BIN)/playwright install chromium || echo "Chromium could not be installed; browser tests will be skipped"; fi

docs: $(STAMP) ## write the reference pages from the code
	$(BIN)/python docs/generate.py

site: $(STAMP) ## build the documentation into build/site; a link that leads nowhere stops it
	$(BIN)/mkdocs build --quiet

messages: $(STAMP) ## collect the sentences of the pages into the catalogues of their languages, and compile those
	@for package in core/credenza $(patsubst %/locales,%,$(wildcard plugins/*/locales)); do \
	  $(BIN)/credenza plugin messages $$package || exit 1; done

screenshots: $(STAMP) chromium ## photograph every page, phone and desktop, light and dark, into docs/screenshots
	$(BIN)/python docs/screenshots.py

audit: $(STAMP) ## known vulnerabilities of what is built in; exceptions are in docs/reference/advisories.toml
	$(BIN)/python docs/supply_chain.py audit

sbom: $(STAMP) ## a CycloneDX bill of materials: dist/sbom.json
	$(BIN)/python docs/supply_chain.py sbom dist/sbom.json

lock: ## write requirements.lock afresh: names, versions and hashes, no addresses
	uv export --quiet --extra dev --no-emit-project --no-header --no-annotate --format requirements-txt --output-file requirements.lock

clean: ## remove what was made here
	rm -rf $(VENV) demo-data dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
