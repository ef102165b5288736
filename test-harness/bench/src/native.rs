//! Chains of Envoy's own filters that check what Countersign checks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use test_harness::tokens::{AUDIENCE, CORP_ISSUER, MDM_ISSUER};

use crate::tokens::Keys;
use crate::work::{self, CLAIM_HEADERS, DEVICE_HEADER, GROUP, LOWEST_SCORE};

/// Whether `jwt_authn` remembers tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCache {
    /// It verifies a token once. Tokens of up to 16 KiB are remembered; without the setting 4 KiB are the most.
    On,
    /// It verifies every token of every request: Envoy's default.
    Off,
}

impl TokenCache {
    fn apply(self, mut provider: Value) -> Value {
        if self == Self::On {
            provider["jwt_cache_config"] = json!({ "jwt_cache_size": 100, "jwt_max_token_size": 16 * 1024 });
        }
        provider
    }
}

/// The user's token alone, and `rbac` on its groups.
#[must_use]
pub fn one_token(keys: &Keys, cache: TokenCache) -> Vec<Value> {
    let filter = jwt_authn(&json!({ "corp": corp(keys, cache) }), &json!({ "provider_name": "corp" }));
    vec![filter, rbac(&json!([{ "any": true }]), &group())]
}

/// Both tokens, claims to headers, and `rbac` on 20 templates of paths and on claims of both.
#[must_use]
pub fn two_tokens(keys: &Keys, cache: TokenCache) -> Vec<Value> {
    let mut corp = corp(keys, cache);
    let headers: Vec<Value> =
        CLAIM_HEADERS.iter().map(|(header, claim)| json!({ "header_name": header, "claim_name": claim })).collect();
    corp["claim_to_headers"] = json!(headers);
    let mdm = cache.apply(json!({
        "issuer": MDM_ISSUER,
        "audiences": [AUDIENCE],
        "local_jwks": { "inline_string": keys.mdm().to_string() },
        "from_headers": [{ "name": DEVICE_HEADER }],
        "payload_in_metadata": "mdm",
    }));
    let requirements = json!([{ "provider_name": "corp" }, { "provider_name": "mdm" }]);
    let filter =
        jwt_authn(&json!({ "corp": corp, "mdm": mdm }), &json!({ "requires_all": { "requirements": requirements } }));
    let templates: Vec<Value> = work::templates()
        .map(|template| {
            json!({ "uri_template": {
                "name": "envoy.path.match.uri_template.uri_template_matcher",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
                    "path_template": template,
                }
            } })
        })
        .collect();
    let permissions = json!([{ "and_rules": { "rules": [
        { "header": { "name": ":method", "string_match": { "exact": "GET" } } },
        { "or_rules": { "rules": templates } },
    ] } }]);
    let managed = claim(&json!(["mdm", "managed"]), &json!({ "bool_match": true }));
    // A range is closed below and open above.
    let range = json!({ "double_match": { "range": { "start": LOWEST_SCORE, "end": 1_000_000 } } });
    let score = claim(&json!(["mdm", "score"]), &range);
    vec![filter, rbac(&permissions, &json!({ "and_ids": { "ids": [group(), managed, score] } }))]
}

fn corp(keys: &Keys, cache: TokenCache) -> Value {
    cache.apply(json!({
        "issuer": CORP_ISSUER,
        "audiences": [AUDIENCE],
        "forward": true,
        "local_jwks": { "inline_string": keys.corp().to_string() },
        "from_headers": [{ "name": "authorization", "value_prefix": "Bearer " }],
        "payload_in_metadata": "corp",
    }))
}

fn jwt_authn(providers: &Value, requires: &Value) -> Value {
    json!({
        "name": "envoy.filters.http.jwt_authn",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
            "providers": providers,
            "rules": [{ "match": { "prefix": "/" }, "requires": requires }],
        }
    })
}

fn rbac(permissions: &Value, principal: &Value) -> Value {
    json!({
        "name": "envoy.filters.http.rbac",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {
                "action": "ALLOW",
                "policies": { "staff-read": { "permissions": permissions, "principals": [principal] } }
            }
        }
    })
}

fn group() -> Value {
    claim(&json!(["corp", "groups"]), &json!({ "list_match": { "one_of": { "string_match": { "exact": GROUP } } } }))
}

fn claim(path: &Value, value: &Value) -> Value {
    let keys: Vec<Value> = path.as_array().into_iter().flatten().map(|key| json!({ "key": key })).collect();
    json!({ "sourced_metadata": { "metadata_matcher": {
        "filter": "envoy.filters.http.jwt_authn", "path": keys, "value": value
    } } })
}

/// Envoy's `lua` filter with a script that verifies the RS256 signature of the user's token on every request, and
/// nothing more: no claim, no time.
#[must_use]
pub fn lua(keys: &Keys) -> Vec<Value> {
    let key: String = rsa_public_key(&keys.corp()).iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let script = format!("local key_der = \"{key}\"\n{}", include_str!("signature.lua"));
    vec![json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": { "inline_string": script }
        }
    })]
}

/// The first RSA key of 2,048 bits with the exponent 65537 in a set, as SubjectPublicKeyInfo (RFC 5280) in DER.
fn rsa_public_key(key_set: &Value) -> Vec<u8> {
    // All lengths are the same for all such keys: sequence, algorithm rsaEncryption, bit string, sequence, integer.
    const BEFORE_MODULUS: [u8; 33] = [
        0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
        0x00, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00,
    ];
    const EXPONENT: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];
    let keys = key_set["keys"].as_array();
    let modulus = keys.into_iter().flatten().find_map(|key| URL_SAFE_NO_PAD.decode(key["n"].as_str()?).ok());
    [BEFORE_MODULUS.as_slice(), &modulus.unwrap_or_default(), &EXPONENT].concat()
}

/// `ext_authz` over HTTP to this cluster.
#[must_use]
pub fn ext_authz_http(cluster: &str) -> Vec<Value> {
    vec![ext_authz(json!({
        "http_service": { "server_uri": { "uri": "http://authorization", "cluster": cluster, "timeout": "5s" } },
        "allowed_headers": { "patterns": [{ "exact": "authorization" }, { "exact": DEVICE_HEADER }] },
    }))]
}

/// `ext_authz` over gRPC to this cluster.
#[must_use]
pub fn ext_authz_grpc(cluster: &str) -> Vec<Value> {
    vec![ext_authz(json!({ "grpc_service": { "envoy_grpc": { "cluster_name": cluster }, "timeout": "5s" } }))]
}

fn ext_authz(mut service: Value) -> Value {
    service["@type"] = json!("type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz");
    service["transport_api_version"] = json!("V3");
    json!({ "name": "envoy.filters.http.ext_authz", "typed_config": service })
}
