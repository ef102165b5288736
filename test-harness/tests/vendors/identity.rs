//! Identity providers.

use serde_json::json;
use test_harness::keys::KEYS;

use super::{Form, OTHER_TENANT, TENANT, Vendor, claims, header};

pub fn entra(now: i64) -> Vendor {
    let other = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    Vendor::of(
        now,
        Form {
            heading: "Microsoft Entra ID",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://login.microsoftonline.com/3f2504e0-4f89-41d3-9a0c-0305e82c3301/discovery/v2.0/keys",
            place: "authorization",
            typ: Some("JWT"),
            principal: r#"entra::User::"22222222-bbbb-4843-9ff4-000000000000""#,
            claims: json!({
                "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
                "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
                "iat": now - 300, "nbf": now - 300, "exp": now + 3600, "azp": "11111111-aaaa-4843-9ff4-000000000000",
                "azpacr": "1", "oid": "22222222-bbbb-4843-9ff4-000000000000", "scp": "Orders.Read profile",
                "roles": ["Clerk"],
                "groups": ["33333333-cccc-4843-9ff4-000000000000"], "sub": "AbCdEf", "tid": TENANT, "uti": "u",
                "ver": "2.0",
                "acrs": ["c1"], "xms_cc": ["cp1"],
            }),
            rows: vec![
                claims("token-issuer", json!({ "iss": other, "tid": OTHER_TENANT })),
                claims("token-issuer", json!({ "iss": other })),
                claims("token-issuer", json!({ "iss": format!("https://sts.windows.net/{TENANT}/"), "ver": "1.0" })),
                claims("token-issuer", json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}") })),
                claims("token-pin", json!({ "tid": OTHER_TENANT })),
                claims("token-pin", json!({ "tid": TENANT.to_uppercase() })),
                claims("token-pin", json!({ "tid": [TENANT] })),
                claims("token-pin", json!({ "tid": null })),
                claims("token-pin", json!({ "ver": "1.0" })),
                claims("token-pin", json!({ "ver": 2.0 })),
                claims("token-claim-missing", json!({ "azp": null, "appid": "11111111-aaaa-4843-9ff4-000000000000" })),
                // Microsoft Graph's.
                claims("token-audience", json!({ "aud": "00000003-0000-0000-c000-000000000000" })),
                // An ID token without a mark.
                claims("token-claim-missing", json!({ "azp": null, "scp": null })),
                claims("token-claim-missing", json!({ "azp": null })),
                // An application that acts for itself.
                claims("token-claim-missing", json!({ "scp": null, "idtyp": "app" })),
                claims("token-claim-missing", json!({ "oid": null })),
                claims("token-group-overage", json!({ "groups": null, "_claim_names": { "groups": "src1" } })),
                claims("token-group-overage", json!({ "groups": null, "hasgroups": true })),
                claims("token-group-overage", json!({ "groups": null, "hasgroups": "true" })),
                claims("token-claim-missing", json!({ "scp": null, "_claim_names": { "scp": "src1" } })),
                claims("token-claim-type", json!({ "groups": "33333333-cccc-4843-9ff4-000000000000" })),
                claims("token-claim-type", json!({ "roles": "Clerk" })),
                claims("token-claim-type", json!({ "acrs": "c1" })),
                claims("not-permitted", json!({ "scp": "Orders.ReadWrite" })),
                claims("not-permitted", json!({ "scp": "" })),
                claims("not-permitted", json!({ "scp": "orders.read" })),
                header("token-typ", json!({ "typ": "at+jwt" })),
            ],
        },
    )
}

