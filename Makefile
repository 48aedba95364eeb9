# Every target does its own set-up: Python 3.11, pip, make and a package index are all it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export PYTHONPATH := python
export DBT_PROFILES_DIR := .
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup build demo replay propose sheet lint format parse unit warehouse-tests test test-slow docs bench-recovery bench-recovery-mean bench-worlds bench-folder bench-pooling bench-demand bench-loop bench-peers bench-sbc bench-many bench-geos bench-judging bench-staleness bench-bridge bench-hindsight bench-kills bench-noop bench-ingest lock clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(STAMP): requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

profiles.yml:
	cp profiles.example.yml $@

setup: $(STAMP) profiles.yml ## virtual environment from the lock file, profiles.yml

build: setup ## the whole warehouse for MIXLOOP_CLIENT (default: the demo client)
	@$(BIN)/python scripts/prepare.py
	@echo "dbt build: about three minutes when models are to be fitted; the whole log is logs/dbt.log"
	@$(BIN)/dbt --quiet build
	-@$(BIN)/python scripts/requirements_sheet.py > /dev/null
	@$(BIN)/python scripts/summary.py

demo: setup ## only the demo client's raw tables
	@$(BIN)/python scripts/prepare.py

replay: setup ## past dates as if the warehouse had been there, then today: FROM=2025-01-01 TO=2025-12-31 EVERY=13 ORIGINS=1
	@$(BIN)/python scripts/prepare.py
	@$(BIN)/python scripts/replay.py --from $(or $(FROM),2025-01-01) --to $(or $(TO),2025-12-31) --every $(or $(EVERY),13) \
		--past-vars '{"mixloop__backtest_origins": $(or $(ORIGINS),1)}'
	@$(BIN)/python scripts/summary.py

propose: setup ## a first mapping and hierarchy from MIXLOOP_CLIENT's media, to edit: OUT=proposal
	@$(BIN)/python scripts/propose.py --out "$(or $(OUT),proposal)"

sheet: setup ## target/sheets/<model>.html: what each model needs, what it got, what to do
	@$(BIN)/python scripts/requirements_sheet.py

lint: setup ## ruff and sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	MIXLOOP_TARGET=lint $(BIN)/sqlfluff lint models tests/dbt

format: setup ## let ruff and sqlfluff mend what they can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	MIXLOOP_TARGET=lint $(BIN)/sqlfluff fix models tests/dbt

parse: setup ## dbt parse, warnings are errors
	MIXLOOP_TARGET=lint $(BIN)/dbt --warn-error parse --no-partial-parse

unit: setup ## Python tests without dbt, in seconds
	$(BIN)/pytest tests/python python

warehouse-tests: setup ## tests that run dbt on temporary warehouses
	$(BIN)/pytest tests/warehouse

test: setup ## what every change must pass: tests, ruff, the demo client built twice
	bash scripts/test.sh $(BIN)

test-slow: setup ## whole projects built, killed, replayed and built again, ranks of many worlds, sqlfluff; CI runs it after `make test`
	bash scripts/test.sh $(BIN) slow

docs: setup ## dbt docs as one page, target/static_index.html
	$(BIN)/dbt docs generate --static

bench-recovery: setup ## fit a folder with known truth: FOLDER=... OUT=... (PEERS=file.json: beside other libraries)
	$(BIN)/python benchmarks/recovery.py --folder "$(FOLDER)" --out "$(OUT)" $(if $(PEERS),--peers "$(PEERS)")

bench-recovery-mean: setup ## several such scores beside other libraries, and their mean: SCORES="a/score.json b/score.json" PEERS=file.json
	$(BIN)/python benchmarks/recovery_peers.py --scores $(SCORES) --peers "$(PEERS)"

bench-worlds: setup ## thirteen kinds of simulated worlds: OUT=file.ndjson WORLDS=3 SEED=0 (AGAINST=earlier.ndjson)
	$(BIN)/python benchmarks/worlds.py --worlds $(or $(WORLDS),3) --first-seed $(or $(SEED),0) --out "$(OUT)" \
		$(if $(AGAINST),--against "$(AGAINST)")

bench-folder: setup ## a simulated world as a client folder with known truth: KIND=plain SEED=0 OUT=...
	$(BIN)/python benchmarks/world_folder.py --kind $(or $(KIND),plain) --seed $(or $(SEED),0) --out "$(OUT)"

