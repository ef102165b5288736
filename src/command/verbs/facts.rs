//! `countersign facts`: the part of a configuration that accepts tokens like a given one.

use std::collections::BTreeSet;
use std::io::{self, Write as _};

use clap::Args;
use countersign_core::jose::Algorithm;
use countersign_core::profile::ID_TOKEN_MARKS;
use countersign_core::text::is_identifier;
use ct_codecs::{Base64UrlSafeNoPadding, Decoder as _};
use serde_json::{Map, Value};

use crate::document;
use crate::failure::Failure;

/// Claims that have members of their own in the configuration, or that name one token.
const JUDGED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// `facts`
#[derive(Args)]
#[command(
    after_help = "The token comes from a file or from standard input, because arguments of a program are visible to others on the machine.\n\
Its signature is not verified, it is not sent anywhere, and no value of its claims is printed but `iss`, `aud` and `azp`.\n\n\
What is printed is a start: one token cannot show which claims others lack. Read it, name the issuer, and run `countersign check`.\n\n\
Examples:\n  countersign facts token.txt\n  pbpaste | countersign facts -\n\n\
Exit codes: 0 the facts were printed, 2 wrong usage, or a file that cannot be read or holds no JWT."
)]
pub struct Arguments {
    /// A file that holds one token; - for standard input
    #[arg(value_name = "FILE")]
    token: String,
}

/// Runs the verb.
///
/// # Errors
/// See [`Failure`].
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.token;
    let bytes = document::read(name).map_err(|fault| Failure::Usage(format!("cannot read `{name}`: {fault}")))?;
    let profile = profile(bytes.trim_ascii()).map_err(|fault| Failure::Usage(format!("`{name}`: {fault}")))?;
    Ok(io::stdout().write_all(profile.as_bytes())?)
}

/// Why there is no profile. It says nothing of the token's contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("this is not a signed JWT, which has three parts with dots between them: an opaque token tells nothing")]
    NotThreeParts,
    #[error("the token's {0} is not a JSON object in base64url: copy the token whole, without `Bearer`")]
    NotJson(&'static str),
}

/// The configuration of an issuer of such tokens, as YAML.
fn profile(token: &[u8]) -> Result<String, Fault> {
    let mut parts = token.split(|byte| *byte == b'.');
    let (Some(header), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Fault::NotThreeParts);
    };
    let (header, claims) = (object(header, "header")?, object(claims, "payload")?);
    let mut lines = vec![
        "# From one token. Its signature was not verified. Other tokens of this issuer may lack claims that this one"
            .to_owned(),
        "# has: a fact with `?` may be absent.".to_owned(),
        "issuers:".to_owned(),
        "  corp:                                   # choose the name: policies say corp::User and context.corp"
            .to_owned(),
        format!("    issuer: {}", claims.get("iss").map_or_else(|| "absent".to_owned(), Value::to_string)),
        format!("    audiences: {}", audiences(claims.get("aud"))),
        "    keys: { discovery: true, cluster: login }   # the Envoy cluster that leads to the provider".to_owned(),
        algorithm(&header),
        format!("    typ: [{}]", header.get("typ").map_or_else(|| "absent".to_owned(), Value::to_string)),
    ];
    if ID_TOKEN_MARKS.iter().any(|mark| claims.contains_key(*mark)) {
        lines.push(
            "    token: id                             # it has the marks of an ID token, which is not made for an API"
                .to_owned(),
        );
    }
    if let Some(party) = claims.get("azp") {
        lines.push(format!("    # pins: {{ azp: {party} }}               # only tokens that this client was given"));
    }
    if !claims.contains_key("exp") {
        lines.push("    exp: absent                           # so nothing but max_age ends it".to_owned());
        lines.push("    max_age: 1h".to_owned());
    }
    lines.extend(principal(&claims));
    lines.extend(facts(&claims));
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn object(part: &[u8], what: &'static str) -> Result<Map<String, Value>, Fault> {
    let bytes = Base64UrlSafeNoPadding::decode_to_vec(part, None).map_err(|_| Fault::NotJson(what))?;
    serde_json::from_slice(&bytes).map_err(|_| Fault::NotJson(what))
}