pub fn entra_v1(now: i64) -> Vendor {
    let other = format!("https://sts.windows.net/{OTHER_TENANT}/");
    Vendor::of(
        now,
        Form {
            heading: "Microsoft Entra ID",
            preset: Some("entra-v1"),
            key: &KEYS.corp_rs256,
            keys_at: "https://login.microsoftonline.com/3f2504e0-4f89-41d3-9a0c-0305e82c3301/discovery/keys",
            place: "authorization",
            typ: Some("JWT"),
            principal: r#"entra::User::"22222222-bbbb-4843-9ff4-000000000000""#,
            claims: json!({
                "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": format!("https://sts.windows.net/{TENANT}/"),
                "iat": now - 300, "nbf": now - 300, "exp": now + 3600, "acr": "1", "amr": ["pwd", "mfa"],
                "appid": "11111111-aaaa-4843-9ff4-000000000000", "appidacr": "0", "family_name": "A",
                "given_name": "Alice",
                "groups": ["33333333-cccc-4843-9ff4-000000000000"], "ipaddr": "203.0.113.7", "name": "Alice A",
                "oid": "22222222-bbbb-4843-9ff4-000000000000", "scp": "Orders.Read", "sub": "AbCdEf", "tid": TENANT,
                "unique_name": "alice@example.com", "upn": "alice@example.com", "uti": "u", "ver": "1.0",
            }),
            rows: vec![
                // Of version 2.0, whole and in part.
                claims(
                    "token-issuer",
                    json!({
                        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "ver": "2.0", "appid": null,
                        "azp": "11111111-aaaa-4843-9ff4-000000000000",
                    }),
                ),
                claims("token-issuer", json!({ "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0") })),
                claims("token-pin", json!({ "ver": "2.0" })),
                claims("token-pin", json!({ "ver": 1.0 })),
                claims("token-pin", json!({ "ver": null })),
                claims("token-claim-missing", json!({ "appid": null, "azp": "11111111-aaaa-4843-9ff4-000000000000" })),
                // Of another tenant.
                claims("token-issuer", json!({ "iss": other, "tid": OTHER_TENANT })),
                claims("token-issuer", json!({ "iss": other })),
                claims("token-issuer", json!({ "iss": format!("https://sts.windows.net/{TENANT}") })),
                claims("token-issuer", json!({ "iss": format!("https://sts.windows.net/{}/", TENANT.to_uppercase()) })),
                claims("token-issuer", json!({ "iss": "https://sts.windows.net/common/" })),
                claims("token-issuer", json!({ "iss": format!("https://sts.chinacloudapi.cn/{TENANT}/") })),
                claims("token-pin", json!({ "tid": OTHER_TENANT })),
                claims("token-pin", json!({ "tid": [TENANT] })),
                claims("token-pin", json!({ "tid": null })),
                // For Microsoft Graph, by its URI and by its id.
                claims("token-audience", json!({ "aud": "https://graph.microsoft.com" })),
                claims("token-audience", json!({ "aud": "00000003-0000-0000-c000-000000000000" })),
                claims("token-audience", json!({ "aud": "api://6e74172b-be56-4843-9ff4-e66a39bb12e3" })),
                // An ID token: of the client, or of an application that is its own client.
                claims(
                    "token-audience",
                    json!({
                        "aud": "11111111-aaaa-4843-9ff4-000000000000", "appid": null, "scp": null, "nonce": "n",
                    }),
                ),
                claims("token-claim-missing", json!({ "appid": null, "scp": null })),
                claims("token-claim-missing", json!({ "appid": null })),
                // An application that acts for itself.
                claims(
                    "token-claim-missing",
                    json!({
                        "scp": null, "idtyp": "app", "appidacr": "1", "roles": ["Orders.Read.All"], "upn": null,
                        "groups": null,
                    }),
                ),
                claims("token-claim-missing", json!({ "scp": null })),
                // A name or an address in place of the object's id.
                claims("token-claim-missing", json!({ "oid": null })),
                claims(
                    "token-group-overage",
                    json!({
                        "groups": null, "_claim_names": { "groups": "src1" },
                        "_claim_sources": { "src1": { "endpoint": "https://graph.windows.net/evil/getMemberObjects" } },
                    }),
                ),
                claims("token-group-overage", json!({ "groups": null, "hasgroups": true })),
                claims("token-group-overage", json!({ "groups": null, "hasgroups": "true" })),
                claims("token-claim-type", json!({ "groups": "33333333-cccc-4843-9ff4-000000000000" })),
                claims("token-claim-type", json!({ "roles": "Clerk" })),
                claims("token-claim-type", json!({ "appid": ["11111111-aaaa-4843-9ff4-000000000000"] })),
                claims("not-permitted", json!({ "scp": "Orders.ReadWrite" })),
                claims("not-permitted", json!({ "scp": "orders.read" })),
                claims("not-permitted", json!({ "scp": "", "roles": ["Orders.Read"] })),
                header("token-typ", json!({ "typ": "at+jwt" })),
                header("token-typ", json!({ "typ": null })),
            ],
        },
    )
}

pub fn okta(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Okta",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://example.okta.com/oauth2/default/v1/keys",
            place: "authorization",
            typ: None,
            principal: r#"okta::User::"00uid4BxXw6I6TV4m0g3""#,
            claims: json!({
                "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
                "iss": "https://example.okta.com/oauth2/default",
                "aud": "api://default", "iat": now, "exp": now + 3600, "cid": "nmdP1fcyvdVO11AL7ECm",
                "uid": "00uid4BxXw6I6TV4m0g3",
                "scp": ["openid", "orders.read"], "auth_time": now - 60, "sub": "alice@example.com",
            }),
            rows: vec![
                claims("token-issuer", json!({ "iss": "https://example.okta.com" })),
                claims("token-issuer", json!({ "iss": "https://example.okta.com/oauth2/other" })),
                claims("token-issuer", json!({ "iss": "https://evil.okta.com/oauth2/default" })),
                claims("token-pin", json!({ "ver": "1" })),
                claims("token-pin", json!({ "ver": 2 })),
                claims("token-pin", json!({ "ver": null })),
                // An ID token: its audience is the client.
                claims("token-audience", json!({ "aud": "nmdP1fcyvdVO11AL7ECm", "cid": null, "uid": null })),
                claims("token-claim-missing", json!({ "cid": null })),
                // A client that acts for itself.
                claims("token-claim-missing", json!({ "uid": null, "sub": "nmdP1fcyvdVO11AL7ECm" })),
                claims("token-claim-type", json!({ "uid": ["00uid4BxXw6I6TV4m0g3"] })),
                claims("token-claim-type", json!({ "cid": 7 })),
                claims("token-claim-type", json!({ "scp": ["orders.read orders.write"] })),
                claims("token-claim-type", json!({ "scp": { "orders.read": true } })),
                claims("not-permitted", json!({ "scp": ["orders.readonly"] })),
                claims("not-permitted", json!({ "scp": null })),
                header("token-typ", json!({ "typ": "JWT" })),
            ],
        },
    )
}

