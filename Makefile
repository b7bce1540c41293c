# Sluicegate. `make` lists what there is to do.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# What is expensive to get lives here, outside the work tree: Kubernetes, Python and cargo tools.
SLUICEGATE_CACHE ?= $(HOME)/.cache/sluicegate
export SLUICEGATE_CACHE
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/local/go/bin

BUILT := $(or $(CARGO_TARGET_DIR),target)/debug
PYTHON := $(SLUICEGATE_CACHE)/python
CARGO_DENY := 0.20.2
CARGO_TOOLS := $(SLUICEGATE_CACHE)/cargo-deny-$(CARGO_DENY)
REQUIREMENTS := tests/tools-requirements.txt $(wildcard emulator/tests/requirements.txt)
CRD := crds/flinkapplications.yaml

# The workspace is compiled by clippy's compiler, whatever it is compiled for: the lints look on while programs and tests are
# built, where `cargo clippy` would read all dependencies and the workspace once more (108 s beside 101 s for all tests).
# CLIPPY_ARGS is how cargo-clippy hands its arguments to that compiler. It optimises less, so what is released or measured is
# compiled without it.
export RUSTC_WORKSPACE_WRAPPER := clippy-driver
export CLIPPY_ARGS := -D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__

RELEASED := env -u RUSTC_WORKSPACE_WRAPPER -u CLIPPY_ARGS

# How many tests on the real API server run at a time.
SCENES := 16

say = @printf '\033[1m==> %s\033[0m\n' "$(1)"

.PHONY: help
help: ## List what there is to do
	@echo "Sluicegate: a Kubernetes operator for Amazon Managed Service for Apache Flink"
	@echo
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'
	@echo
	@.ci/needs && echo "This machine has everything that is needed."

.PHONY: demo play
demo: small-cluster ## Show the main job on a real API server and the emulated service (a minute and a half)
play: small-cluster ## Start all of that for you to play with, until Ctrl-C
demo play:
	$(call say,Building both programs and the $@)
	@cargo build --workspace --bins --example $@ --locked
	$(call say,Starting the $@)
	@exec setpriv --pdeathsig TERM $(BUILT)/examples/$@

# How long the proof is meant to take, in minutes: with the dependencies compiled, and from empty caches.
WARM := 15
COLD := 35
# Empty while something is still to be built that is built once.
BUILT_ONCE := $(and $(wildcard $(SLUICEGATE_CACHE)/kubernetes-*/bin/kubectl),$(wildcard $(BUILT)/deps/libkube_client-*.rlib))
QUICK := --lib --bins --test architecture --test manifests --test process --test service --test wire
PART := $(MAKE) --no-print-directory

.PHONY: test
test: needs ## Prove everything: the checks, then all tests on the real parts
	@tests/proof/parts.sh $(if $(BUILT_ONCE),$(WARM),$(COLD)) \
		"Format and spelling" "$(PART) tools format spelling" \
		"Kubernetes binaries" "$(PART) cluster" \
		"Programs, tests and lints" "$(PART) lint" \
		"Generated CRD" "$(PART) compare" \
		"Quick tests" "cargo test --workspace --locked $(QUICK)" \
		"Simulation" "cargo test --workspace --locked --test converges -- --nocapture" \
		"Real API server" "cargo test --workspace --locked --test end_to_end -- --test-threads=$(SCENES)"

.PHONY: soak
soak: needs ## Play at least 20,000 histories and every fault of every story; goes on where it was ended
	@tests/proof/soak.sh $(HISTORIES)

.PHONY: shadow
shadow: needs ## Decide everything with the planner of BEFORE=COMMIT too, in unit tests, stories and histories, and compare
	@tests/proof/shadow.sh $(or $(BEFORE),HEAD)
	$(call say,Comparing the planners while the planner of the work tree is heeded)
	@cargo test --workspace --locked --features shadow --lib --test converges
	$(call say,Comparing the planners while the other one is heeded)
	@SLUICEGATE_SHADOW=before cargo test --workspace --locked --features shadow --test converges

