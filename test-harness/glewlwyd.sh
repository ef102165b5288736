#!/usr/bin/env bash
# A real identity provider that no one here wrote, in front of the module in a real Envoy: Glewlwyd, a Debian package
# (`apt-get install glewlwyd`), run unattended from an empty folder. Its tokens come from its own grants. The lines are those
# of cargo's tests. Where it cannot run it says `skipped:` with the reason, and counts as ignored.
#
#   ENVOY=... COUNTERSIGN_WASM=... COUNTERSIGN_BIN=... test-harness/glewlwyd.sh
#
# It installs nothing, listens on 127.0.0.1 only, and ends what it started.
# shellcheck disable=SC2016 # the details of refusals have backquotes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
suite=glewlwyd
# shellcheck source=test-harness/report.sh
source test-harness/report.sh

work=$PWD/target/glewlwyd
schema=/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3
modules=/usr/lib/glewlwyd
envoy_pid='' browser_envoy_pid='' provider_pid=''
readonly work schema modules

for program in glewlwyd sqlite3 openssl curl jq; do
  command -v "$program" >/dev/null || skip "$program is not installed (apt-get install glewlwyd sqlite3 openssl curl jq)"
done
[[ -r $schema ]] || skip "glewlwyd's schema for sqlite3 is not at $schema"
: "${ENVOY:?the path of an Envoy}" "${COUNTERSIGN_WASM:?the path of the module}" "${COUNTERSIGN_BIN:?the path of the command}"

rm -rf "$work"
mkdir -p "$work"