pub fn auth0(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Auth0",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://example.eu.auth0.com/.well-known/jwks.json",
            place: "authorization",
            typ: Some("JWT"),
            principal: r#"auth0::User::"auth0|alice""#,
            claims: json!({
                "iss": "https://example.eu.auth0.com/", "sub": "auth0|alice", "aud": [
                    "https://shop.example.com", "https://example.eu.auth0.com/userinfo",
                ], "iat": now, "exp": now + 3600, "azp": "bx7S2h", "scope": "openid orders:read",
                "permissions": ["orders:read"],
            }),
            rows: vec![
                claims("token-issuer", json!({ "iss": "https://example.eu.auth0.com" })),
                claims("token-issuer", json!({ "iss": "https://example.us.auth0.com/" })),
                // An ID token: its audience is the application.
                claims("token-audience", json!({ "aud": "bx7S2h", "scope": null })),
                claims("token-audience", json!({ "aud": ["https://example.eu.auth0.com/userinfo"] })),
                claims("token-audience", json!({ "aud": "https://shop.example.com/" })),
                claims("token-claim-forbidden", json!({ "gty": "client-credentials", "sub": "bx7S2h@clients" })),
                claims("token-claim-forbidden", json!({ "gty": "password" })),
                claims("token-claim-missing", json!({ "sub": null })),
                claims("token-claim-type", json!({ "permissions": "orders:read" })),
                claims("token-claim-type", json!({ "azp": ["bx7S2h"] })),
                claims("not-permitted", json!({ "scope": "openid" })),
                claims("not-permitted", json!({ "scope": "orders:readonly" })),
                claims("not-permitted", json!({ "scope": null })),
                header("token-typ", json!({ "typ": null })),
            ],
        },
    )
}

pub fn keycloak(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Keycloak",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://login.example.com/realms/shop/protocol/openid-connect/certs",
            place: "authorization",
            typ: Some("JWT"),
            principal: r#"keycloak::User::"7335d417-61da-459d-899c-0a01c76a2f94""#,
            claims: json!({
                "iss": "https://login.example.com/realms/shop", "aud": ["orders", "account"], "iat": now,
                "exp": now + 300,
                "jti": "j", "sub": "7335d417-61da-459d-899c-0a01c76a2f94", "typ": "Bearer", "azp": "web", "acr": "1",
                "sid": "s",
                "realm_access": { "roles": ["clerk"] }, "scope": "openid email",
            }),
            rows: vec![
                claims("token-pin", json!({ "typ": "ID" })),
                claims("token-pin", json!({ "typ": "Refresh" })),
                claims("token-pin", json!({ "typ": "Offline" })),
                claims("token-pin", json!({ "typ": "bearer" })),
                claims("token-pin", json!({ "typ": ["Bearer"] })),
                claims("token-pin", json!({ "typ": null })),
                claims("token-issuer", json!({ "iss": "https://login.example.com/realms/other" })),
                claims("token-issuer", json!({ "iss": "https://login.example.com/realms/shop/" })),
                claims("token-issuer", json!({ "iss": "https://login.example.com/auth/realms/shop" })),
                claims("token-audience", json!({ "aud": "account" })),
                claims("token-audience", json!({ "aud": ["account", "web"] })),
                claims("token-claim-missing", json!({ "sub": null })),
                claims("token-claim-type", json!({ "realm_access": ["clerk"] })),
                claims("token-claim-type", json!({ "/realm_access/roles": "clerk" })),
                claims("token-claim-type", json!({ "acr": 1 })),
                claims("not-permitted", json!({ "/realm_access/roles": ["clerks"] })),
                claims("not-permitted", json!({ "realm_access": null, "roles": ["clerk"] })),
                claims(
                    "not-permitted",
                    json!({ "realm_access": null, "resource_access": { "web": { "roles": ["clerk"] } } }),
                ),
                header("token-typ", json!({ "typ": null })),
            ],
        },
    )
}
