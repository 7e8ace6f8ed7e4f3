# make demo   a complete calsync on this machine, with a real calendar server and sample calendars
# make run    web and worker with your .env
# make test   everything the tests need, and the tests
# make lint   linter, formatter, missing migrations
# make bench  the measured figures: tables on the screen, numbers in bench-results.json

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
export PYTHONUNBUFFERED := 1
export UV_NATIVE_TLS := true

.PHONY: demo run test lint bench lock chromium

demo: $(VENV)/demo.stamp
	DEBUG=true ENV_FILE=/dev/null CALDAV_ALLOWED_PRIVATE_HOSTS=127.0.0.1 $(PY) manage.py demo

run: $(VENV)/demo.stamp
	$(PY) manage.py run

test: $(VENV)/test.stamp tests/node_modules/.stamp chromium
	$(PY) -m pytest --numprocesses=auto --dist=loadfile $(TESTS)

lint: $(VENV)/test.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	DEBUG=true ENV_FILE=/dev/null $(PY) manage.py makemigrations --check --dry-run

bench: $(VENV)/test.stamp
	$(PY) -m tests.bench

# The locks, after a change of requirements/*.in.
lock: $(VENV)/bin/uv
	for name in installer base demo test; do \
	  $(VENV)/bin/uv pip compile -q --generate-hashes --universal --python-version 3.11 \
	    -o requirements/$$name.txt requirements/$$name.in || exit 1; done

$(VENV)/bin/uv: requirements/installer.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.txt
	touch $@

$(VENV)/%.stamp: requirements/%.txt $(VENV)/bin/uv
	$(VENV)/bin/uv pip install --quiet --python $(PY) --require-hashes -r $<
	touch $@

# The npm packages serve some tests only; those say so when they are missing.
tests/node_modules/.stamp: tests/package-lock.json
	@if command -v npm >/dev/null; then \
	  cd tests && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.stamp; \
	else echo "npm was not found: the tests with PostgREST and axe-core will say that they did not run."; fi

chromium:
	@if ! command -v chromium chromium-browser google-chrome >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	  else echo "Chromium was not found: the browser tests will say that they did not run."; fi; fi