end_all() {
  local pid
  for pid in $envoy_pid $browser_envoy_pid $provider_pid; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap end_all EXIT

# So many neighbouring ports that nothing listens on. Drawn one by one, two could be the same.
free_ports() { # COUNT
  local first port
  while true; do
    first=$((20000 + RANDOM % 10000))
    for ((port = first; port < first + $1; port++)); do
      if (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    seq --separator=' ' "$first" $((first + $1 - 1))
    return
  done
}

# await_listener <port> <id of the Envoy> <its log>: returns once the port accepts a connection.
await_listener() {
  for _ in {1..300}; do
    if (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  complain "Envoy does not listen on port $1: $(tail -n 5 "$3")"
}

# --- the provider ------------------------------------------------------------------------------------------------------

make_certificates() {
  local ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes) key
  openssl req -x509 "${ec[@]}" -keyout ca.key -out ca.pem -days 2 -subj '/CN=test ca' -addext basicConstraints=critical,CA:TRUE
  openssl req "${ec[@]}" -keyout server.key -out server.csr -subj /CN=localhost
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem \
    -extfile <(echo subjectAltName=DNS:localhost)
  openssl req "${ec[@]}" -keyout tls.key -out tls.csr -subj /CN=shop.test
  openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out tls.crt \
    -extfile <(echo subjectAltName=DNS:shop.test)
  for key in client other; do
    openssl req "${ec[@]}" -keyout "$key.key" -out "$key.csr" -subj "/CN=$key.test"
    openssl x509 -req -in "$key.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$key.pem" \
      -extfile <(echo "subjectAltName=DNS:$key.test")
  done
  for key in k1 k2; do
    openssl genrsa -out "$key.key" 2048
    openssl rsa -in "$key.key" -pubout -out "$key.pub"
  done
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out dpop.key
}

provider_curl() { curl --silent --show-error --max-time 10 --cacert "$work/ca.pem" "$@"; }

api() { # METHOD PATH [CURL-ARGUMENT...]
  local method=$1 path=$2
  shift 2
  provider_curl --fail -b "$work/admin.jar" -c "$work/admin.jar" -H content-type:application/json -X "$method" "$provider/$path" "$@"
}

start_provider() {
  cat >"$work/glewlwyd.conf" <<C
port=$provider_port
bind_address="127.0.0.1"
external_url="https://localhost:$provider_port"
login_url="login.html"
api_prefix="api"
cookie_domain="localhost"
cookie_secure=0
log_mode="file"
log_level="INFO"
log_file="$work/glewlwyd.log"
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="$modules/user"
user_middleware_module_path="$modules/user_middleware"
client_module_path="$modules/client"
user_auth_scheme_module_path="$modules/scheme"
plugin_module_path="$modules/plugin"
use_secure_connection=true
secure_connection_key_file="$work/server.key"
secure_connection_pem_file="$work/server.pem"
secure_connection_ca_file="$work/ca.pem"
hash_algorithm="SHA512"
database={ type="sqlite3" path="$work/glewlwyd.db" };
C
  sqlite3 "$work/glewlwyd.db" <"$schema"
  glewlwyd --config-file="$work/glewlwyd.conf" >"$work/glewlwyd.out" 2>&1 &
  provider_pid=$!
  for _ in {1..50}; do
    if provider_curl -o /dev/null "$provider/" 2>/dev/null; then return; fi
    sleep 0.1
  done
  complain "glewlwyd does not answer: $(tail -n 5 "$work/glewlwyd.out")"
}

configure_provider() {
  local scopes='["openid","orders.read"]'
  api POST auth/ -d '{"username":"admin","password":"password"}'
  api POST scope/ -d '{"name":"orders.read","display_name":"orders.read","password_required":false,"scheme":{}}'
  api POST user/ -d '{"username":"alice","name":"alice","email":"alice@corp.test","password":"password","scope":'"$scopes"',"enabled":true}'
  api POST client/ -d '{"client_id":"web","name":"web","confidential":true,"client_secret":"websecret","password":"websecret","enabled":true,
    "redirect_uri":["https://shop.test/callback","https://shop.test/oauth2/callback"],"authorization_type":["code","password","client_credentials"],
    "token_endpoint_auth_method":["client_secret_basic"],"scope":["orders.read"],"resource":["https://shop.test"]}'
  # It proves itself to the provider with its certificate (RFC 8705 section 2.1), and its tokens are bound to that (section 3).
  api POST client/ -d '{"client_id":"mutual","name":"mutual","confidential":true,"enabled":true,"authorization_type":["client_credentials"],
    "token_endpoint_auth_method":["tls_client_auth"],"tls_client_auth_san_dns":"client.test","scope":["orders.read"],"resource":["https://shop.test"]}'
  jq -n --rawfile k "$work/k1.key" --rawfile c "$work/k1.pub" --arg iss "$issuer" --argjson scopes "$scopes" '{module: "oidc",
    name: "oidc", display_name: "OIDC", order_rank: 0, readonly: false, parameters: {iss: $iss, "subject-type": "public",
    "jwt-type": "rsa", "jwt-key-size": "256", key: $k, cert: $c, "jwks-show": true, "jwks-x5c": [],
    "access-token-duration": 3600, "refresh-token-duration": 86400, "code-duration": 600, "allow-non-oidc": true,
    "auth-type-code-enabled": true, "auth-type-password-enabled": true, "auth-type-client-enabled": true, "pkce-allowed": true, scopes: $scopes,
    "oauth-dpop-allowed": true, "oauth-dpop-iat-duration": 60, "client-cert-source": "TLS", "resource-allowed": true, "resource-client-property": "resource",
    "resource-scope": {"orders.read": ["https://shop.test"]}}}' >"$work/plugin.json"
  api POST mod/plugin/ -d "@$work/plugin.json"
}

# From now on only this key signs, and only its public half is published.
rotate_to() { # KEY
  api GET mod/plugin/oidc | jq -c --rawfile k "$work/$1.key" --rawfile c "$work/$1.pub" '.parameters += {key: $k, cert: $c}' \
    >"$work/rotated.json"
  api PUT mod/plugin/oidc -d "@$work/rotated.json" && api PUT mod/plugin/oidc/reset
}

# --- grants ------------------------------------------------------------------------------------------------------------

grant() { # CURL-ARGUMENT...
  provider_curl --fail -u web:websecret "$issuer/token" "$@"
}

by_client_credentials() {
  grant -d grant_type=client_credentials -d scope=orders.read -d resource=https://shop.test | jq -er .access_token
}

