# The lines of the tests that are scripts, in the form of cargo's. To be sourced, after `suite` was set to the name of the
# tests.
# shellcheck shell=bash

passed=0 failed=0

closing_line() { # WORD IGNORED
  printf '\ntest result: %s. %d passed; %d failed; %d ignored; 0 measured; 0 filtered out\n' "$1" "$passed" "$failed" "$2"
}

skip() { # REASON
  printf 'test %s ... ignored\nskipped: %s\n' "${suite:?}" "$1"
  closing_line ok 1
  exit 0
}

check() { # WHAT COMMAND [ARGUMENT...]
  local what=$1
  shift
  if "$@"; then
    printf 'test %s: %s ... ok\n' "${suite:?}" "$what"
    passed=$((passed + 1))
  else
    printf 'test %s: %s ... FAILED\n' "${suite:?}" "$what"
    failed=$((failed + 1))
  fi
}

complain() { # TEXT
  printf '%s\n' "$1" >&2
  return 1
}

# Ends the script: with success if no check failed.
conclude() {
  if ((failed)); then
    closing_line FAILED 0
    exit 1
  fi
  closing_line ok 0
}