bench-pooling: setup ## siblings that move together, with and without pooling: OUT=... WORLDS=50
	$(BIN)/python benchmarks/pooling.py --out "$(OUT)" --worlds $(or $(WORLDS),50)

bench-demand: setup ## spend that follows demand: bias, with and without context and a lift test: OUT=... WORLDS=24
	$(BIN)/python benchmarks/demand.py --out "$(OUT)" --worlds $(or $(WORLDS),24) $(if $(FOLLOWS),--follows $(FOLLOWS))

bench-loop: setup ## five simulated years with and without measured tests fed back: OUT=... WORLDS=40 (HALF_LIFE=208)
	$(BIN)/python benchmarks/loop.py --out "$(OUT)" --worlds $(or $(WORLDS),40) $(if $(HALF_LIFE),--half-life $(HALF_LIFE))

bench-peers: setup ## the same folder with pymc-marketing, in its own environment: FOLDER=... OUT=... (minutes)
	$(BIN)/python benchmarks/peers.py --folder "$(FOLDER)" --out "$(OUT)" $(if $(TUNE),--tune $(TUNE)) $(if $(DRAWS),--draws $(DRAWS))

bench-sbc: setup ## is the sampler right: ranks of true parameters in WORLDS=200 worlds a case, OUT=...
	$(BIN)/python benchmarks/sbc.py --out "$(OUT)" --worlds $(or $(WORLDS),200)

bench-hindsight: setup ## decision backtests on WORLDS=10 worlds with known curves: is the advice good, OUT=file.ndjson
	$(BIN)/python benchmarks/hindsight.py --worlds $(or $(WORLDS),10) --first-seed $(or $(SEED),0) --out "$(OUT)"

bench-many: setup ## MODELS=1000 small national models on JOBS=2 processes: models per minute, memory
	$(BIN)/python benchmarks/many_models.py --models $(or $(MODELS),1000) --jobs $(or $(JOBS),2) $(if $(OUT),--out "$(OUT)")

bench-geos: setup ## one model of GEOS=50 geos and CHANNELS=20 channels: seconds of a fit, or (MOVING="4 8 12") how many transforms to move
	$(BIN)/python benchmarks/many_geos.py --geos $(or $(GEOS),50) --channels $(or $(CHANNELS),20) \
		$(if $(MOVING),--moving $(MOVING)) $(if $(OUT),--out "$(OUT)")

bench-judging: setup ## how often the checks of a run speak in worlds with and without what they look for: OUT=... WORLDS=12
	$(BIN)/python benchmarks/judging.py --out "$(OUT)" --worlds $(or $(WORLDS),12)

bench-staleness: setup ## how often signs of staleness speak without reason, and how soon with one: WORLDS=200 FITS=0 OUT=...
	$(BIN)/python benchmarks/staleness.py --worlds $(or $(WORLDS),200) $(if $(FITS),--fits $(FITS)) $(if $(OUT),--out "$(OUT)")

bench-bridge: setup ## planted causes of a miss against fitted curves: how often the bridge's range holds the true size: WORLDS=60 SEED=0 OUT=...
	$(BIN)/python benchmarks/bridge.py --worlds $(or $(WORLDS),60) --first-seed $(or $(SEED),0) $(if $(OUT),--out "$(OUT)")

bench-kills: setup ## builds killed with SIGKILL at random moments while they write history: KILLS=50 SEED=1
	MIXLOOP_KILLS=$(or $(KILLS),50) MIXLOOP_KILLS_SEED=$(or $(SEED),1) $(BIN)/pytest -q -k killed tests/warehouse/test_ledger.py

bench-noop: setup ## a build with nothing new against a dbt project that does nothing: MODELS=20 WEEKS=52 OUT=...
	$(BIN)/python benchmarks/noop.py --models $(or $(MODELS),20) --weeks $(or $(WEEKS),52) $(if $(OUT),--out "$(OUT)")

bench-ingest: setup ## mapping of ROWS=1000000 raw rows beside a query by hand (SOURCE=table, parquet or folder)
	$(BIN)/python benchmarks/ingest.py --rows $(or $(ROWS),1000000) --source $(or $(SOURCE),table)

lock: setup ## requirements.lock from requirements.in (needs uv from the package index)
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet uv
	$(VENV)/lock/bin/uv pip compile --no-strip-extras --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements.in -o requirements.lock

clean: ## throw away everything that a build makes, but never a history file
	rm -rf target logs .pytest_cache .ruff_cache data
	find warehouse -name '*.duckdb' ! -name '*_history.duckdb' -delete