# Bound to the key of the proof (RFC 9449 section 5).
by_client_credentials_with_proof() {
  grant -H "DPoP: $(proof POST "$issuer/token")" -d grant_type=client_credentials -d scope=orders.read -d resource=https://shop.test |
    jq -er .access_token
}

# Bound to the certificate of the client (RFC 8705 section 3).
by_client_credentials_with_certificate() {
  provider_curl --fail --cert "$work/client.pem" --key "$work/client.key" "$issuer/token" -d client_id=mutual \
    -d grant_type=client_credentials -d scope=orders.read -d resource=https://shop.test | jq -er .access_token
}

by_password() { grant -d grant_type=password -d username=alice -d password=password -d 'scope=openid orders.read'; }

# Login, consent, code.
by_code() {
  local jar=$work/alice.jar code
  provider_curl --fail -c "$jar" -H content-type:application/json "$provider/auth/" -d '{"username":"alice","password":"password"}'
  provider_curl --fail -b "$jar" -X PUT -H content-type:application/json "$provider/auth/grant/web/" -d '{"scope":"openid orders.read"}'
  code=$(provider_curl -b "$jar" -o /dev/null -w '%{redirect_url}' -G "$issuer/auth" -d response_type=code -d client_id=web \
    -d redirect_uri=https://shop.test/callback --data-urlencode 'scope=openid orders.read' -d resource=https://shop.test \
    -d nonce=n-0S6 -d state=s -d g_continue | sed -n 's/.*[?&]code=\([^&]*\).*/\1/p')
  grant -d grant_type=authorization_code -d "code=$code" -d redirect_uri=https://shop.test/callback
}

# --- Envoy -------------------------------------------------------------------------------------------------------------