fn audiences(aud: Option<&Value>) -> String {
    match aud {
        None => "absent".to_owned(),
        Some(list @ Value::Array(_)) => list.to_string(),
        Some(one) => format!("[{one}]"),
    }
}

fn algorithm(header: &Map<String, Value>) -> String {
    let named = header.get("alg").and_then(Value::as_str);
    match named.and_then(|name| Algorithm::ALL.iter().find(|known| known.name() == name)) {
        Some(known) => format!("    algorithms: [{}]", known.name()),
        None => "    # its algorithm is not supported, so such tokens are rejected".to_owned(),
    }
}

fn principal(claims: &Map<String, Value>) -> Vec<String> {
    let id = ["sub", "client_id", "azp", "email"].into_iter().find(|name| claims.contains_key(*name));
    let mut lines = vec!["    principal:".to_owned()];
    lines.push("      type: User                          # or Service, for a software component".to_owned());
    lines.push(format!("      id: {}", id.unwrap_or("sub")));
    match claims.get("groups") {
        Some(Value::String(_)) => lines.push("      groups: { claim: groups, single: true }".to_owned()),
        Some(_) => lines.push("      groups: groups".to_owned()),
        None => {}
    }
    lines
}

fn facts(claims: &Map<String, Value>) -> Vec<String> {
    let mut lines = vec!["    facts:".to_owned()];
    let mut taken = BTreeSet::new();
    for (claim, value) in claims {
        if JUDGED.contains(&claim.as_str()) || ID_TOKEN_MARKS.contains(&claim.as_str()) {
            continue;
        }
        let shown = Value::from(claim.as_str());
        let name = fact_name(claim);
        match fact_type(claim, value) {
            _ if !taken.insert(name.clone()) => lines.push(format!("      # {shown}: another fact has its name")),
            Err(why) => lines.push(format!("      # {shown}: {why}")),
            Ok(of) if name == *claim => lines.push(format!("      {}: {of}", written(&name, claim))),
            Ok(of) => lines.push(format!("      {}: {{ claim: [{shown}], type: {of} }}", written(&name, claim))),
        }
    }
    if taken.is_empty() {
        lines = vec!["    facts: {}".to_owned()];
    }
    lines
}

/// `sub` is in every token that names somebody, and scopes are the empty set where the claim is absent.
fn written(name: &str, claim: &str) -> String {
    if matches!(claim, "sub" | "scope" | "scp") { name.to_owned() } else { format!("\"{name}?\"") }
}

/// The claim's name, or its end with `_` for what a Cedar identifier cannot have.
fn fact_name(claim: &str) -> String {
    if is_identifier(claim) {
        return claim.to_owned();
    }
    let end = claim.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let mapped: String = end.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if is_identifier(&mapped) { mapped } else { format!("claim_{mapped}") }
}

fn fact_type(claim: &str, value: &Value) -> Result<String, &'static str> {
    match (claim, value) {
        ("act", Value::Object(_)) => return Ok("actor".to_owned()),
        ("scope" | "scp", Value::String(_) | Value::Array(_)) => return Ok("scopes".to_owned()),
        _ => {}
    }
    match value {
        Value::Null => Err("null has no type"),
        Value::Bool(_) => Ok("bool".to_owned()),
        Value::Number(number) if number.is_i64() => Ok("long".to_owned()),
        Value::Number(_) => Err("a number with a fraction has no type"),
        Value::String(_) => Ok("string".to_owned()),
        Value::Array(elements) => list_type(claim, elements),
        Value::Object(members) => record_type(members),
    }
}

fn list_type(claim: &str, elements: &[Value]) -> Result<String, &'static str> {
    let types: BTreeSet<String> = elements.iter().map(|element| fact_type(claim, element)).collect::<Result<_, _>>()?;
    let mut types = types.into_iter();
    match (types.next(), types.next()) {
        (None, _) => Ok("[string]".to_owned()),
        (Some(of), None) => Ok(format!("[{of}]")),
        (Some(_), Some(_)) => Err("the elements of the list have several types"),
    }
}

