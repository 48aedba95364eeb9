#!/usr/bin/env bash
# What `make test` and `make test-slow` run, with the seconds each step took: pytest on two processes
# and, beside it, the other checks, one after the other, their output in one piece at their end.
#   scripts/test.sh BIN        what every change must pass; BIN is the environment's bin folder
#   scripts/test.sh BIN slow   tests that are marked slow, sqlfluff
set -euo pipefail
set -m # a lane is a process group: it ends as a whole
BIN=$1
SCRATCH=$(mktemp -d)
LANES=()
# A command of BIN with Python's search for cycles made rare: a third of sqlfluff's time, a seventh
# of dbt's, for some hundred MiB.
RARELY='import gc, runpy, sys; gc.set_threshold(100_000, 50, 100); sys.argv = sys.argv[1:]; '
RARELY+='runpy.run_path(sys.argv[0], run_name="__main__")'

stop() { # whatever still runs when this script ends, Ctrl-C included
    for lane in "${LANES[@]}"; do kill -TERM -- "-$lane" 2>/dev/null || true; done
    wait
    rm -rf "$SCRATCH"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

run() { # run NAME ARGUMENTS...
    "$BIN/python" -c "$RARELY" "$BIN/$1" "${@:2}"
}

linting() { # linting NAME ARGUMENTS...: without a warehouse
    MIXLOOP_TARGET=lint DBT_TARGET_PATH=$SCRATCH/lint run "$@"
}

step() { # step NAME COMMAND...
    local name=$1 start=$SECONDS
    shift
    printf '\n--- %s\n' "$name"
    "$@"
    printf '%6ds  %s\n' "$((SECONDS - start))" "$name" >>"$TIMES"
}

start() { # start FUNCTION: a lane with folders of its own
    # The demo client in a warehouse of its own: the tests never touch the user's files.
    mkdir "$SCRATCH/$1"
    export MIXLOOP_CLIENT=
    export MIXLOOP_WAREHOUSE=$SCRATCH/$1/mixloop_demo.duckdb
    export DBT_TARGET_PATH=$SCRATCH/$1/target
    export DBT_LOG_PATH=$SCRATCH/$1/logs
    export DBT_LOG_LEVEL_FILE=none # every statement of every build: it takes time, nobody reads it
    TIMES=$SCRATCH/$1/times
    (
        trap - EXIT INT TERM
        "$1"
    ) &
    LANES+=($!)
}

in_one_piece() { # in_one_piece COMMAND...
    local said=$SCRATCH/said
    trap 'cat "'"$said"'"' EXIT
    "$@" >"$said" 2>&1
}

pytest_on_two() { # pytest_on_two MARKED
    step "pytest" "$BIN/pytest" -m "$1" -n 2 --dist loadfile --no-loadscope-reorder
}

tests() {
    pytest_on_two "not slow"
}

slow_tests() {
    pytest_on_two "slow"
}

checks() {
    in_one_piece all_checks
}

all_checks() {
    step "ruff" "$BIN/ruff" check .
    step "ruff format" "$BIN/ruff" format --check .
    step "dbt parse, warnings are errors" linting \
        dbt --warn-error parse --no-partial-parse
    step "demo data" "$BIN/python" scripts/prepare.py
    step "dbt build from an empty file" run dbt build
    step "fingerprint" "$BIN/python" scripts/fingerprint.py --out "$SCRATCH/first.json"
    # The rows are the same: so is what the dbt tests say of them.
    step "dbt build again" run dbt build --exclude-resource-type test unit_test
    step "same rows" "$BIN/python" scripts/fingerprint.py --compare "$SCRATCH/first.json"
    # Everything was compiled just now.
    step "dbt docs" run dbt docs generate --static --no-compile
    step "requirements sheets" "$BIN/python" scripts/requirements_sheet.py
    step "summary" "$BIN/python" scripts/summary.py
}

slow_checks() {
    in_one_piece step "sqlfluff" linting sqlfluff lint models tests/dbt
}

case ${2:-} in
"")
    # Never in a list of `&&` or `||`: a step that fails would not end its lane.
    start checks
    start tests
    ;;
slow)
    start slow_checks
    start slow_tests
    ;;
*)
    echo "scripts/test.sh: the part is slow or none, not $2" >&2
    exit 2
    ;;
esac
FAILED=0
for lane in "${LANES[@]}"; do wait "$lane" || FAILED=1; done

printf '\n'
cat "$SCRATCH"/*/times || true
printf '%6ds  in all\n' "$SECONDS"
((FAILED == 0)) || printf 'FAILED: see above; the step that failed has no time here\n'
exit "$FAILED"