# Three configurations: people by ID token and software by access token; one that takes ID tokens for access tokens if it can;
# and one over mutual TLS, for tokens that are bound to the certificate.
start_envoy() {
  jq -n --arg iss "$issuer" --arg wasm "$COUNTERSIGN_WASM" --arg ca "$work/ca.pem" --arg work "$work" \
    --argjson provider "$provider_port" --argjson two "$two_port" --argjson alike "$alike_port" --argjson mutual "$mutual_port" --argjson upstream "$upstream_port" '
    def type($name): {"@type": "type.googleapis.com/\($name)"};
    {discovery: true, cluster: "login", refetch_interval: "1s"} as $keys |
    {shop: {hosts: ["shop.test"], routes: {orders: {path: "/orders"}}}} as $applications |
    def issuer($own): {issuer: $iss, keys: $keys} + $own;
    def listener($name; $port; $plugin): {name: $name, address: {socket_address: {address: "127.0.0.1", port_value: $port}},
      filter_chains: [{filters: [{name: "http", typed_config: (type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager") + {
        stat_prefix: $name, use_remote_address: true, normalize_path: false, path_with_escaped_slashes_action: "KEEP_UNCHANGED",
        stream_idle_timeout: "60s",
        access_log: [{name: "stdout", typed_config: (type("envoy.extensions.access_loggers.stream.v3.StdoutAccessLog") + {
          log_format: {text_format_source: {inline_string: "%FILTER_STATE(wasm.countersign.decision:PLAIN)%\n"}}})}],
        http_filters: [
          {name: "countersign", typed_config: (type("envoy.extensions.filters.http.wasm.v3.Wasm") + {config: {name: $name,
            failure_policy: "FAIL_RELOAD", vm_config: {vm_id: "countersign", runtime: "envoy.wasm.runtime.v8", code: {local: {filename: $wasm}}},
            configuration: (type("google.protobuf.Struct") + {value: ({version: 1, applications: $applications} + $plugin)})}})},
          {name: "guard", typed_config: (type("envoy.extensions.filters.http.rbac.v3.RBAC") + {rules: {action: "ALLOW", policies: {countersign: {
            permissions: [{any: true}], principals: [{filter_state: {key: "wasm.countersign", string_match: {exact: "allow"}}}]}}}})},
          {name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router")}],
        route_config: {virtual_hosts: [{name: "main", domains: ["*"], routes: [{match: {prefix: "/"}, direct_response: {status: 200}}]}]}})}]}]};
    # The application behind the example for browsers: it answers with the cookies that it received.
    def application: {name: "upstream", address: {socket_address: {address: "127.0.0.1", port_value: $upstream}},
      filter_chains: [{filters: [{name: "http", typed_config: (type("envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager") + {
        stat_prefix: "upstream", http_filters: [{name: "router", typed_config: type("envoy.extensions.filters.http.router.v3.Router")}],
        route_config: {virtual_hosts: [{name: "main", domains: ["*"],
          response_headers_to_add: [{header: {key: "x-received-cookies", value: "%REQ(cookie)%"}},
            {header: {key: "x-received-principal", value: "%REQ(x-countersign-principal)%"}}],
          routes: [{match: {prefix: "/"}, direct_response: {status: 200}}]}]}})}]}]};
    {static_resources: {listeners: [application,
      listener("two"; $two; {issuers: {
          people: issuer({token: "id", typ: ["JWT"], audiences: ["web"], principal: {id: "sub"}}),
          software: issuer({typ: ["at+jwt"], audiences: ["https://shop.test"], principal: {type: "Service", id: "client_id"},
            dpop: {external_scheme: "http"}})},
        policies: "@id(\"people\") permit (principal is people::User, action, resource); @id(\"software\") permit (principal == software::Service::\"web\", action, resource);"}),
      listener("alike"; $alike; {issuers: {corp: issuer({typ: ["JWT"], audiences: ["web"], principal: {id: "sub"}})},
        policies: "@id(\"all\") permit (principal is corp::User, action, resource);"}),
      # TLS of the clients ends here, and each must have a certificate of the CA.
      (listener("mutual"; $mutual; {peer: {from: "tls"}, issuers: {software: issuer({typ: ["at+jwt"], audiences: ["https://shop.test"],
          principal: {type: "Service", id: "client_id"}, sender_constraint: "mtls"})},
        policies: "@id(\"bound\") permit (principal == software::Service::\"mutual\", action, resource) when { context.credential.bound_by == \"certificate\" };"}) |
      .filter_chains[0].transport_socket = {name: "tls", typed_config: (type("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext") + {
        require_client_certificate: true, common_tls_context: {validation_context: {trusted_ca: {filename: $ca}},
          tls_certificates: [{certificate_chain: {filename: "\($work)/tls.crt"}, private_key: {filename: "\($work)/tls.key"}}]}})})],
      clusters: [{name: "login", type: "STRICT_DNS", connect_timeout: "2s", dns_lookup_family: "V4_ONLY",
        load_assignment: {cluster_name: "login", endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: "localhost", port_value: $provider}}}}]}]},
        transport_socket: {name: "tls", typed_config: (type("envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext") + {sni: "localhost",
          common_tls_context: {validation_context: {trusted_ca: {filename: $ca},
            match_typed_subject_alt_names: [{san_type: "DNS", matcher: {exact: "localhost"}}]}}})}}]}}' >"$work/envoy.json"
  "$ENVOY" --config-path "$work/envoy.json" --concurrency 1 --disable-hot-restart --log-level warning \
    --file-flush-interval-msec 20 >"$work/access.log" 2>"$work/envoy.log" &
  envoy_pid=$!
  await_listener "$mutual_port" "$envoy_pid" "$work/envoy.log"
}

