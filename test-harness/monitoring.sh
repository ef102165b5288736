#!/usr/bin/env bash
# The alert rules and the dashboard in envoy/monitoring, as Prometheus's own tool reads them. The lines are those of cargo's
# tests. Where it cannot run it says `skipped:` with the reason, and counts as ignored.
#
#   test-harness/monitoring.sh
#
# It installs nothing and starts no server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
suite=monitoring
# shellcheck source=test-harness/report.sh
source test-harness/report.sh

work=$PWD/target/monitoring
readonly work

command -v promtool >/dev/null || skip 'promtool is not installed (apt-get install prometheus)'
command -v python3 >/dev/null || skip 'python3 is not installed (apt-get install python3)'
mkdir -p "$work"

rules_are_valid() { promtool check rules envoy/monitoring/alerts.yaml >"$work/check.txt" 2>&1 || complain "$(<"$work/check.txt")"; }

rules_fire() { promtool test rules envoy/monitoring/alerts.test.yaml >"$work/test.txt" 2>&1 || complain "$(<"$work/test.txt")"; }

# Each expression of the dashboard as a rule that records it: promtool reads expressions in rules only. Grafana replaces
# the variable by a length of time.
dashboard_is_valid() {
  python3 - envoy/monitoring/dashboard.json >"$work/dashboard.yaml" <<'PYTHON' || return
import json, sys

panels = json.load(open(sys.argv[1], encoding="utf-8"))["panels"]
expressions = [target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel["targets"]]
rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions)]
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
PYTHON
  promtool check rules "$work/dashboard.yaml" >"$work/dashboard.txt" 2>&1 || complain "$(<"$work/dashboard.txt")"
}

check 'Prometheus reads the alert rules' rules_are_valid
check 'each alert fires when it should, and only then' rules_fire
check 'Prometheus reads each expression of the dashboard' dashboard_is_valid
conclude
