use std::collections::BTreeSet;

use countersign_core::fetch::{HttpUrl, Response};
use countersign_core::jose::Algorithm;
use serde_json::{Value, json};

use super::metadata::{Metadata, MetadataFault, read};
use super::text::{EXAMPLE_HOST, Wishes, configuration};
use super::{checked, issuer};

const ISSUER: &str = "https://login.example.com/tenant";

fn answer(document: &Value) -> Response {
    let body = document.to_string().into_bytes();
    let headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    Response { status: 200, headers, body_bytes: body.len(), body }
}

fn good() -> Value {
    json!({
        "issuer": ISSUER, "jwks_uri": "https://login.example.com/keys",
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none", "EdDSA"],
        "claims_supported": ["sub", "iss", "email", "groups", "scope", "shoe_size\n- x"],
    })
}

fn metadata(document: &Value) -> Result<Metadata, MetadataFault> {
    let url = HttpUrl::parse(&format!("{ISSUER}/.well-known/openid-configuration")).unwrap();
    read(ISSUER, url, true, &answer(document))
}

fn with(name: &str, value: Value) -> Value {
    let mut document = good();
    document[name] = value;
    document
}

fn written(document: &Value, audiences: &[&str], host: &str) -> String {
    let audiences: Vec<String> = audiences.iter().map(|audience| (*audience).to_owned()).collect();
    let wishes = Wishes { issuer: ISSUER, audiences: &audiences, host, ca: None };
    configuration(&metadata(document).unwrap(), &wishes)
}

#[test]
fn what_the_metadata_says_is_in_a_configuration_that_check_accepts() {
    let text = written(&good(), &["apps", "a: [b] # \"c\""], "shop.example.com");
    assert_eq!(checked(&text), Ok(()), "{text}");
    for line in [
        "mode: shadow",
        "    issuer: \"https://login.example.com/tenant\"",
        "    audiences: [\"apps\", \"a: [b] # \\\"c\\\"\"]",
        "    algorithms: [RS256, Ed25519]",
        "      groups: groups                        # a token without the claim is in no group",
        "      sub: string",
        "      \"email?\": string",
        "      scope: scopes",
        "    hosts: [\"shop.example.com\"]",
        "#       sni: \"login.example.com\"",
        "#           match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: \"login.example.com\" } }]",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
    assert!(!text.contains("shoe_size") && !text.contains("HS256") && !text.contains("jwks:"), "{text}");
}

#[test]
fn each_common_claim_makes_a_valid_fact() {
    let claims: Vec<&str> = super::metadata::COMMON_CLAIMS.iter().map(|(claim, _)| *claim).collect();
    let text = written(&with("claims_supported", json!(claims)), &["apps"], EXAMPLE_HOST);
    assert_eq!(checked(&text), Ok(()), "{text}");
}

#[test]
fn keys_on_another_host_get_a_cluster_of_their_own() {
    let text = written(&with("jwks_uri", json!("https://keys.example.net:8443/v1")), &["apps"], EXAMPLE_HOST);
    assert_eq!(checked(&text), Ok(()), "{text}");
    assert!(text.contains("jwks: { host: \"keys.example.net:8443\", cluster: login-keys }"), "{text}");
    assert!(text.contains("# - name: login-keys") && text.contains("port_value: 8443"), "{text}");
}

#[test]
fn without_announced_algorithms_the_keys_name_theirs() {
    let mut document = good();
    document.as_object_mut().unwrap().remove("id_token_signing_alg_values_supported");
    assert_eq!(metadata(&document).unwrap().algorithms, BTreeSet::new());
    let text = written(&document, &["apps"], EXAMPLE_HOST);
    assert_eq!(checked(&text), Ok(()), "{text}");
    assert!(text.contains("    # algorithms: [RS256]"), "{text}");
}

#[test]
fn algorithms_of_access_tokens_count_too() {
    let found = metadata(&with("access_token_signing_alg_values_supported", json!(["ES256"]))).unwrap();
    assert_eq!(found.algorithms, BTreeSet::from([Algorithm::Rs256, Algorithm::Es256, Algorithm::Ed25519]));
}

#[test]
fn each_fault_of_metadata_says_where_and_what_to_do() {
    for (document, parts) in [
        (
            with("issuer", json!("https://login.example.com/tenant/")),
            ["`https://login.example.com/tenant/`", "as --issuer"],
        ),
        (with("issuer", Value::Null), ["`null`", "byte by byte"]),
        (
            with("jwks_uri", json!("http://login.example.com/keys")),
            ["`http://login.example.com/keys`", "not an https URL"],
        ),
        (with("jwks_uri", json!(7)), ["`7`", "not an https URL"]),
        (
            with("id_token_signing_alg_values_supported", json!(["HS256", "ES512"])),
            ["`ES512`, `HS256`", "supports RS256"],
        ),
        (json!({ "issuer": ISSUER }), ["no `jwks_uri`", "docs/keys.md"]),
        (json!({}), ["absent", "as --issuer"]),
    ] {
        let fault = metadata(&document).unwrap_err().to_string();
        for part in parts {
            assert!(fault.contains(part), "{part}: {fault}");
        }
        assert!(fault.starts_with("https://login.example.com/tenant/.well-known/openid-configuration: "), "{fault}");
    }
}

#[test]
fn an_issuer_is_an_https_url_without_a_query() {
    assert!(issuer(ISSUER).is_ok());
    for (text, part) in [
        ("http://login.example.com", "write an https:// URL"),
        ("login.example.com", "not an absolute URL"),
        ("https://login.example.com/?a=b", "no query"),
        ("https://login.example.com/\u{1b}[2J", "\\u{1b}"),
    ] {
        let fault = issuer(text).unwrap_err();
        assert!(fault.contains(part) && fault.contains("--issuer"), "{fault}");
    }
}

#[test]
fn arguments_that_make_no_valid_configuration_are_named() {
    let fault = checked(&written(&good(), &["apps"], "https://shop.example.com/")).unwrap_err();
    assert!(fault.contains("/applications/app/hosts/0"), "{fault}");
}