# The example for browsers as it stands, with the names and ports of this run.
start_browser_envoy() {
  local name
  for name in token-secret:websecret "hmac-secret:$(openssl rand -base64 32)"; do
    printf 'resources:\n- "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  name: %s\n  generic_secret: { secret: { inline_string: "%s" } }\n' \
      "${name%%:*}" "${name#*:}" >"$work/${name%%:*}.yaml"
  done
  # Glewlwyd wants a `nonce`, which the filter does not send.
  sed -e "s#https://login.example.com/authorize#$issuer/auth?nonce=n-0S6#" -e "s#https://login.example.com/token#$issuer/token#" \
    -e "s#https://login.example.com\$#$issuer#" -e "s#login.example.com, port_value: 443#localhost, port_value: $provider_port#" \
    -e 's#login.example.com#localhost#' -e "s#/etc/ssl/certs/ca-certificates.crt#$work/ca.pem#" -e "s#/etc/envoy/#$work/#g" \
    -e 's#shop-web#web#' -e 's#shop.example.com#shop.test#' -e "s#0.0.0.0, port_value: 8443#127.0.0.1, port_value: $browser_port#" \
    -e "s#port_value: 8080#port_value: $upstream_port#" -e '/^admin:/,/^$/d' -e "s#target/countersign.wasm#$COUNTERSIGN_WASM#" \
    envoy/browser.yaml >"$work/browser.yaml"
  "$ENVOY" --config-path "$work/browser.yaml" --concurrency 1 --disable-hot-restart --log-level warning \
    --file-flush-interval-msec 20 >"$work/browser.log" 2>"$work/browser.err" &
  browser_envoy_pid=$!
  await_listener "$browser_port" "$browser_envoy_pid" "$work/browser.err"
}

# --- a browser, which is curl with a jar of cookies --------------------------------------------------------------------

browser() { # CURL-ARGUMENT...
  provider_curl --connect-to "shop.test:443:127.0.0.1:$browser_port" -b "$work/browser.jar" -c "$work/browser.jar" "$@"
}

where_to() { browser -o /dev/null -w '%{redirect_url}' "$@"; }

