#!/usr/bin/env bash
# The set-up in containers as a person tries it: `./build.sh up`, the requests that it prints, `logs`, `down`, and nothing is
# left. Its lines are those of cargo's tests. Where it cannot run it says `skipped:` with the reason, and counts as ignored.
#
# It takes the project's own name and ports, because these are tested: one run at a time, and none while a set-up
# is in use.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
suite=containers
# shellcheck source=test-harness/report.sh
source test-harness/report.sh

image=$(sed -n 's/^ *image: *//p' envoy/compose.yaml)
work=target/containers
readonly image work
rm -rf "$work"
mkdir -p "$work"

# What Docker has of the set-up, an id a line, whoever made it.
of_project() { # KIND
  case $1 in
  containers) docker ps --all --quiet --filter label=com.docker.compose.project=countersign ;;
  networks) docker network ls --quiet --filter label=com.docker.compose.project=countersign ;;
  volumes) docker volume ls --quiet --filter label=com.docker.compose.project=countersign ;;
  images) docker image ls --all --quiet --filter label=countersign ;;
  esac
}

# `--foreground` keeps what is run in this process group: a signal to the group ends it too.
up() { timeout --foreground 1200 ./build.sh up >"$work/up" 2>"$work/up.err" || complain "$(cat "$work/up.err")"; }

prints_three_requests() { [[ $(grep -c '^curl ' "$work/up") == 3 ]]; }

# Sends the request of this line as it is printed, and looks for the status and for texts in head or body.
is_answered() { # NUMBER STATUS TEXT...
  local line answer=$work/answer-$1 status=$2 text
  line=$(grep '^curl ' "$work/up" | sed -n "$1p")
  timeout --foreground 20 bash -c "$line" >"$answer" 2>/dev/null || true
  shift 2
  for text in "HTTP/1.1 $status" "$@"; do
    grep --quiet --fixed-strings "$text" "$answer" || complain "$answer does not have $text" || return
  done
}

is_logged() {
  local id
  id=$(sed -n 's/.*"decision_id":"\([0-9a-f]*\)".*/\1/p' "$work/answer-2")
  [[ -n $id ]] || return 1
  for _ in {1..20}; do # Envoy writes its log a moment later
    if [[ $(timeout --foreground 60 ./build.sh logs 2>/dev/null) == *"$id"* ]]; then return; fi
    sleep 0.5
  done
  return 1
}

# What Docker says of both containers, by a Go template.
inspect() { # FORMAT
  local containers
  mapfile -t containers < <(of_project containers)
  docker inspect --format "$1" "${containers[@]}" | sed '/^$/d' | sort
}

# User, file system, capabilities, privileges, health, and the mounts that can be written to.
are_confined() {
  local found confined='65532:65532 true [ALL] [] [no-new-privileges:true] false healthy'
  found=$(inspect '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Privileged}} {{.State.Health.Status}}{{range .Mounts}}{{if .RW}} {{.Destination}}{{end}}{{end}}')
  [[ $found == "$confined"$'\n'"$confined" ]] || complain "$found"
}

are_on_loopback_only() {
  local found
  found=$(inspect '{{range .HostConfig.PortBindings}}{{range .}}{{.HostIp}}:{{.HostPort}}{{"\n"}}{{end}}{{end}}')
  [[ $found == $'127.0.0.1:10000\n127.0.0.1:8081\n127.0.0.1:8082' ]] || complain "$found"
}

down() { timeout --foreground 300 ./build.sh down >"$work/down" 2>&1 || complain "$(cat "$work/down")"; }

nothing_is_left() {
  local kind left
  for kind in containers networks volumes images; do
    left=$(of_project "$kind")
    [[ -z $left ]] || complain "$kind: $left" || return
  done
  [[ ! -e target/compose ]]
}

[[ $(uname) == Linux ]] || skip 'the services are built as a static Linux program'
docker info >/dev/null 2>&1 || skip 'no Docker engine'
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || skip 'neither docker compose nor docker-compose'
[[ -z $(of_project containers) ]] || skip 'the set-up is already running and may be in use; ./build.sh down stops it'
docker image inspect "$image" >/dev/null 2>&1 || timeout --foreground 300 docker pull --quiet "$image" >/dev/null 2>&1 ||
  skip "no image $image, and it cannot be pulled"

# Where the run is interrupted, what it started goes as well. Nobody may be there any more to read what is said, and a
# container that was on its way may come after the first `down`.
clear_away() {
  for _ in 1 2 3; do
    down || true
    if nothing_is_left; then break; fi
  done >/dev/null 2>&1
}
trap clear_away EXIT
check 'up starts it and waits until it answers' up
if ((failed == 0)); then
  check 'up prints three requests' prints_three_requests
  check 'the first goes on, with the identity that was verified' is_answered 1 200 '["x-countersign-principal","corp::User::\"alice\""]'
  check 'the second is refused with advice' is_answered 2 403 '"code":"not-permitted"' '"advice":"'
  check 'the third is refused for its posture' is_answered 3 401 '"code":"posture-refused"'
  check 'logs has the decision' is_logged
  check 'no container may do more than it must' are_confined
  check 'ports are open on loopback only' are_on_loopback_only
fi
check 'down takes it away' down
check 'nothing is left' nothing_is_left
trap - EXIT

conclude