fn record_type(members: &Map<String, Value>) -> Result<String, &'static str> {
    let member = |(name, value): (&String, &Value)| {
        if !is_identifier(name) {
            return Err("a member's name is not an identifier; read the members one by one, with `claim`");
        }
        Ok(format!("\"{name}?\": {}", fact_type(name, value)?))
    };
    let members: Vec<String> = members.iter().map(member).collect::<Result<_, _>>()?;
    if members.is_empty() { Err("the object is empty") } else { Ok(format!("{{ {} }}", members.join(", "))) }
}

#[cfg(test)]
mod tests {
    use ct_codecs::{Base64UrlSafeNoPadding, Encoder as _};
    use serde_json::{Value, json};

    use super::{Fault, profile};

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| Base64UrlSafeNoPadding::encode_to_string(value.to_string()).expect("base64url");
        format!("{}.{}.c2lnbmF0dXJl", part(header), part(claims))
    }

    #[test]
    fn the_profile_of_a_token_is_one_that_check_accepts() {
        let claims = json!({
            "iss": "https://login.example.com", "aud": ["apps", "other"], "sub": "alice", "exp": 2, "iat": 1, "jti": "x",
            "groups": ["staff"], "scope": "a b", "email": "alice@example.com", "email_verified": true, "auth_time": 7,
            "realm_access": { "roles": ["r"] }, "https://example.com/tenant": "t", "kubernetes.io": { "namespace": "n" },
            "ratio": 0.5, "nothing": null, "act": { "sub": "agent" }, "mixed": [1, "a"],
        });
        let printed =
            profile(token(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": "k" }), &claims).as_bytes()).unwrap();
        for line in [
            "    issuer: \"https://login.example.com\"",
            "    audiences: [\"apps\",\"other\"]",
            "    algorithms: [ES256]",
            "    typ: [\"at+jwt\"]",
            "      groups: groups",
            "      sub: string",
            "      scope: scopes",
            "      \"email_verified?\": bool",
            "      \"auth_time?\": long",
            "      \"act?\": actor",
            "      \"realm_access?\": { \"roles?\": [string] }",
            "      \"tenant?\": { claim: [\"https://example.com/tenant\"], type: string }",
            "      # \"ratio\": a number with a fraction has no type",
            "      # \"nothing\": null has no type",
            "      # \"mixed\": the elements of the list have several types",
        ] {
            assert!(printed.lines().any(|printed| printed == line), "{line}\n{printed}");
        }
        assert!(!printed.contains("alice"), "{printed}");

        let rest = "version: 1\npolicies: ''\napplications: { a: { any_host: true, routes: { r: { path: / } } } }\n";
        let input = crate::document::parse("c.yaml", format!("{rest}{printed}").as_bytes()).expect("YAML");
        let errors =
            crate::configuration::compile(&input.documents[0]).map(|_| ()).map_err(|errors| format!("{errors:?}"));
        assert_eq!(errors, Ok(()), "{printed}");
    }

    #[test]
    fn an_id_token_and_a_token_without_an_end_are_told() {
        let claims =
            json!({ "iss": "https://login.example.com", "aud": "web", "azp": "web", "sub": "a", "nonce": "n" });
        let printed = profile(token(&json!({ "alg": "HS256" }), &claims).as_bytes()).unwrap();
        for part in ["token: id", "max_age: 1h", "# pins: { azp: \"web\" }", "typ: [absent]", "audiences: [\"web\"]"] {
            assert!(printed.contains(part), "{part}\n{printed}");
        }
        assert!(printed.contains("its algorithm is not supported"), "{printed}");
        assert!(!printed.contains("nonce"), "{printed}");
    }

    #[test]
    fn what_is_no_jwt_is_refused_without_a_word_of_what_it_holds() {
        for (text, fault) in [
            ("s3cret", Fault::NotThreeParts),
            ("", Fault::NotThreeParts),
            ("a.b.c.d.e", Fault::NotThreeParts),
            ("Bearer x.y.z", Fault::NotJson("header")),
            ("e30.W10.c2ln", Fault::NotJson("payload")),
        ] {
            assert_eq!(profile(text.as_bytes()), Err(fault), "{text}");
            assert!(text.is_empty() || !fault.to_string().contains(text));
        }
    }
}