is_sent_to_login() {
  local location
  location=$(where_to https://shop.test/page)
  [[ $location == "$issuer/auth?"* ]] || complain "sent to: $location"
}

a_script_is_answered() { # STATUS
  local status
  status=$(browser -o /dev/null -w '%{http_code}' https://shop.test/api/orders)
  [[ $status == "$1" ]] || complain "$status"
}

logs_in() {
  local to_login back
  to_login=$(where_to https://shop.test/page)
  back=$(provider_curl -b "$work/alice.jar" -o /dev/null -w '%{redirect_url}' "$to_login&g_continue")
  [[ $back == 'https://shop.test/oauth2/callback?'* ]] || complain "the provider leads to $back" || return
  [[ $(where_to "$back") == https://shop.test/page ]] || complain "the login failed: $(tail -n 3 "$work/browser.log")"
}

# Allowed, as a person, and of the cookies the ID token alone does not arrive.
is_let_in() {
  local answer
  printf 'shop.test\tFALSE\t/\tTRUE\t0\ttheme\tdark\n' >>"$work/browser.jar"
  grep --quiet 'IdToken' "$work/browser.jar" || complain 'the browser has no ID token' || return
  answer=$(browser -o /dev/null -D - https://shop.test/page)
  [[ $answer == *'x-received-principal: people::User::'* && $answer == *'x-received-cookies: '*'theme=dark'* &&
    $answer != *IdToken* && $answer != *RefreshToken* && $answer != *BearerToken* ]] ||
    complain "$answer $(tail -n 1 "$work/browser.log")"
}

# With one byte of the ID token changed.
is_not_let_in_with_a_changed_token() {
  local answer
  cp "$work/browser.jar" "$work/changed.jar"
  sed -i -e 's/\(\tIdToken\t.\{10\}\)-/\1A/' -e t -e 's/\(\tIdToken\t.\{10\}\)./\1-/' "$work/changed.jar"
  answer=$(provider_curl --connect-to "shop.test:443:127.0.0.1:$browser_port" -b "$work/changed.jar" -o /dev/null -w '%{http_code}' \
    https://shop.test/api/orders)
  [[ $answer == 401 ]] || complain "$answer"
}

# Cookies that the login filter did not check: it leaves a request with a token in `Authorization` alone.
is_refused_with_two_tokens() { # TOKEN
  local answer
  answer=$(browser -H "authorization: Bearer $1" https://shop.test/api/orders)
  [[ $answer == *'"code":"credential-duplicate"'* ]] || complain "$answer"
}

# The cookies that the answer deletes are deleted here: curl 7.88 reads its jar again before it writes it, and keeps them.
signs_out() {
  local location name
  location=$(where_to -D "$work/signed-out" https://shop.test/oauth2/signout)
  while read -r name; do
    sed -i "/\t$name\t/d" "$work/browser.jar"
  done < <(sed -n 's/^set-cookie: \([^=]*\)=deleted;.*1970 .*/\1/p' "$work/signed-out")
  [[ $location == https://shop.test/* ]] || complain "sent to: $location"
}

# Sends a token, and looks for the status, and for a text in the decision record. With a proof the scheme is `DPoP`.
answers() { # PORT TOKEN STATUS TEXT [PROOF]
  local port=$1 token=$2 status=$3 text=$4 answer scheme=Bearer header=()
  if [[ -n ${5:-} ]]; then scheme=DPoP header=(-H "dpop: $5"); fi
  [[ -n $token ]] || complain 'there is no token' || return
  answer=$(curl --silent --include --max-time 10 -H 'host: shop.test' -H "authorization: $scheme $token" ${header[@]+"${header[@]}"} \
    "http://127.0.0.1:$port/orders")
  is_answer "$answer" "$status" "$text"
}

# The same over TLS with a certificate.
answers_over_tls() { # CERTIFICATE TOKEN STATUS TEXT
  [[ -n $2 ]] || complain 'there is no token' || return
  is_answer "$(provider_curl --include --http1.1 --connect-to "shop.test:443:127.0.0.1:$mutual_port" --cert "$work/$1.pem" --key "$work/$1.key" \
    -H "authorization: Bearer $2" https://shop.test/orders)" "$3" "$4"
}

# Compares the status, and looks for a text in the decision record of a refusal.
is_answer() { # ANSWER STATUS TEXT
  local answer=$1 status=$2 text=$3 id
  [[ $answer == "HTTP/1.1 $status "* ]] || complain "$answer" || return
  if ((status == 200)); then return; fi
  id=$(sed -n 's/.*"decision_id":"\([0-9a-f]*\)".*/\1/p' <<<"$answer")
  for _ in {1..50}; do # Envoy writes its log a moment later
    if grep --fixed-strings "$id" "$work/access.log" | grep --quiet --fixed-strings -- "$text"; then return; fi
    sleep 0.1
  done
  complain "not said: $text; the record: $(grep --fixed-strings "$id" "$work/access.log")"
}

base64url() { base64 --wrap=0 | tr '+/' '-_' | tr -d '='; }

# The signature as JWS writes it: both numbers of the DER form, 32 bytes each (RFC 7518 section 3.4).
es256() { # KEY-FILE
  local number bytes=''
  for number in $(openssl dgst -sha256 -sign "$1" | openssl asn1parse -inform DER | sed -n 's/.*INTEGER *://p'); do
    bytes+=$(printf '%64s' "$number" | tr ' ' 0 | sed 's/../\\x&/g')
  done
  printf '%b' "$bytes" | base64url
}

# A DPoP proof for a request (RFC 9449 section 4.2), with a token also for that.
proof() { # METHOD URL [TOKEN]
  local point ath='' input
  point=$(openssl pkey -in "$work/dpop.key" -pubout -outform DER | tail -c 64 | base64 --wrap=0)
  if [[ -n ${3:-} ]]; then ath=$(printf '%s' "$3" | openssl dgst -sha256 -binary | base64url); fi
  input=$(jq -cnj --arg x "$(base64 -d <<<"$point" | head -c 32 | base64url)" --arg y "$(base64 -d <<<"$point" | tail -c 32 | base64url)" \
    '{typ: "dpop+jwt", alg: "ES256", jwk: {kty: "EC", crv: "P-256", x: $x, y: $y}}' | base64url)
  input+=.$(jq -cnj --arg htm "$1" --arg htu "$2" --arg ath "$ath" --arg jti "$(openssl rand -hex 16)" \
    '{jti: $jti, htm: $htm, htu: $htu, iat: (now | floor)} + if $ath == "" then {} else {ath: $ath} end' | base64url)
  printf '%s.%s' "$input" "$(printf '%s' "$input" | es256 "$work/dpop.key")"
}

read -r provider_port two_port alike_port mutual_port upstream_port browser_port < <(free_ports 6)
provider=https://localhost:$provider_port/api
issuer=$provider/oidc

(cd "$work" && make_certificates) >"$work/openssl.log" 2>&1
started=$SECONDS
start_provider
configure_provider >"$work/api.log"
start_envoy
start_browser_envoy

probe() { "$COUNTERSIGN_BIN" check --probe "$work/envoy.json" >"$work/probe.log" 2>&1 || complain "$(cat "$work/probe.log")"; }

software=$(by_client_credentials)
of_code=$(by_code)
of_password=$(by_password)
id_token=$(jq -er .id_token <<<"$of_code")
check 'check and its probe accept the keys over TLS with an own CA' probe
check 'software is let in by an access token of client credentials' answers "$two_port" "$software" 200 ''
check 'a person is let in by the ID token of a login with a code' answers "$two_port" "$id_token" 200 ''
check 'an ID token is not taken for an access token' \
  answers "$alike_port" "$id_token" 401 'marks an ID token'
check 'a list of scopes as the audience is refused, and the record says both' \
  answers "$two_port" "$(jq -er .access_token <<<"$of_password")" 401 '`aud` is `openid orders.read`, wanted `https://shop.test`'
check 'an opaque token is named as such' answers "$two_port" "$(openssl rand -hex 20)" 401 'the token is opaque'
payload=$(cut -d. -f2 <<<"$software")
none=$(printf '{"alg":"none","typ":"at+jwt"}' | base64url)
check 'an unsigned token is refused' answers "$two_port" "$none.$payload." 401 'token-malformed'
check 'so is one that says none and has a signature' answers "$two_port" "$none.$payload.c2ln" 401 '`alg` is `none`'
bound=$(by_client_credentials_with_proof)
once=$(proof GET http://shop.test/orders "$bound")
check 'a token that the provider bound to a key is let in with a proof' answers "$two_port" "$bound" 200 '' "$once"
check 'it is refused with the same proof again' answers "$two_port" "$bound" 401 '"reason":"proof-replayed"' "$once"
check 'it is refused as a bearer token' answers "$two_port" "$bound" 401 'the token is DPoP-bound, and came as a bearer token'
mutual=$(by_client_credentials_with_certificate)
check 'a token that the provider bound to a certificate is let in over a connection with that certificate' answers_over_tls client "$mutual" 200 ''
check 'it is refused over one with another certificate of the same CA' \
  answers_over_tls other "$mutual" 401 '"reason":"token-binding"'
check 'it is refused over one without TLS' answers "$two_port" "$mutual" 401 '"reason":"token-binding"'
check 'a token that is bound to nothing is refused where a certificate is demanded' \
  answers_over_tls client "$software" 401 '"reason":"token-binding"'
check 'the example for browsers has neither errors nor warnings' \
  "$COUNTERSIGN_BIN" check --deny-warnings envoy/browser.yaml
check 'a browser without a session is sent to the login' is_sent_to_login
check 'a script without a session gets 401 in place of a redirect' a_script_is_answered 401
check 'a person logs in with a browser' logs_in
check 'the browser is let in by its cookie, which alone does not reach the application' is_let_in
check 'so is a script of the page' a_script_is_answered 200
check 'a browser with a changed token is not let in' is_not_let_in_with_a_changed_token
check 'a token in Authorization beside the cookie is refused' is_refused_with_two_tokens "$software"
check 'the browser signs out' signs_out
check 'after that it is sent to the login again' is_sent_to_login
rotate_to k2 >>"$work/api.log"
check 'after a rotation a token of the new key is accepted' answers "$two_port" "$(by_client_credentials)" 200 ''
check 'a token of the withdrawn key is refused' answers "$two_port" "$software" 401 '"reason":"token-key"'
check 'all of it takes less than 60 s' test $((SECONDS - started)) -lt 60

conclude
