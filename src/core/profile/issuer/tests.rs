use serde_json::{Value, json};

use super::{IssuerTemplate, TemplateFault};
use crate::jose::{ClaimPath, Claims};
use crate::limits::MAX_TENANT_BYTES;
use crate::portable;
use crate::profile::IssuerId;
use crate::refusal::{Detail, Reason, Refusal};

const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

fn parse(text: &str) -> Result<IssuerTemplate, TemplateFault> {
    IssuerTemplate::parse(text, ClaimPath(vec!["tid".to_owned()]))
}

fn issuer(template: &str) -> IssuerId {
    IssuerId::Template(parse(template).unwrap())
}

fn judged(issuer: &IssuerId, claims: Value) -> Result<(), Refusal> {
    issuer.judge(&Claims::for_test(claims))
}

#[portable]
fn a_template_is_an_https_url_with_one_whole_segment_open() {
    for text in [
        TEMPLATE,
        "https://login.example/{t}",
        "https://login.example/{t}/",
        "https://login.example:8443/a/{tenant-id_2}/b/c",
        "https://[2001:db8::1]/{t}/v2.0",
    ] {
        let template = parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        assert_eq!(template.as_written(), text);
    }
    for (text, fault) in [
        ("https://login.example/v2.0", TemplateFault::OneHole),
        ("https://login.example/{a}/{b}", TemplateFault::OneHole),
        ("https://login.example/{a}{b}", TemplateFault::OneHole),
        ("https://login.example/{{a}}", TemplateFault::OneHole),
        ("https://login.example/}a{", TemplateFault::OneHole),
        ("https://login.example/{a", TemplateFault::OneHole),
        ("https://login.example/{}/v2.0", TemplateFault::HoleName),
        ("https://login.example/{a/b}/v2.0", TemplateFault::HoleName),
        ("https://login.example/{a b}/v2.0", TemplateFault::HoleName),
        ("https://login.example/t-{a}/v2.0", TemplateFault::NotASegment),
        ("https://login.example/{a}-t/v2.0", TemplateFault::NotASegment),
        ("https://login.example/{a}v2.0", TemplateFault::NotASegment),
        ("https://{a}/v2.0", TemplateFault::NotASegment),
        ("https://{a}.login.example/v2.0", TemplateFault::NotASegment),
        ("https:///{a}/v2.0", TemplateFault::NotHttps),
        ("http://login.example/{a}/v2.0", TemplateFault::NotHttps),
        ("HTTPS://login.example/{a}", TemplateFault::NotHttps),
        ("urn:tenant/{a}", TemplateFault::NotHttps),
        ("{a}", TemplateFault::NotHttps),
        ("https://login.example/x?t=/{a}", TemplateFault::NotHttps),
        ("https://login.example/{a}/#x", TemplateFault::NotHttps),
        ("https://user@login.example/{a}", TemplateFault::NotHttps),
        ("https://login.example/{a}/ü", TemplateFault::NotHttps),
    ] {
        assert_eq!(parse(text), Err(fault), "{text}");
    }
}

#[portable]
fn iss_is_the_template_with_the_tokens_own_tenant() {
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for tenant in [id, "blue", "Blue", "a.b_c~d-9", "...", "-"] {
        let claims = json!({ "iss": format!("https://login.example/{tenant}/v2.0"), "tid": tenant });
        assert_eq!(judged(&issuer(TEMPLATE), claims), Ok(()), "{tenant}");
    }
    let nested = IssuerTemplate::parse(TEMPLATE, ClaimPath(vec!["org".to_owned(), "id".to_owned()])).unwrap();
    let claims = json!({ "iss": "https://login.example/blue/v2.0", "org": { "id": "blue" } });
    assert_eq!(judged(&IssuerId::Template(nested), claims), Ok(()));
}

#[portable]
fn a_tenant_that_is_not_the_tokens_own_is_refused() {
    let other = Err(Refusal::with(Reason::TokenIssuer, Detail::Claim("tid".to_owned())));
    let blue = "https://login.example/blue/v2.0";
    for tenant in ["red", "Blue", "BLUE", "blue ", " blue", "blue/v2.0", "", "b%6Cue", "blue\0", "{tenantid}"] {
        assert_eq!(judged(&issuer(TEMPLATE), json!({ "iss": blue, "tid": tenant })), other, "{tenant}");
    }
    let missing = Refusal::with(Reason::TokenClaimMissing, Detail::Claim("tid".to_owned()));
    assert_eq!(judged(&issuer(TEMPLATE), json!({ "iss": blue })), Err(missing));
    for tenant in [json!(null), json!(1), json!(true), json!(["blue"]), json!({ "blue": "blue" })] {
        let refusal = judged(&issuer(TEMPLATE), json!({ "iss": blue, "tid": tenant })).unwrap_err();
        assert_eq!(refusal.reason, Reason::TokenClaimType, "{tenant}");
        assert!(matches!(refusal.detail, Detail::Type { claim, .. } if claim == "tid"));
    }
}

