//! `from`: where the tokens of an issuer are accepted.

use serde_json::{Value, json};

use super::{also, assert_problem, document, plan, with};
use crate::portable;
use crate::profile::CredentialPlace;

fn header(name: &str, prefix: &str) -> CredentialPlace {
    CredentialPlace::Header { name: name.into(), prefix: prefix.into() }
}

fn from(places: Value) -> Value {
    with("/issuers/corp/from", places)
}

#[portable]
fn the_places_reach_the_plan_and_authorization_is_the_default() {
    assert_eq!(plan(&document()).0.issuers[0].from, [CredentialPlace::Authorization]);
    let places = json!([{ "cookie": "IdToken" }, "authorization", { "header": "X-Id-Token", "prefix": "Token " }, { "header": "x-jwt" }]);
    let expected = [
        CredentialPlace::Cookie { name: "IdToken".into() },
        CredentialPlace::Authorization,
        header("x-id-token", "Token "),
        header("x-jwt", ""),
    ];
    assert_eq!(plan(&from(places)).0.issuers[0].from, expected);
}

#[portable]
fn what_is_not_a_place_is_an_error_that_says_what_to_write() {
    for (place, inside, code, message, help) in [
        (json!("Authorization"), "", "bad-value", "is not one of `authorization`", "`authorization`"),
        (json!("query"), "", "bad-value", "never read from the query", "cookie"),
        (json!({ "query": "token" }), "", "bad-value", "RFC 9700", "`Authorization`"),
        (json!({ "query_parameter": "token" }), "", "bad-value", "RFC 9700", "`Authorization`"),
        (json!(7), "", "wrong-type", "found a number", "a list of places"),
        (json!({}), "", "missing-field", "`header` is missing", "`x-id-token`"),
        (json!({ "prefix": "x" }), "", "missing-field", "`header` is missing", "`x-id-token`"),
        (json!({ "header": "x-a", "cookie": "a" }), "", "contradiction", "`header` and `cookie`", "two places"),
        (json!({ "cookie": "a", "prefix": "x" }), "/prefix", "contradiction", "its value is the token", "remove"),
        (
            json!({ "header": "authorization" }),
            "/header",
            "header-collision",
            "access token",
            "`Authorization: Bearer`",
        ),
        (json!({ "header": "Cookie" }), "/header", "header-collision", "client's state", "`{ cookie: NAME }`"),
        (json!({ "header": "host" }), "/header", "header-collision", "names the application", "`x-id-token`"),
        (json!({ "header": ":path" }), "/header", "header-collision", "pseudo-header", "`x-id-token`"),
        (json!({ "header": "te" }), "/header", "header-collision", "each hop", "`x-id-token`"),
        (json!({ "header": "content-type" }), "/header", "header-collision", "of its own in HTTP", "`x-id-token`"),
        (json!({ "header": "sec-fetch-site" }), "/header", "header-collision", "of its own in HTTP", "`x-id-token`"),
        (json!({ "header": "x-countersign-subject" }), "/header", "header-collision", "own", "`x-id-token`"),
        (
            json!({ "header": "x-forwarded-host" }),
            "/header",
            "header-collision",
            "another method, host",
            "`x-id-token`",
        ),
        (json!({ "header": "x_id_token" }), "/header", "bad-name", "`_`", "`x-id-token`"),
        (json!({ "header": "x-device-posture" }), "", "header-collision", "posture of `mdm`", "`x-id-token`"),
        (
            json!({ "header": "x-a", "prefix": "" }),
            "/prefix",
            "bad-value",
            "cannot be at the beginning",
            "remove `prefix`",
        ),
        (json!({ "header": "x-a", "prefix": " a" }), "/prefix", "bad-value", "cannot be at the beginning", "visible"),
        (json!({ "header": "x-a", "prefix": "ä" }), "/prefix", "bad-value", "cannot be at the beginning", "visible"),
        (json!({ "cookie": "Id Token" }), "/cookie", "bad-name", "name of a cookie", "`IdToken`"),
        (json!({ "cookie": "a=b" }), "/cookie", "bad-name", "name of a cookie", "`IdToken`"),
        (json!({ "cookie": "$Version" }), "/cookie", "bad-name", "name of a cookie", "`IdToken`"),
        (json!({ "cookie": "" }), "/cookie", "bad-value", "empty", "`IdToken`"),
    ] {
        assert_problem(&from(json!([place])), &format!("/issuers/corp/from/0{inside}"), code, message, help);
    }
    assert_problem(&from(json!([])), "/issuers/corp/from", "empty-list", "empty", "a list of places");
    let twice = json!([{ "header": "x-a" }, { "header": "X-A" }]);
    assert_problem(&from(twice), "/issuers/corp/from/1", "duplicate-value", "twice", "remove");
}

#[portable]
fn a_header_has_one_meaning_and_one_prefix() {
    for (other, collides) in [
        (json!({ "header": "x-a" }), true),
        (json!({ "header": "x-a", "prefix": "token " }), true),
        (json!({ "header": "x.a", "prefix": "Token " }), true),
        (json!({ "header": "x-b" }), false),
        (json!({ "cookie": "x-a" }), false),
    ] {
        let document = from(json!([{ "header": "x-a", "prefix": "Token " }, other]));
        if collides {
            let message = "another spelling or another `prefix`";
            assert_problem(&document, "/issuers/corp/from/1", "header-collision", message, "the same header");
        } else {
            plan(&document);
        }
    }
    let places = json!([{ "header": "x-a" }]);
    let identity = also(from(places.clone()), "/identity_headers", json!({ "x-a": { "payload": "corp" } }));
    assert_problem(&identity, "/issuers/corp/from/0", "header-collision", "`identity_headers` sets it", "of its own");
    for (list, help) in [("remove", "`forward: never`"), ("keep", "`forward: verified`")] {
        let listed = also(from(places.clone()), "/request_headers", json!({ list: ["x-a"] }));
        let place = format!("/request_headers/{list}/0");
        assert_problem(&listed, &place, "reserved-name", "access tokens of `corp` are read from it", help);
    }
}
