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

.PHONY: help setup build test lint format unit warehouse-tests docs demo lock clean bench-recovery

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
	@$(BIN)/dbt build
	@$(BIN)/python scripts/summary.py
