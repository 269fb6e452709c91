# The two commands to know are `make demo` and `make test`; `make help` lists the rest.

CARGO ?= cargo
# Passed on to the program, for example: make demo ARGS="--seed 7 --events 100000"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test simulate bench load check format web dashboards grammar fuzz

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run the service on made-up traffic with planted frauds and see what it finds (about a minute, after the build)
	@scripts/need-compiler
	$(CARGO) build --locked --release --bin tripline --example demo
	$(CARGO) run --locked --release --quiet --example demo -- $(ARGS)

# While code is being edited, `cargo test --lib` does a part of what it does here: see src/cases.rs. The core alone does that
# part, too: it is the same code, and what it does with many cases has been seen by then.
test: export TRIPLINE_CASES ?= many
test: ## Run all tests: the service, the documentation's examples, and the core without the service
	@scripts/need-compiler
	@scripts/need-kafka
	@scripts/need-receivers >/dev/null
	$(CARGO) test --locked --lib --bins --tests --examples
	$(CARGO) test --locked --doc
	env -u TRIPLINE_CASES $(CARGO) test --locked --no-default-features --lib --tests

# Without the power that goes at every operation of the disk in turn, of which `make test` plays enough.
simulate: export TRIPLINE_CASES ?= 10000
simulate: ## Play 10,000 seeds of what loses power, fails and fills up, or TRIPLINE_CASES from TRIPLINE_SEED on; half an hour
	@scripts/need-compiler
	$(CARGO) test --locked --lib -- whatever_happens

fuzz: ## Feed made-up input to the parser, the formatter, the compiler, the decoder and stored state: make fuzz ARGS="SECONDS [TARGET]"
	@scripts/need-compiler
	scripts/fuzz $(ARGS)

bench: ## Measure how fast it is, beside the result kept before: make bench ARGS="--help"; about twenty minutes, wants a quiet machine
	@scripts/need-compiler
	$(CARGO) bench --locked --bench suite -- $(ARGS)

load: ## Put the running service under load: throughput, a stalled receiver, delay, readers of alerts; takes minutes and wants a quiet machine
	@scripts/need-compiler
	$(CARGO) bench --locked --bench live -- $(ARGS)

check: ## Check formatting and lints, as CI does
	@scripts/need-compiler
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

format: ## Format the code
	$(CARGO) fmt

web: ## Build the web page into web/dist, which the program embeds; wants Node.js
	@scripts/build-web

dashboards: ## Make the dashboards for Grafana from dashboards/source, and test them and the alerts on a real Prometheus
	@scripts/need-compiler
	@scripts/build-dashboards
	@scripts/test-dashboards

grammar: ## Check what editors colour and fold by; builds tree-sitter once (about two minutes) and wants Node.js
	@scripts/test-tree-sitter
	@scripts/test-textmate
