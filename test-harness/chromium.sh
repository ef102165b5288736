#!/usr/bin/env bash
# A refusal as people see it: the module in a real Envoy, and its page in a real Chromium, without a screen. The lines are
# those of cargo's tests. Where it cannot run it says `skipped:` with the reason, and counts as ignored.
#
#   ENVOY=... COUNTERSIGN_WASM=... test-harness/chromium.sh
#
# It installs nothing, listens on 127.0.0.1 only, and ends what it started. It leaves target/chromium/page.png to look at.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
suite=chromium
# shellcheck source=test-harness/report.sh
source test-harness/report.sh

work=$PWD/target/chromium
envoy_pid=''
readonly work

command -v curl >/dev/null || skip 'curl is not installed (apt-get install curl)'
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[[ -n $browser ]] || skip 'chromium is not installed (apt-get install chromium)'
: "${ENVOY:?the path of an Envoy}" "${COUNTERSIGN_WASM:?the path of the module}"

rm -rf "$work"
mkdir -p "$work"

end_all() {
  if [[ -n $envoy_pid ]]; then
    kill "$envoy_pid" 2>/dev/null || true
    wait "$envoy_pid" 2>/dev/null || true
  fi
}
trap end_all EXIT

# No one may see `/`, and everybody may see `/login`. At one host the refusal links to `/login`, at the other the browser is
# sent there.
write_bootstrap() {
  cat >"$work/envoy.yaml" <<'YAML'
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }
static_resources:
  listeners:
    - name: main
      address: { socket_address: { address: 127.0.0.1, port_value: 0 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: main
                route_config:
                  virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                        - match: { prefix: / }
                          direct_response: { status: 200, body: { inline_string: "<h1>The upstream</h1>" } }
                          response_headers_to_add:
                            - { append_action: OVERWRITE_IF_EXISTS_OR_ADD, header: { key: content-type, value: text/html } }
                http_filters:
                  - name: envoy.filters.http.wasm
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
                      config:
                        name: countersign
                        vm_config:
                          runtime: envoy.wasm.runtime.v8
                          code: { local: { filename: MODULE } }
                        configuration:
                          "@type": type.googleapis.com/google.protobuf.Struct
                          value:
                            version: 1
                            applications:
                              link:
                                hosts: [127.0.0.1]
                                sign_in: { url: /login }
                                routes: { home: { path: / }, login: { path: /login } }
                              redirect:
                                hosts: [localhost]
                                sign_in: { url: /login, redirect: true }
                                routes: { home: { path: / }, login: { path: /login } }
                            policies: |
                              @id("login")
                              permit (principal is Anonymous, action in Action::"read", resource)
                              when { context.http_request.path == "/login" };
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
YAML
  sed -i "s|MODULE|$COUNTERSIGN_WASM|" "$work/envoy.yaml"
}

start_envoy() {
  "$ENVOY" --config-path "$work/envoy.yaml" --concurrency 1 --use-dynamic-base-id --admin-address-path "$work/admin" \
    --log-level info --log-path "$work/envoy.log" >"$work/envoy.out" 2>&1 &
  envoy_pid=$!
  local _
  for _ in {1..300}; do
    port=$(curl --silent --max-time 5 "http://$(cat "$work/admin" 2>/dev/null)/listeners" | sed -n 's/^main::.*://p')
    [[ -z $port ]] || return 0
    kill -0 "$envoy_pid" 2>/dev/null || break
    sleep 0.1
  done
  complain "Envoy does not listen: $(tail -n 5 "$work/envoy.log")"
}

# Opens a page as a person does, and leaves the document as the browser has it, and what its console says.
open_page() { # NAME URL [ARGUMENT...]
  local name=$1 url=$2
  shift 2
  timeout --foreground 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run \
    --user-data-dir="$work/profile" --window-size=800,600 --enable-logging=stderr --log-level=0 "$@" "$url" \
    >"$work/$name.html" 2>"$work/$name.console" || complain "chromium failed: $(tail -n 5 "$work/$name.console")"
}

has() { # FILE TEXT...
  local file=$work/$1 text
  shift
  for text in "$@"; do
    grep --quiet --fixed-strings -- "$text" "$file" || complain "$file does not have $text" || return
  done
}

console_is_silent() { # NAME
  ! grep --ignore-case --extended-regexp 'CONSOLE|Refused to|Content Security Policy' "$work/$1.console" >&2
}

is_picture() { # FILE
  [[ $(head -c 8 "$work/$1" | od -An -tx1 | tr -d ' \n') == 89504e470d0a1a0a && $(wc -c <"$work/$1") -gt 5000 ]]
}

write_bootstrap
check 'Envoy starts' start_envoy
((failed)) && conclude
open_page link "http://127.0.0.1:$port/" --dump-dom
check 'a person reads the refusal, its code and a link to sign in' has link.html '<title>401 Unauthorized</title>' \
  '<h1>Unauthorized</h1>' 'An access token is required.' '<a href="/login">Sign in</a>' '<code>credential-missing</code>'
check 'the browser applies the style and complains about nothing' console_is_silent link
open_page picture "http://127.0.0.1:$port/" --screenshot="$work/page.png"
check 'the page can be looked at' is_picture page.png
open_page redirect "http://localhost:$port/" --dump-dom
check 'a person without a token is sent to sign in' has redirect.html '<h1>The upstream</h1>'
conclude
