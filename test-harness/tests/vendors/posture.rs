//! Device providers.

use serde_json::json;
use test_harness::keys::KEYS;

use super::{Change, DEVICE, Form, Vendor, claims, header};

pub fn crowdstrike(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "CrowdStrike",
            preset: None,
            key: &KEYS.corp_rs256,
            keys_at: "https://assets-public.falcon.crowdstrike.com/zta/jwk.json",
            place: "x-device-posture",
            typ: Some("crowdstrike-zta+jwt"),
            principal: r#"corp::User::"alice""#,
            claims: json!({
                "assessment": { "overall": 90, "os": 85, "sensor_config": 96, "version": "2.1.0" },
                "cid": "abcd123456789efg", "exp": now + 14 * 86_400 - 60, "iat": now - 60,
                "jwk_url": "https://assets-public.falcon.crowdstrike.com/zta/jwk.json", "platform": "Windows 11",
                "serial_number": DEVICE, "sub": "agent-1", "typ": "crowdstrike-zta+jwt",
            }),
            rows: vec![
                header("allow", json!({ "typ": "JWT" })),
                header("allow", json!({ "typ": "application/crowdstrike-zta+jwt" })),
                claims("posture-refused", json!({ "cid": "ffff123456789efg" })),
                claims("posture-refused", json!({ "cid": "ABCD123456789EFG" })),
                claims("posture-refused", json!({ "cid": "ABCD123456789EFG-1X" })),
                claims("posture-refused", json!({ "cid": ["abcd123456789efg"] })),
                claims("posture-refused", json!({ "cid": null })),
                claims("posture-refused", json!({ "cid": "abcd123456789efg " })),
                claims("posture-refused", json!({ "iss": "https://falcon.crowdstrike.com" })),
                claims("posture-refused", json!({ "assessment": null })),
                claims("posture-refused", json!({ "assessment": 90 })),
                claims("posture-refused", json!({ "/assessment/overall": "90" })),
                claims("posture-refused", json!({ "/assessment/overall": 90.5 })),
                claims("posture-refused", json!({ "/assessment/overall": null })),
                claims("posture-refused", json!({ "serial_number": [DEVICE] })),
                claims("posture-not-bound", json!({ "serial_number": "device-8" })),
                claims("posture-not-bound", json!({ "serial_number": "DEVICE-7" })),
                claims("not-permitted", json!({ "/assessment/overall": 69 })),
                claims("not-permitted", json!({ "/assessment/overall": -1 })),
                // A URL of keys in the token is not followed.
                (
                    "posture-refused",
                    Change {
                        claims: json!({ "jwk_url": "https://evil.example/jwk.json" }),
                        forged: true,
                        ..Change::default()
                    },
                ),
                header("posture-refused", json!({ "typ": "at+jwt" })),
            ],
        },
    )
}

pub fn jamf(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "Jamf",
            preset: None,
            key: &KEYS.machines,
            keys_at: "https://keys.example.com/jamf",
            place: "x-device-posture",
            typ: None,
            principal: r#"corp::User::"alice""#,
            claims: json!({
                "iss": "customer-7", "iat": now - 60, "exp": now + 3540, "sub": DEVICE, "groups": ["staff"],
                "risk": "LOW",
                "osv": "14.10",
            }),
            rows: vec![
                claims("posture-refused", json!({ "iss": "customer-8" })),
                claims("posture-refused", json!({ "iss": "Customer-7" })),
                claims("posture-refused", json!({ "iss": ["customer-7"] })),
                claims("posture-refused", json!({ "iss": null })),
                claims("posture-refused", json!({ "risk": null })),
                claims("posture-refused", json!({ "risk": ["LOW"] })),
                claims("posture-refused", json!({ "groups": "staff" })),
                claims("posture-refused", json!({ "osv": 14 })),
                claims("posture-not-bound", json!({ "sub": "device-8" })),
                claims("posture-not-bound", json!({ "sub": null })),
                claims("not-permitted", json!({ "risk": "HIGH" })),
                claims("not-permitted", json!({ "risk": "NOT_APPLICABLE" })),
                claims("not-permitted", json!({ "risk": "low" })),
                header("posture-refused", json!({ "typ": "JWT" })),
            ],
        },
    )
}

pub fn jumpcloud(now: i64) -> Vendor {
    Vendor::of(
        now,
        Form {
            heading: "JumpCloud",
            preset: None,
            key: &KEYS.mdm,
            keys_at: "https://keys.example.com/jumpcloud",
            place: "x-device-posture",
            typ: Some("JWT"),
            principal: r#"corp::User::"alice""#,
            claims: json!({
                "device": { "is_managed": true }, "durt_id": "durt-1", "iss": "go.jumpcloud.com", "iat": now - 60,
                "exp": now + 3540, "org_id": "5f0c8a91b1c2d3e4f5061728", "sub": "user-1", "system": DEVICE,
            }),
            rows: vec![
                claims("posture-refused", json!({ "org_id": "6f0c8a91b1c2d3e4f5061728" })),
                claims("posture-refused", json!({ "org_id": "5F0C8A91B1C2D3E4F5061728" })),
                claims("posture-refused", json!({ "org_id": ["5f0c8a91b1c2d3e4f5061728"] })),
                claims("posture-refused", json!({ "org_id": null })),
                claims("posture-refused", json!({ "iss": "https://go.jumpcloud.com" })),
                claims("posture-refused", json!({ "iss": "go.jumpcloud.com/" })),
                claims("posture-refused", json!({ "iss": null })),
                claims("posture-refused", json!({ "device": null })),
                claims("posture-refused", json!({ "device": true })),
                claims("posture-refused", json!({ "/device/is_managed": "true" })),
                claims("posture-refused", json!({ "/device/is_managed": 1 })),
                claims("posture-refused", json!({ "/device/is_managed": null, "is_managed": true })),
                claims("posture-not-bound", json!({ "system": "device-8" })),
                claims("posture-not-bound", json!({ "system": null, "sub": DEVICE })),
                claims("not-permitted", json!({ "/device/is_managed": false })),
                header("posture-refused", json!({ "typ": null })),
            ],
        },
    )
}
