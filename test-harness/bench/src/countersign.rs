//! Chains with Countersign: the same checks as those of [`crate::native`].

use std::ffi::OsStr;
use std::path::Path;

use serde_json::{Map, Value, json};
use test_harness::envoy::{guard_filter, wasm_filter};
use test_harness::tokens::{AUDIENCE, CORP_ISSUER, MDM_ISSUER};

use crate::tokens::Keys;
use crate::work::{self, CLAIM_HEADERS, DEVICE_HEADER, GROUP, HEALTH_PATH, HOST, LOWEST_SCORE};

/// The plugin with this configuration, and its guard.
#[must_use]
pub fn filters(module: &Path, configuration: &Value) -> Vec<Value> {
    // All configurations of one module share a VM in each worker, so Envoy compiles the module once.
    let vm = module.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
    vec![wasm_filter(&vm, module, configuration), guard_filter("countersign")]
}

/// The user's token alone; and one path that is open to callers without a token.
#[must_use]
pub fn one_token(keys: &Keys) -> Value {
    let mut configuration = base(keys);
    configuration["applications"]["shop"] = json!({
        "hosts": [HOST],
        "requires": ["corp"],
        "routes": {
            "api": { "path": "/api/{rest*}" },
            "health": { "path": HEALTH_PATH, "requires": [] },
        },
    });
    configuration["policies"] = json!(format!(
        r#"@id("staff-read")
        permit (principal in corp::Group::"{GROUP}", action in Action::"read", resource == Route::"shop/api");
        @id("health")
        permit (principal is Anonymous, action in Action::"read", resource == Route::"shop/health");"#
    ));
    configuration
}

/// No device of the benchmark has this score.
const OUT_OF_REACH: i64 = 1_000;

/// The policies of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// Those that permit one route to one user, who sends no request.
    pub of_others: usize,
    /// Those whose scope matches the requests of the benchmark, so that all of them are evaluated. The last one permits.
    pub evaluated: usize,
}

/// Both tokens, 20 routes, four headers with claims for the upstream, and these policies.
#[must_use]
pub fn two_tokens(keys: &Keys, policies: Policies, remembered_bytes: usize) -> Value {
    let mut configuration = base(keys);
    configuration["limits"] = json!({ "max_remembered_bytes": remembered_bytes });
    configuration["devices"] = json!({ "mdm": {
        "header": DEVICE_HEADER,
        "issuer": MDM_ISSUER,
        "audiences": [AUDIENCE],
        "typ": ["device-posture+jwt"],
        "max_age": "366d",
        "keys": { "inline": keys.mdm() },
        "facts": { "managed": "bool", "score": "long" },
        "bind": { "token": "device_id", "device": "sub" },
    } });
    let routes: Map<String, Value> = work::templates()
        .enumerate()
        .map(|(number, template)| (format!("r{number}"), json!({ "path": template, "methods": ["GET"] })))
        .collect();
    // Short names: 10,000 policies have to fit into the largest configuration that is accepted, 1 MiB.
    let route_count = routes.len();
    configuration["applications"]["s"] = json!({ "hosts": [HOST], "requires": ["corp", "mdm"], "routes": routes });
    let mut text: String = (1..=policies.of_others)
        .map(|number| {
            let route = number % route_count;
            format!(
                "@id(\"{number}\")permit(principal==corp::User::\"{number}\",action,resource==Route::\"s/r{route}\");"
            )
        })
        .collect();
    text.extend((0..policies.evaluated).rev().map(|before_last| {
        let lowest = if before_last == 0 { LOWEST_SCORE } else { OUT_OF_REACH };
        format!(
            r#"@id("staff-read-{before_last}")
            permit (principal in corp::Group::"{GROUP}", action in Action::"read", resource in Application::"s")
            when {{ context.mdm.managed && context.mdm.score >= {lowest} }};"#
        )
    }));
    configuration["policies"] = json!(text);
    let headers: Map<String, Value> = CLAIM_HEADERS
        .iter()
        .map(|(header, claim)| ((*header).to_owned(), json!({ "fact": format!("corp.{claim}") })))
        .collect();
    configuration["identity_headers"] = Value::Object(headers);
    configuration
}

fn base(keys: &Keys) -> Value {
    json!({
        "version": 1,
        "issuers": { "corp": {
            "issuer": CORP_ISSUER,
            "audiences": [AUDIENCE],
            "typ": ["at+jwt"],
            "keys": { "inline": keys.corp() },
            "principal": { "type": "User", "id": "sub", "groups": "groups" },
            "facts": { "sub": "string", "email": "string", "name": "string", "department": "string" },
        } },
        "applications": {},
    })
}
