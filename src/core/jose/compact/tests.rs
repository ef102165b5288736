use serde_json::{Value, json};

use super::UnverifiedToken;
use crate::jose::{Algorithm, base64url};
use crate::limits::{MAX_JOSE_HEADER_BYTES, MAX_TOKEN_JSON_DEPTH};
use crate::portable;
use crate::refusal::{Detail, Reason, Refusal};

const MAX_BYTES: usize = 16 * 1024;

/// A token with this header text, the payload `{}` and one byte of signature.
fn with_header(header: &str) -> String {
    format!("{}.e30.AA", base64url::encode(header.as_bytes()))
}

fn parsed(text: impl AsRef<[u8]>) -> Result<UnverifiedToken, Refusal> {
    UnverifiedToken::parse(text.as_ref(), MAX_BYTES)
}

fn refusal(text: impl AsRef<[u8]>) -> Refusal {
    let text = text.as_ref();
    parsed(text).err().unwrap_or_else(|| panic!("taken: {}", String::from_utf8_lossy(text)))
}

fn reason(text: impl AsRef<[u8]>) -> Reason {
    refusal(text).reason
}

#[portable]
fn a_well_formed_token_is_read_into_its_parts() {
    let header = base64url::encode(br#"{"alg":"ES256","kid":"k","typ":"JWT"}"#);
    let token = parsed(format!("{header}.eyJhIjoxfQ.AQID")).ok().unwrap();
    assert_eq!(token.algorithm, Algorithm::Es256);
    assert_eq!(token.key_id.as_deref(), Some("k"));
    assert_eq!(token.typ.as_deref(), Some("jwt"));
    assert_eq!(token.payload, br#"{"a":1}"#);
    assert_eq!(token.signature, [1, 2, 3]);
    assert_eq!(token.signing_input(), format!("{header}.eyJhIjoxfQ").as_bytes());
}

#[portable]
fn a_token_is_three_parts_with_header_and_signature() {
    let header = base64url::encode(br#"{"alg":"ES256"}"#);
    let good = format!("{header}.e30.AA");
    assert!(parsed(&good).is_ok());
    for text in [
        String::new(),
        ".".into(),
        "..".into(),
        header.clone(),
        format!("{header}.e30"),
        format!("{header}.e30."),
        ".e30.AA".to_owned(),
        format!(".{good}"),
        format!("{good}."),
        format!("{good}.AA"),
        format!("{good}.AA.AA"),
        format!("{header}..e30.AA"),
        format!("{good},{good}"),
        format!("Bearer {good}"),
        format!("{{\"payload\":\"e30\",\"protected\":\"{header}\",\"signature\":\"AA\"}}"),
        ".".repeat(MAX_BYTES),
    ] {
        assert_eq!(reason(&text), Reason::TokenMalformed, "{text}");
    }
}

#[portable]
fn each_part_is_canonical_base64url() {
    let header = base64url::encode(br#"{"alg":"ES256"}"#);
    for text in [
        format!("{header}=.e30.AA"),
        format!("{header}==.e30.AA"),
        format!("{header}.e30=.AA"),
        format!("{header}.e30.AA=="),
        format!("{header}.e30.AB"),
        format!("{header}.e31.AA"),
        format!("{header}.e30.AA\n"),
        format!(" {header}.e30.AA"),
        format!("{header}. e30.AA"),
        format!("{header}.e30.A+"),
        format!("{header}.e30.A/"),
        format!("{header}.e30.A"),
        format!("{header}.e30.AA\0"),
        format!("{header}.e30.AAé"),
        format!("{header}.e3%30.AA"),
    ] {
        assert_eq!(reason(&text), Reason::TokenMalformed, "{text:?}");
    }
    assert_eq!(reason([header.as_bytes(), b".e30.\xff\xff"].concat()), Reason::TokenMalformed);
}

#[portable]
fn the_header_is_one_strict_json_object() {
    for header in [
        "",
        "null",
        "[]",
        "\"ES256\"",
        "{\"alg\":\"ES256\"}x",
        "{\"alg\":\"ES256\",}",
        "\u{feff}{\"alg\":\"ES256\"}",
        r#"{"alg":"ES256","alg":"ES256"}"#,
        r#"{"alg":"none","\u0061lg":"ES256"}"#,
        r#"{"alg":"ES256","kid":"a","k\u0069d":"b"}"#,
        r#"{"alg":"ES256","x":{"y":1,"y":2}}"#,
        r#"{"alg":"ES256","kid":"\ud800"}"#,
        r#"{"alg":"ES256","x":NaN}"#,
    ] {
        assert_eq!(reason(with_header(header)), Reason::TokenMalformed, "{header}");
    }
    let not_utf8 = [base64url::encode(b"{\"alg\":\"ES256\",\"kid\":\"\xff\"}"), ".e30.AA".into()].concat();
    assert_eq!(reason(not_utf8), Reason::TokenMalformed);
}

#[portable]
fn the_header_is_taken_at_its_caps_and_refused_one_past_them() {
    let of_length = |bytes: usize| {
        let start = r#"{"alg":"ES256","kid":""#;
        format!("{start}{}\"}}", "k".repeat(bytes - start.len() - 2))
    };
    assert!(parsed(with_header(&of_length(MAX_JOSE_HEADER_BYTES))).is_ok());
    let past = refusal(with_header(&of_length(MAX_JOSE_HEADER_BYTES + 1)));
    assert_eq!(past.reason, Reason::TokenTooLarge);
    assert_eq!(past.detail, Detail::Size { found: MAX_JOSE_HEADER_BYTES + 1, max: MAX_JOSE_HEADER_BYTES });

    let of_depth = |depth: usize| {
        let inner = depth - 1;
        format!(r#"{{"alg":"ES256","x":{}{}}}"#, "[".repeat(inner), "]".repeat(inner))
    };
    assert!(parsed(with_header(&of_depth(MAX_TOKEN_JSON_DEPTH))).is_ok());
    assert_eq!(reason(with_header(&of_depth(MAX_TOKEN_JSON_DEPTH + 1))), Reason::TokenMalformed);
}

#[portable]
fn a_token_is_taken_at_its_cap_and_refused_one_past_it() {
    let text = with_header(r#"{"alg":"ES256"}"#);
    assert!(UnverifiedToken::parse(text.as_bytes(), text.len()).is_ok());
    let past = UnverifiedToken::parse(text.as_bytes(), text.len() - 1).err().unwrap();
    assert_eq!(past, Refusal::with(Reason::TokenTooLarge, Detail::Size { found: text.len(), max: text.len() - 1 }));
}

#[portable]
fn an_algorithm_of_ours_must_be_named_exactly() {
    for algorithm in Algorithm::ALL {
        let token = parsed(with_header(&json!({ "alg": algorithm.name() }).to_string())).ok().unwrap();
        assert_eq!(token.algorithm, *algorithm);
    }
    for name in ["EdDSA", "Ed25519"] {
        assert_eq!(
            parsed(with_header(&json!({ "alg": name }).to_string())).ok().unwrap().algorithm,
            Algorithm::Ed25519
        );
    }
    let names = [
        "none",
        "None",
        "NONE",
        "nOnE",
        "noNE",
        "none ",
        " none",
        "",
        "HS256",
        "HS384",
        "HS512",
        "hs256",
        "es256",
        "Es256",
        "ES256 ",
        "ES256\0",
        "ES256K",
        "ES512",
        "RS1",
        "rs256",
        "PS1",
        "EDDSA",
        "eddsa",
        "Ed448",
        "ed25519",
        "dir",
        "RSA-OAEP",
        "A256KW",
        "PBES2-HS256+A128KW",
        "ECDH-ES",
        "ML-DSA-44",
        "RS256,ES256",
    ];
    for name in names {
        assert_eq!(reason(with_header(&json!({ "alg": name }).to_string())), Reason::TokenAlgorithm, "{name}");
    }
    for header in [
        json!({}),
        json!({ "alg": null }),
        json!({ "alg": 256 }),
        json!({ "alg": ["ES256"] }),
        json!({ "Alg": "ES256" }),
    ] {
        assert_eq!(reason(with_header(&header.to_string())), Reason::TokenAlgorithm, "{header}");
    }
}

#[portable]
fn any_crit_and_any_b64_is_refused_also_with_a_bad_algorithm() {
    let values = [json!(["exp"]), json!([]), json!(["b64"]), json!(null), json!("exp"), json!(1), json!({})];
    for value in values {
        for alg in ["ES256", "none"] {
            let refusal = refusal(with_header(&json!({ "alg": alg, "crit": value }).to_string()));
            assert_eq!(refusal, Refusal::with(Reason::TokenCritical, Detail::Claim("crit".into())), "{value}");
        }
    }
    for value in [json!(true), json!(false), json!(null), json!("false")] {
        assert_eq!(reason(with_header(&json!({ "alg": "ES256", "b64": value }).to_string())), Reason::TokenCritical);
    }
}

#[portable]
fn an_encrypted_token_is_malformed() {
    assert_eq!(reason(with_header(r#"{"alg":"ES256","enc":"A256GCM"}"#)), Reason::TokenMalformed);
    assert_eq!(reason(with_header(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#)), Reason::TokenMalformed);
    let five_parts = format!("{}.AA.AA.AA.AA", base64url::encode(br#"{"alg":"dir","enc":"A256GCM"}"#));
    assert_eq!(reason(five_parts), Reason::TokenMalformed);
}

#[portable]
fn kid_and_typ_are_text_or_absent() {
    for name in ["kid", "typ"] {
        for value in [json!(null), json!(1), json!(true), json!(["JWT"]), json!({})] {
            let mut header = json!({ "alg": "ES256" });
            header[name] = value;
            assert_eq!(reason(with_header(&header.to_string())), Reason::TokenMalformed, "{header}");
        }
    }
    let token = parsed(with_header(r#"{"alg":"ES256"}"#)).ok().unwrap();
    assert_eq!((token.key_id, token.typ), (None, None));
}

#[portable]
fn typ_is_compared_without_case_and_without_application() {
    for (typ, wanted) in [
        ("JWT", "jwt"),
        ("application/jwt", "jwt"),
        ("APPLICATION/AT+JWT", "at+jwt"),
        ("at+jwt", "at+jwt"),
        ("application/x/y", "application/x/y"),
        ("text/jwt", "text/jwt"),
        ("", ""),
        ("JWT ", "jwt "),
        ("application/application/jwt", "application/application/jwt"),
    ] {
        let token = parsed(with_header(&json!({ "alg": "ES256", "typ": typ }).to_string())).ok().unwrap();
        assert_eq!(token.typ.as_deref(), Some(wanted));
    }
}

#[portable]
fn members_that_could_bring_a_key_are_not_even_looked_at() {
    let nonsense: [Value; 3] = [json!(1), json!({ "kty": "oct" }), json!("https://evil.example/keys")];
    for name in ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "cty", "zip"] {
        for value in &nonsense {
            let mut header = json!({ "alg": "ES256" });
            header[name] = value.clone();
            assert!(parsed(with_header(&header.to_string())).is_ok(), "{header}");
        }
    }
}

#[portable]
fn no_refusal_repeats_a_byte_of_the_token() {
    for text in [
        with_header(r#"{"alg":"s3cr3t"}"#),
        with_header(r#"{"alg":"ES256","kid":["s3cr3t"]}"#),
        with_header(r#"{"alg":"ES256","s3cr3t":s3cr3t}"#),
        "s3cr3t.s3cr3t".to_owned(),
        "s3cr3t!.s3cr3t.s3cr3t".to_owned(),
    ] {
        let refusal = refusal(&text);
        assert!(!format!("{refusal:?} {}", refusal.detail).contains("s3cr3t"), "{text}");
    }
}

#[portable]
fn an_opaque_an_encrypted_and_an_unsigned_token_are_named_as_such() {
    let told = |text: &str| refusal(text).detail.to_string();
    assert!(told("2YotnFZFEjr1zCsicMWpAA").starts_with("the token is opaque, without dots: only signed JWTs"));
    assert!(told("a.b.c.d.e").starts_with("the token is encrypted, five parts: only signed JWTs"));
    for other in ["a.b", "a.b.c.d", "a.b.c.d.e.f"] {
        assert_eq!(told(other), "the token is not three parts separated by dots");
    }
    for name in ["none", "HS256", "ES512"] {
        let told = told(&with_header(&json!({ "alg": name }).to_string()));
        assert!(told.starts_with(&format!("`alg` is `{name}`, wanted `RS256`")), "{told}");
    }
    assert!(told(&with_header("{}")).starts_with("`alg` is absent, wanted `RS256`"));
    let unknown = told(&with_header(r#"{"alg":"RS-256"}"#));
    assert_eq!(unknown, "`alg` of the token is not a registered signature algorithm");
}