#[portable]
fn a_tenant_that_is_no_safe_segment_is_refused_though_iss_repeats_it() {
    for tenant in [
        "",
        ".",
        "..",
        "blue/x",
        "/blue",
        "blue/",
        "blue%2Fx",
        "%2e%2e",
        "blue?x",
        "blue#x",
        "blue\\x",
        "blue x",
        "blue;x",
        "blue:x",
        "blue@x",
        "blue\0",
        "bläu",
        "{tenantid}",
        "{tid}",
        "*",
    ] {
        let claims = json!({ "iss": format!("https://login.example/{tenant}/v2.0"), "tid": tenant });
        assert_eq!(judged(&issuer(TEMPLATE), claims), Err(Refusal::new(Reason::TokenIssuer)), "{tenant}");
    }
    let of_length = |length: usize| {
        let tenant = "a".repeat(length);
        judged(&issuer(TEMPLATE), json!({ "iss": format!("https://login.example/{tenant}/v2.0"), "tid": tenant }))
    };
    assert_eq!(of_length(MAX_TENANT_BYTES), Ok(()));
    assert_eq!(of_length(MAX_TENANT_BYTES + 1), Err(Refusal::new(Reason::TokenIssuer)));
}

#[portable]
fn the_rest_of_iss_is_exactly_the_templates() {
    for iss in [
        "https://login.example/blue/v2.0/",
        "https://login.example/blue/V2.0",
        "https://login.example/blue",
        "https://login.example/blue/",
        "https://login.example//v2.0",
        "https://login.example/v2.0",
        "https://LOGIN.example/blue/v2.0",
        "http://login.example/blue/v2.0",
        "https://login.example:443/blue/v2.0",
        "https://login.example.evil.example/blue/v2.0",
        "https://evil.example/https://login.example/blue/v2.0",
        "https://login.example/x/blue/v2.0",
        "https://login.example/blue/v2.0?x",
        "https://login.example/{tenantid}/v2.0",
        "blue",
        "",
    ] {
        let refusal = judged(&issuer(TEMPLATE), json!({ "iss": iss, "tid": "blue" }));
        assert_eq!(refusal, Err(Refusal::new(Reason::TokenIssuer)), "{iss}");
    }
    assert_eq!(judged(&issuer(TEMPLATE), json!({ "tid": "blue" })), Err(Refusal::new(Reason::TokenIssuer)));
    let list = judged(&issuer(TEMPLATE), json!({ "iss": ["https://login.example/blue/v2.0"], "tid": "blue" }));
    assert_eq!(list.unwrap_err().reason, Reason::TokenClaimType);
}

/// What overlaps is what one token can be taken by both of: every tenant of a small world is tried.
#[portable]
fn issuers_overlap_where_one_iss_fits_both() {
    let ids = [
        issuer("https://login.example/{a}/v2.0"),
        issuer("https://login.example/{b}/v2.0/"),
        issuer("https://login.example/{c}"),
        issuer("https://login.example/blue/{d}"),
        issuer("https://login.example/..%2f/{e}"),
        issuer("https://login.example/x/{f}/v2.0"),
        issuer("https://other.example/{g}/v2.0"),
        IssuerId::Exactly("https://login.example/blue/v2.0".to_owned()),
        IssuerId::Exactly("https://login.example/../v2.0".to_owned()),
        IssuerId::Exactly("https://login.example/blue".to_owned()),
        IssuerId::Exactly("https://login.example/x/y/v2.0".to_owned()),
        IssuerId::Absent,
    ];
    let words = ["blue", "v2.0", "x", "y", "..", "..%2f", ""];
    let mut world = vec![None];
    for host in ["login.example", "other.example"] {
        for one in words {
            world.push(Some(format!("https://{host}/{one}")));
            for two in words {
                world.push(Some(format!("https://{host}/{one}/{two}")));
                world.extend(words.map(|three| Some(format!("https://{host}/{one}/{two}/{three}"))));
            }
        }
    }
    let mut overlapping = 0;
    for one in &ids {
        for other in &ids {
            let common = world.iter().any(|iss| one.can_be(iss.as_deref()) && other.can_be(iss.as_deref()));
            assert_eq!(one.overlaps(other), common, "{one:?} {other:?}");
            overlapping += usize::from(common);
        }
    }
    assert!(overlapping > ids.len(), "the world has no two issuers that overlap");
}
