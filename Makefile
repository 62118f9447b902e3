# Two commands matter: `make run` and `make test`. ARGS passes arguments on: make run ARGS="--edges 3".
.DEFAULT_GOAL := help
.PHONY: help run test bench bench-import bench-origin bench-edge prove sim soak kill-edge fuzz schemathesis conformance model lint clean-data prepare npm
SHELL := /bin/bash

# Where cargo puts what it builds: CARGO_TARGET_DIR and cargo's own settings count.
target = $(shell cargo metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
# Tools that are built once and are no part of the checkout.
tools = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vitrine/tools
say = @printf '\n== %s\n'

# cargo-nextest runs each test in a process of its own and ends hung ones; plain cargo does without.
tests = $(if $(shell command -v cargo-nextest),cargo nextest run --workspace $(NEXTEST_ARGS) $(ARGS),cargo test --workspace --no-fail-fast $(ARGS) -- --test-threads=4)

help:
	@echo "make run         install what is missing, build, start the demo shop with all it needs; Ctrl-C stops it"
	@echo "make test        the same setup, then every test"
	@echo "make bench       measure"
	@echo "make sim         the protocol's real code in a world that loses, delays and forgets, from SEEDS (20000) seeds"
	@echo "make prove       search the model, simulate, and read while everything fails (20 minutes, as root; ARGS=\"--minutes 2\" for a quick look)"
	@echo "make bench-import a bulk import of 25,000 products a minute beside visitors"
	@echo "make bench-origin our origin beside Medusa on the same data (an hour, 20 GB of disk); ARGS=\"--rounds 1 --scale 0\" for a quick look"
	@echo "make soak        ten minutes of bad clients and a bad origin; ARGS=\"--minutes 1\" for a quick look"
	@echo "make kill-edge   kill the proxy in the middle of writes to its disk, 100 times; ROUNDS=5 for a quick look"
	@echo "make bench-edge  measure the proxy beside nginx, Varnish, Traffic Server and HAProxy; ARGS=\"--quick\" only shows that it works"
	@echo "make fuzz        every fuzz target for FUZZ_MINUTES (10) each; needs a nightly compiler"
	@echo "make schemathesis requests made up by the origin's OpenAPI, each answer held against it; ARGS=\"--only ^/store/customers\" for a part"
	@echo "make conformance the public tests of HTTP caches, against the proxy; ARGS=\"--id TEST\" shows one"
	@echo "make model       search the protocol's models further than the tests do"
	@echo "make lint        style, warnings, licences"
	@echo "make clean-data  forget the demo shop"
	@echo "make prepare     after a change of SQL: write what sqlx knows of each query to .sqlx/"

run:
	@docker/install-packages.sh run
	$(say) "Building (several minutes the first time)"
	cargo build --release --workspace --bins
	$(say) "Starting"
	@"$(target)/release/vitrine" up $(ARGS)

test: npm
	@docker/install-packages.sh test
	$(say) "Building (several minutes the first time)"
	cargo build --workspace --lib --bins --tests
	$(say) "Testing"
	"$(target)/debug/vitrine" test-stack -- $(tests)

# Installs what a folder's package-lock.json names. Nothing is done when it is there.
npm_in = @cd $(1) && if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then \
  printf '\n== Fetching $(2)\n' && npm ci --no-audit --no-fund; fi

# Medusa's SDK, for the test that points it at the proxy.
npm:
	@docker/install-packages.sh test
	$(call npm_in,load-tests/js,the JavaScript SDK)

conformance:
	@docker/install-packages.sh test
	$(call npm_in,load-tests/conformance,the tests of HTTP caches)
	$(say) "Building (several minutes the first time)"
	cargo build --package vitrine-proxy
	$(say) "Testing (half a minute)"
	@node load-tests/conformance/run.mjs --proxy "$(target)/debug/vitrine-proxy" $(ARGS)

bench:
	@docker/install-packages.sh bench
	$(say) "Building (several minutes the first time)"
	cargo build --release --workspace --bins
	$(say) "Measuring"
	@"$(target)/release/vitrine" bench $(ARGS)

# A bulk import must neither flush the cache nor stall reads.
bench-import:
	@docker/install-packages.sh bench
	$(say) "Building (several minutes the first time)"
	cargo build --release --workspace --bins
	$(say) "Importing (three minutes)"
	@"$(target)/release/vitrine" bench-import $(ARGS)

# Medusa comes from npm, with a database of its own beside ours.
bench-origin:
	@docker/install-packages.sh test
	$(call npm_in,load-tests/medusa,Medusa)
	$(say) "Building (several minutes the first time)"
	cargo build --release --package vitrine-origin --package vitrine-load-tests --bins
	$(say) "Measuring (leave the machine alone)"
	@"$(target)/release/vitrine" bench-origin --json "$(target)/bench-origin.json" $(ARGS)

soak:
	@docker/install-packages.sh build
	$(say) "Building (several minutes the first time)"
	cargo build --release --package vitrine-proxy --package vitrine-load-tests --bins
	$(say) "Soaking"
	@"$(target)/release/vitrine" soak $(ARGS)

kill-edge:
	@docker/install-packages.sh build
	$(say) "Building (several minutes the first time)"
	cargo test --release --package vitrine-proxy --test kill_edge --no-run
	$(say) "Killing (some minutes)"
	@rm -f "$(target)/kill-edge"
	@KILL_EDGE_ROUNDS=$(or $(ROUNDS),100) KILL_EDGE_REPORT="$(target)/kill-edge" \
	  cargo test --quiet --release --package vitrine-proxy --test kill_edge -- --nocapture; \
	  status=$$?; [ ! -f "$(target)/kill-edge" ] || cat "$(target)/kill-edge"; exit $$status

# As far as eight gigabytes of memory go; `prove` searches the larger part of it.
model:
	@docker/install-packages.sh build
	MODEL_BOUND=huge cargo test --release --package vitrine-shared --test model -- --nocapture $(ARGS)

# Only the two programs that take part are built.
bench-edge:
	@docker/install-packages.sh bench
	$(say) "Building (several minutes the first time)"
	cargo build --release --package vitrine-proxy --package vitrine-load-tests --bins
	$(say) "Measuring (half an hour; leave the machine alone)"
	@"$(target)/release/vitrine" bench-edge --json "$(target)/bench-edge.json" $(ARGS)

# A failing seed names itself: SIM_SEED=N tells what happened in it.
sim:
	@docker/install-packages.sh build
	$(say) "Building (several minutes the first time)"
	cargo test --release --package vitrine-proxy --test simulation --no-run
	$(say) "Simulating"
	@SIM_SEEDS=$(or $(SEEDS),20000) cargo test --quiet --release --package vitrine-proxy --test simulation no_seed -- --nocapture

# The model, the simulation, and the history checker on the real programs. The first two tell what they did in lines of their own,
# which the last one repeats in its report.
prove:
	@docker/install-packages.sh prove
	$(say) "Building (several minutes the first time)"
	cargo build --release --package vitrine-proxy --package vitrine-origin --package vitrine-load-tests --bins
	cargo test --release --package vitrine-shared --test model --no-run
	cargo test --release --package vitrine-proxy --test simulation --no-run
	$(say) "Searching the model"
	@set -o pipefail; MODEL_BOUND=large cargo test --quiet --release --package vitrine-shared --test model -- --nocapture | tee "$(target)/prove.txt"
	$(say) "Simulating"
	@set -o pipefail; SIM_SEEDS=$(or $(SEEDS),2000) cargo test --quiet --release --package vitrine-proxy --test simulation no_seed -- --nocapture | tee -a "$(target)/prove.txt"
	$(say) "Proving on the real programs"
	@"$(target)/release/vitrine" prove --folder "$(target)/prove" --proofs "$(target)/prove.txt" $(ARGS)

# Inputs that nobody thought of, against properties that must hold. Each target runs for FUZZ_MINUTES.
fuzz: $(tools)/bin/cargo-fuzz
	@docker/install-packages.sh build
	@PATH="$(tools)/bin:$$PATH" CARGO_TARGET_DIR="$(target)" fuzz/run.sh $(ARGS)

# Requests that nobody thought of, made up by what the origin says of itself.
schemathesis: $(tools)/schemathesis/bin/schemathesis
	@docker/install-packages.sh run
	$(say) "Building (several minutes the first time)"
	cargo build --package vitrine-origin --package vitrine-load-tests --bins
	$(say) "Making requests up (some minutes)"
	@"$(target)/debug/vitrine" schemathesis --program "$(tools)/schemathesis/bin/schemathesis" $(ARGS)

$(tools)/schemathesis/bin/schemathesis:
	@docker/install-packages.sh schemathesis
	$(say) "Fetching schemathesis"
	@python3 -m venv "$(tools)/schemathesis"
	@"$(tools)/schemathesis/bin/pip" install --quiet schemathesis==4.32.5

lint: $(tools)/bin/cargo-deny
	@docker/install-packages.sh build
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@# No member of the workspace, and so looked at by itself.
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	RUSTFLAGS="--cfg fuzzing" cargo clippy --manifest-path fuzz/Cargo.toml --target-dir "$(target)" --locked -- -D warnings
	"$(tools)/bin/cargo-deny" check --hide-inclusion-graph bans licenses sources
	@# The list of advisories is fetched each time; without a network the other checks still count.
	@if "$(tools)/bin/cargo-deny" fetch db; then "$(tools)/bin/cargo-deny" --offline check advisories; \
	  else echo "lint: advisories not checked: their list could not be fetched"; fi

$(tools)/bin/cargo-deny:
	$(say) "Building cargo-deny (once, several minutes)"
	@if command -v cargo-deny >/dev/null; then mkdir -p "$(tools)/bin" && ln -sf "$$(command -v cargo-deny)" "$@"; \
	  else cargo install --locked --root "$(tools)" cargo-deny --version 0.20.2; fi

$(tools)/bin/cargo-fuzz:
	$(say) "Building cargo-fuzz (once, a minute)"
	@if command -v cargo-fuzz >/dev/null; then mkdir -p "$(tools)/bin" && ln -sf "$$(command -v cargo-fuzz)" "$@"; \
	  else cargo install --locked --root "$(tools)" cargo-fuzz --version 0.13.2; fi

clean-data:
	@docker/install-packages.sh build
	@cargo run --quiet --package vitrine-load-tests --bin vitrine -- clean-data $(ARGS)

# sqlx checks queries when the origin is compiled: against a database here, against .sqlx/ everywhere else.
# The migrations are applied by the launcher, since the origin may not compile before this is done.
prepare:
	@docker/install-packages.sh run
	cargo build --package vitrine-load-tests --bin vitrine
	@rm -rf "$(target)/sqlx" && mkdir -p "$(target)/sqlx"
	@# A query is looked at only when its file is compiled.
	@find origin -name '*.rs' -exec touch {} +
	"$(target)/debug/vitrine" test-stack --migrations migrations -- \
	  env SQLX_OFFLINE=false SQLX_OFFLINE_DIR="$(target)/sqlx" cargo check --package vitrine-origin --all-targets
	@rm -rf .sqlx && mkdir .sqlx && find "$(target)/sqlx" -name 'query-*.json' -exec cp {} .sqlx/ \;
	@echo "prepare: $$(ls .sqlx | wc -l) queries in .sqlx/; commit them"
