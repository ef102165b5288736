//! Decisions with given keys.

use countersign_core::config::Plan;
use countersign_core::enforcement;
use countersign_core::fetch::LocalMemory;
use countersign_core::keys::TrustStore;
use countersign_core::provider::ProviderName;
use countersign_core::time::UnixSeconds;

use super::keys::{self, GivenKeys};
use super::{answer, compared};
use crate::request_line::RequestLine;

const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

#[test]
fn a_record_names_the_digest_of_the_configuration_itself_whether_keys_are_given_or_not() {
    let configuration = serde_json::json!({
        "version": 1, "policies": "",
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["JWT"], "principal": { "id": "sub" },
            "keys": { "url": "https://login.example.com/keys", "cluster": "login" }
        } },
        "applications": { "shop": { "any_host": true, "routes": { "all": { "path": "/" } } } }
    });
    let (plan, _) = Plan::compile_value(&configuration).unwrap();
    let file = std::env::temp_dir().join(format!("countersign-eval-keys-{}.json", std::process::id()));
    let key = serde_json::json!({
        "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    });
    std::fs::write(&file, serde_json::json!({ "keys": [key] }).to_string()).unwrap();
    let given = GivenKeys { provider: "corp".to_owned(), file: file.display().to_string() };

    let mut trust = TrustStore::new(plan.key_sources(), 0);
    let corp = ProviderName::new("corp");
    assert!(trust.keys(&corp, NOW).is_err());
    let record = |trust: &TrustStore| {
        let request = RequestLine::parse(br#"{"id": "1", "method": "GET", "path": "/"}"#).unwrap();
        answer((&plan, &LocalMemory::default()), trust, &request, (enforcement::decide_at, NOW), 1).ok().unwrap()["config"].clone()
    };
    let before = record(&trust);
    let installed = keys::install(&mut trust, &plan, &[given]);
    std::fs::remove_file(&file).unwrap();
    assert!(installed.is_ok() && trust.keys(&corp, NOW).is_ok());
    assert_eq!((&record(&trust), before.as_str()), (&before, plan.digest.get(..16)));
}

#[test]
fn another_answer_of_the_oracle_is_found() {
    let plan = |policies: &str| {
        let configuration = serde_json::json!({
            "version": 1, "policies": policies,
            "applications": { "shop": { "any_host": true, "routes": { "all": { "path": "/" } } } }
        });
        let (mut plan, _) = Plan::compile_value(&configuration).unwrap();
        plan.digest = "".into();
        plan
    };
    let permit = "@id(\"open\") permit (principal is Anonymous, action, resource);";
    let own = plan(permit);
    let trust = TrustStore::new(own.key_sources(), 0);
    let request =
        RequestLine::parse(br#"{"id": "1", "method": "GET", "path": "/", "authority": "a.example"}"#).unwrap();
    let differing = |oracle: Option<&Plan>| {
        let moment: (super::Decide, UnixSeconds) = (enforcement::decide_at, NOW);
        let (memory, other) = (LocalMemory::default(), LocalMemory::default());
        compared(((&own, &memory), oracle.map(|oracle| (oracle, &other))), &trust, &request, moment, 1).ok().unwrap().1
    };
    let mut same = plan(permit);
    same.policies.ask_the_oracle().expect("policies as text");
    assert_eq!(differing(Some(&same)), None);
    assert_eq!(differing(None), None);
    let other = differing(Some(&plan(&permit.replace("\"open\"", "\"other\"")))).unwrap();
    assert_eq!(other["policies"], serde_json::json!(["other"]));
}

#[test]
fn a_request_presents_a_credential_in_a_header_or_a_cookie_as_in_envoy() {
    let configuration = serde_json::json!({
        "version": 1, "policies": "@id(\"open\") permit (principal is Anonymous, action, resource);",
        "issuers": { "corp": {
            "issuer": "https://login.example.com", "audiences": ["shop"], "typ": ["JWT"], "principal": { "id": "sub" },
            "from": [{ "cookie": "IdToken" }, { "header": "x-token" }],
            "keys": { "url": "https://login.example.com/keys", "cluster": "login" }
        } },
        "applications": { "shop": { "any_host": true, "routes": { "all": { "path": "/" } } } }
    });
    let (plan, _) = Plan::compile_value(&configuration).unwrap();
    let trust = TrustStore::new(plan.key_sources(), 0);
    for (headers, reason, detail) in [
        (r#"[["cookie", "a=1; idtoken=x"]]"#, "permitted", ""),
        (r#"[["cookie", "a=1; IdToken=abc"]]"#, "token-malformed", "puts the ID token"),
        (r#"[["cookie", "IdToken=abc"], ["x-token", "abc"]]"#, "credential-duplicate", "`cookie IdToken`"),
        (r#"[["cookie", "IdToken=abc"], ["cookie", "IdToken=abc"]]"#, "credential-duplicate", "more than once"),
        (r#"[["x-token", "a b"]]"#, "credential-malformed", "not one token"),
    ] {
        let line = format!(
            r#"{{"id": "1", "method": "GET", "authority": "shop.example.com", "path": "/", "headers": {headers}}}"#
        );
        let request = RequestLine::parse(line.as_bytes()).unwrap();
        let answer =
            answer((&plan, &LocalMemory::default()), &trust, &request, (enforcement::decide_at, NOW), 1).ok().unwrap();
        assert_eq!(answer["reason"], reason, "{line}");
        assert!(answer["detail"].as_str().unwrap_or_default().contains(detail), "{answer}");
    }
}
