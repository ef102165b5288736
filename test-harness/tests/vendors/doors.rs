//! Front doors that sign a JWT.

use serde_json::json;
use test_harness::keys::KEYS;

use super::{Form, TAG, Vendor, claims, header, placed};

pub fn google_iap(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Google Identity-Aware Proxy",
            preset: None,
            key: &KEYS.corp_es256,
            keys_at: "https://www.gstatic.com/iap/verify/public_key-jwk",
            place: "x-goog-iap-jwt-assertion",
            typ: Some("JWT"),
            principal: r#"iap::User::"accounts.google.com:1234""#,
            claims: json!({
                "iss": "https://cloud.google.com/iap", "aud": "/projects/123456789/global/backendServices/987654321",
                "sub": "accounts.google.com:1234", "email": "alice@example.com", "hd": "example.com", "iat": now - 60,
                "exp": now + 540, "google": { "access_levels": ["accessPolicies/1/accessLevels/managed"] },
            }),
            rows: vec![
                claims("token-audience", json!({ "aud": "/projects/123456789/global/backendServices/987654322" })),
                claims("token-audience", json!({ "aud": "/projects/123456789/apps/example" })),
                claims("token-audience", json!({ "aud": "/projects/123456789/global/backendServices/987654321/" })),
                claims("token-lifetime", json!({ "exp": now - 60 + 661 })),
                claims("token-lifetime", json!({ "exp": now + 3600 })),
                claims("token-claim-missing", json!({ "iat": null })),
                claims("token-issuer", json!({ "iss": "https://accounts.google.com" })),
                claims("token-claim-missing", json!({ "sub": null })),
                claims("token-claim-type", json!({ "google": ["accessPolicies/1/accessLevels/managed"] })),
                claims("token-claim-type", json!({ "/google/access_levels": "accessPolicies/1/accessLevels/managed" })),
                claims("not-permitted", json!({ "/google/access_levels": [] })),
                claims(
                    "not-permitted",
                    json!({ "google": null, "access_levels": ["accessPolicies/1/accessLevels/managed"] }),
                ),
                claims("not-permitted", json!({ "/google/access_levels": ["accessPolicies/1/accessLevels/managed2"] })),
                placed("credential-misplaced", "authorization"),
                placed("credential-missing", "x-goog-authenticated-user-id"),
            ],
        },
    )
}

pub fn cloudflare_access(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Cloudflare Access",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://example.cloudflareaccess.com/cdn-cgi/access/certs",
            place: "cf-access-jwt-assertion",
            typ: Some("JWT"),
            principal: r#"access::User::"7335d417-61da-459d-899c-0a01c76a2f94""#,
            claims: json!({
                "aud": [TAG], "email": "alice@example.com", "exp": now + 60, "iat": now, "nbf": now,
                "iss": "https://example.cloudflareaccess.com", "type": "app", "identity_nonce": "6ei69kawdKzMIAPF",
                "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "country": "US",
            }),
            rows: vec![
                claims("token-issuer", json!({ "iss": "https://other.cloudflareaccess.com" })),
                claims("token-issuer", json!({ "iss": "https://example.cloudflareaccess.com/" })),
                claims("token-pin", json!({ "type": "org" })),
                claims("token-pin", json!({ "type": ["app"] })),
                claims("token-pin", json!({ "type": null })),
                claims("token-audience", json!({ "aud": [TAG.to_uppercase()] })),
                claims("token-audience", json!({ "aud": [] })),
                // A service token.
                claims(
                    "token-claim-type",
                    json!({ "sub": "", "common_name": "e367826f93b8d711.access", "email": null }),
                ),
                claims("token-claim-missing", json!({ "sub": null, "common_name": "e367826f93b8d711.access" })),
                claims("token-claim-type", json!({ "email": ["alice@example.com"] })),
                claims("not-permitted", json!({ "email": "alice@example.com.evil.example" })),
                claims("not-permitted", json!({ "email": null })),
                header("token-typ", json!({ "typ": null })),
                placed("credential-misplaced", "authorization"),
            ],
        },
    )
}

pub fn pomerium(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Pomerium",
            preset: None,
            key: &KEYS.corp_es256,
            keys_at: "https://shop.example.com/.well-known/pomerium/jwks.json",
            place: "x-pomerium-jwt-assertion",
            typ: None,
            principal: r#"pomerium::User::"user-1""#,
            claims: json!({
                "iss": "shop.example.com", "aud": "shop.example.com", "iat": now - 10, "exp": now + 290,
                "sub": "user-1",
                "email": "alice@example.com", "groups": ["staff"], "name": "Alice",
            }),
            rows: vec![
                claims("token-issuer", json!({ "iss": "other.example.com", "aud": "other.example.com" })),
                claims("token-issuer", json!({ "iss": "https://shop.example.com" })),
                claims("token-audience", json!({ "aud": "other.example.com" })),
                claims("token-audience", json!({ "aud": "https://shop.example.com" })),
                claims("token-claim-type", json!({ "groups": "staff" })),
                claims("token-claim-type", json!({ "groups": ["staff", 7] })),
                claims("token-claim-missing", json!({ "sub": null })),
                claims("not-permitted", json!({ "groups": ["staff2"] })),
                claims("not-permitted", json!({ "groups": null })),
                placed("credential-misplaced", "authorization"),
                placed("credential-missing", "x-pomerium-claim-sub"),
            ],
        },
    )
}
