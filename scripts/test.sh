#!/usr/bin/env bash
# What `make test` runs, step by step, with the seconds each one took.
#   scripts/test.sh BIN      BIN is the virtual environment's bin folder
set -euo pipefail
BIN=$1
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
TIMES=""

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    printf '\n--- %s\n' "$name"
    "$@"
    TIMES+=$(printf '%6ds  %s' "$((SECONDS - start))" "$name")$'\n'
}

# The demo client in a warehouse of its own: the tests never touch the user's files.
export MIXLOOP_CLIENT=
export MIXLOOP_WAREHOUSE=$SCRATCH/mixloop_demo.duckdb
export DBT_TARGET_PATH=$SCRATCH/target
export DBT_LOG_PATH=$SCRATCH/logs
export DBT_LOG_LEVEL_FILE=none # every statement of every build: it costs time, and nobody reads it

step "ruff" "$BIN/ruff" check .
step "ruff format" "$BIN/ruff" format --check .
step "sqlfluff" env MIXLOOP_TARGET=lint "$BIN/sqlfluff" lint --processes 2 models tests/dbt
step "dbt parse, deprecations are errors" env MIXLOOP_TARGET=lint \
    "$BIN/dbt" --warn-error-options '{"error": ["Deprecations"]}' parse --no-partial-parse
step "pytest" "$BIN/pytest" -n 2 --dist loadfile --no-loadscope-reorder
step "demo data" "$BIN/python" scripts/prepare.py
step "dbt build from an empty file" "$BIN/dbt" build
step "fingerprint" "$BIN/python" scripts/fingerprint.py --out "$SCRATCH/first.json"
# The rows are the same: so is what the dbt tests say of them.
step "dbt build again" "$BIN/dbt" build --exclude-resource-type test unit_test
step "same rows" "$BIN/python" scripts/fingerprint.py --compare "$SCRATCH/first.json"
step "dbt docs" "$BIN/dbt" docs generate --static
step "requirements sheets" "$BIN/python" scripts/requirements_sheet.py
step "summary" "$BIN/python" scripts/summary.py

printf '\n%s%6ds  in all\n' "$TIMES" "$SECONDS"