.PHONY: bench
bench: needs cluster ## Measure rollbacks, loops and fleets of up to 10,000 applications (about two hours)
	$(call say,Building the programs as they are released)
	@$(RELEASED) cargo build --workspace --bins --benches --locked --release
	$(call say,Measuring how fast a bad release is undone)
	@$(RELEASED) cargo bench --workspace --locked --bench rollback
	$(call say,Measuring how fast a loop of a proven job is told)
	@$(RELEASED) cargo bench --workspace --locked --bench loops
	$(call say,Measuring what fleets cost)
	@SLUICEGATE_BENCH_PLOT=1 $(RELEASED) cargo bench --workspace --locked --bench fleet

.PHONY: check
check: needs tools format lint deny spelling drift ## Check formatting, lints, licences, spelling and the generated CRD

.PHONY: crd
crd: build ## Write crds/flinkapplications.yaml anew from the Rust types
	$(call say,Writing $(CRD))
	@mkdir -p crds && $(BUILT)/sluicegate crd > $(CRD).partial && mv $(CRD).partial $(CRD)

.PHONY: cluster
cluster: needs ## Provide the Kubernetes binaries of the test cluster (built once, four to six minutes)
	$(call say,Providing the Kubernetes binaries of the test cluster)
	@tests/cluster/build.sh

.PHONY: tools
tools: needs ## Provide the Python tools: the AWS clients of the tests, the spelling checker
	$(call say,Providing the Python tools)
	@digest=$$(cat $(REQUIREMENTS) | sha256sum | cut -c 1-12); \
	if [ -e "$(PYTHON)/.installed-$$digest" ]; then echo "The Python tools are in $(PYTHON)."; exit 0; fi; \
	echo "Installing $(REQUIREMENTS) into $(PYTHON), once."; \
	python3 -m venv --clear "$(PYTHON)"; \
	"$(PYTHON)/bin/python" -m pip install --quiet --disable-pip-version-check $(addprefix -r ,$(REQUIREMENTS)); \
	touch "$(PYTHON)/.installed-$$digest"

# With the examples, so that the tests take over what is built here: their features are the same.
.PHONY: build
build: needs ## Build both programs and the examples
	$(call say,Building both programs and the examples)
	@cargo build --workspace --bins --examples --locked

.PHONY: image
image: ## Build the container image with buildah
	@.ci/needs image
	$(call say,Building the image $(IMAGE))
	@$(RELEASED) deploy/image/build.sh $(IMAGE)

.PHONY: clean
clean: ## Remove what was built in the work tree; the cache stays
	$(call say,Removing target (the cache stays in $(SLUICEGATE_CACHE)))
	@cargo clean --quiet

.PHONY: advisories
advisories: needs $(CARGO_TOOLS)/bin/cargo-deny ## Compare the dependencies with the advisory database (needs the network)
	$(call say,Comparing the dependencies with the advisory database)
	@"$(CARGO_TOOLS)/bin/cargo-deny" --workspace check advisories

# Steps of the targets above.
.PHONY: needs small-cluster format lint deny spelling drift compare
needs:
	@.ci/needs

small-cluster:
	@.ci/needs demo
	$(call say,Providing the Kubernetes binaries of the demo)
	@tests/cluster/build.sh etcd kube-apiserver kubectl

format:
	$(call say,Checking the formatting)
	@cargo fmt --all --check

lint:
	$(call say,Building all programs and tests with the lints)
	@cargo test --workspace --locked --no-run
	@cargo build --workspace --benches --locked

deny: $(CARGO_TOOLS)/bin/cargo-deny
	$(call say,Checking licences and sources of the dependencies)
	@"$(CARGO_TOOLS)/bin/cargo-deny" --workspace check bans licenses sources

spelling:
	$(call say,Checking the spelling)
	@"$(PYTHON)/bin/typos"

drift: build compare

compare:
	$(call say,Comparing $(CRD) with the Rust types)
	@$(BUILT)/sluicegate crd | diff -u $(CRD) - || \
		{ echo "$(CRD) is not what the Rust types say; run: make crd" >&2; exit 1; }

$(CARGO_TOOLS)/bin/cargo-deny:
	$(call say,Building cargo-deny $(CARGO_DENY) once (some minutes))
	@cargo install --quiet --locked --root "$(CARGO_TOOLS)" cargo-deny@$(CARGO_DENY)
