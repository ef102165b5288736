//! The configurations of docs/software-components.md, with tokens of the form that each platform publishes, and with the
//! tokens of others that the form invites.

use std::sync::Arc;

use countersign_core::config::Plan;
use countersign_core::enforcement::decide;
use countersign_core::keys::{TrustStore, Verification};
use countersign_core::reply::Reply;
use countersign_core::request::RequestParts;
use countersign_core::telemetry::DecisionId;
use countersign_core::time::UnixSeconds;
use serde_json::{Value, json};
use test_harness::keys::{DemoKey, KEYS};
use test_harness::page::{Section, with_inline_key};
use test_harness::tokens::changed;

const NOW: i64 = 1_800_000_000;

const AUDIENCE: &str = "https://shop.example.com";

/// What a request is answered with: `allow`, or the code of the refusal.
type Expected = &'static str;

/// One platform: its section of the document, and a token as it makes them.
struct Platform {
    plan: Plan,
    key: Arc<DemoKey>,
    header: Value,
    claims: Value,
}

impl Platform {
    /// The configuration under this heading, with the keys of a key that tokens are signed with.
    fn of(heading: &str, key: &Arc<DemoKey>, header: Value, claims: Value) -> Self {
        let configuration = Section::of("docs/software-components.md", heading).configuration();
        for issuer in configuration["issuers"].as_object().expect("issuers").values() {
            assert!(issuer["keys"]["cluster"].is_string(), "{heading}: keys are fetched from a cluster");
        }
        let document = with_inline_key(configuration, key);
        let (plan, warnings) = Plan::compile_value(&document).unwrap_or_else(|errors| panic!("{heading}: {errors:#?}"));
        assert!(warnings.is_empty(), "{heading}: {warnings:?}");
        Self { plan, key: Arc::clone(key), header, claims }
    }

    fn answer(&self, method: &str, header: &Value, claims: &Value, key: &Arc<DemoKey>) -> String {
        let header = header.as_object().expect("a header");
        let token = key.key.sign(header, claims.to_string().as_bytes()).expect("a token");
        let authorization = format!("Bearer {token}");
        let fields = [
            (":method", method),
            (":authority", "shop.example.com"),
            (":path", "/orders"),
            ("authorization", authorization.as_str()),
        ];
        let request = RequestParts { headers: fields.into_iter().collect(), ..RequestParts::default() };
        let trust = TrustStore::new(self.plan.key_sources(), 0);
        let now = UnixSeconds::new(NOW);
        match decide(&self.plan, Verification::by(&trust), request, now, &DecisionId::derive(&[7; 32], 0, now)).reply {
            Reply::Forward(_) => "allow".to_owned(),
            Reply::Answer(answer) => {
                let body: Value = serde_json::from_str(&answer.body).expect("a problem document");
                body["code"].as_str().expect("a code").to_owned()
            }
        }
    }

    /// The token with these claims changed, `null` for an absent one. A name with `/` is a pointer.
    fn with(&self, method: &str, changes: Value) -> String {
        self.answer(method, &self.header, &changed(&self.claims, &changes), &self.key)
    }

    /// The token with these members of the header changed.
    fn with_header(&self, method: &str, changes: Value) -> String {
        self.answer(method, &changed(&self.header, &changes), &self.claims, &self.key)
    }

    /// The token as the platform makes it is allowed, and each changed one is answered as expected.
    fn hold(&self, method: &str, cases: &[(Expected, Value)]) {
        assert_eq!(self.with(method, json!({})), "allow");
        for (expected, changes) in cases {
            assert_eq!(self.with(method, changes.clone()), *expected, "{changes}");
        }
        // Attacks that every platform's tokens have in common.
        let rogue = self.answer(method, &self.header, &self.claims, &KEYS.rogue);
        assert!(matches!(rogue.as_str(), "token-signature" | "token-algorithm" | "token-key"), "{rogue}");
        for (expected, changes) in [
            ("token-audience", json!({ "aud": "https://other.example.com" })),
            ("token-audience", json!({ "aud": ["https://shop.example.com.evil.example"] })),
            ("token-claim-missing", json!({ "aud": null })),
            ("token-claim-missing", json!({ "exp": null })),
            ("token-claim-type", json!({ "exp": (NOW + 600).to_string() })),
            ("token-expired", json!({ "exp": NOW - 61 })),
            ("token-not-yet-valid", json!({ "nbf": NOW + 61 })),
            ("token-claim-forbidden", json!({ "act": { "sub": "agent" } })),
        ] {
            assert_eq!(self.with(method, changes.clone()), expected, "{changes}");
        }
        let typ = self.with_header(method, json!({ "typ": "logout+jwt" }));
        assert_eq!(typ, "token-typ");
    }
}

fn rs256(typ: Option<&str>) -> Value {
    let mut header = json!({ "alg": "RS256", "kid": KEYS.corp_rs256.kid });
    if let Some(typ) = typ {
        header["typ"] = json!(typ);
    }
    header
}

#[test]
fn a_jwt_svid_is_of_exactly_its_trust_domain() {
    let header = json!({ "alg": "ES256", "kid": KEYS.corp_es256.kid, "typ": "JWT" });
    let claims = json!({
        "sub": "spiffe://example.org/ns/shop/sa/web", "aud": [AUDIENCE], "exp": NOW + 300, "iat": NOW,
    });
    let spiffe = Platform::of("SPIFFE: JWT-SVIDs", &KEYS.corp_es256, header, claims);
    spiffe.hold(
        "GET",
        &[
            ("allow", json!({ "aud": AUDIENCE })),
            ("allow", json!({ "iat": null })),
            ("allow", json!({ "jti": "7", "private": { "a": 1 } })),
            ("not-permitted", json!({ "sub": "spiffe://example.org/ns/shop/sa/other" })),
            ("not-permitted", json!({ "sub": "spiffe://example.org/ns/shop/sa/WEB" })),
            ("token-issuer", json!({ "sub": "spiffe://example.com/ns/shop/sa/web" })),
            ("token-issuer", json!({ "sub": "spiffe://a.example.org/ns/shop/sa/web" })),
            ("token-issuer", json!({ "sub": "spiffe://example.org.evil.example/ns/shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "spiffe://EXAMPLE.org/ns/shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "SPIFFE://example.org/ns/shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "spiffe://example.org" })),
            ("token-claim-type", json!({ "sub": "spiffe://example.org/" })),
            ("token-claim-type", json!({ "sub": "spiffe://example.org/ns/shop/../shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "spiffe://example.org/ns/shop//sa/web" })),
            ("token-claim-type", json!({ "sub": "spiffe://example.org/ns/shop/sa/web?x" })),
            ("token-claim-type", json!({ "sub": "spiffe://user@example.org/ns/shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "example.org/ns/shop/sa/web" })),
            ("token-claim-type", json!({ "sub": "web" })),
            ("token-claim-type", json!({ "sub": ["spiffe://example.org/ns/shop/sa/web"] })),
            ("token-claim-missing", json!({ "sub": null })),
            ("token-issuer", json!({ "iss": "https://spire.example.org" })),
        ],
    );
    for (expected, changes) in [
        ("allow", json!({ "kid": null })),
        ("allow", json!({ "typ": null })),
        ("allow", json!({ "typ": "JOSE" })),
        ("token-typ", json!({ "typ": "at+jwt" })),
        ("token-malformed", json!({ "cty": "JWT" })),
        ("token-malformed", json!({ "jku": "https://evil.example/keys" })),
        ("token-malformed", json!({ "jwk": KEYS.rogue.public_jwk() })),
        ("token-malformed", json!({ "x5c": [] })),
        ("token-malformed", json!({ "private": true })),
        ("token-critical", json!({ "crit": ["x"] })),
        ("token-algorithm", json!({ "alg": "EdDSA" })),
    ] {
        assert_eq!(spiffe.with_header("GET", changes.clone()), expected, "{changes}");
    }
}

#[test]
fn a_kubernetes_service_account_is_known_by_namespace_and_name() {
    let claims = json!({
        "aud": [AUDIENCE], "exp": NOW + 3607, "iat": NOW, "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "ea28ed49-2e11-4280-9ec5-bc3d1d84661a",
        "kubernetes.io": {
            "namespace": "shop",
            "node": { "name": "node-1", "uid": "58456cb0-dd00-45ed-b797-5578fdceaced" },
            "pod": { "name": "web-69cbfb9798-jv9gn", "uid": "778a530c-b3f4-47c0-9cd5-ab018fb64f33" },
            "serviceaccount": { "name": "web", "uid": "a087d5a0-e1dd-43ec-93ac-f13d89cd13af" },
            "warnafter": NOW + 3000,
        },
        "nbf": NOW, "sub": "system:serviceaccount:shop:web",
    });
    let heading = "Kubernetes: service account tokens";
    let cluster = Platform::of(heading, &KEYS.corp_rs256, rs256(None), claims);
    cluster.hold(
        "GET",
        &[
            (
                "allow",
                json!({ "/kubernetes.io/pod": null, "/kubernetes.io/node": null, "/kubernetes.io/warnafter": null }),
            ),
            ("not-permitted", json!({ "sub": "system:serviceaccount:evil:web", "/kubernetes.io/namespace": "evil" })),
            ("not-permitted", json!({ "sub": "system:serviceaccount:shop:web:x" })),
            ("token-audience", json!({ "aud": ["https://kubernetes.default.svc.cluster.local"] })),
            ("token-issuer", json!({ "iss": "kubernetes/serviceaccount" })),
            ("token-claim-missing", json!({ "kubernetes.io": null })),
            ("token-claim-missing", json!({ "/kubernetes.io/namespace": null })),
            ("token-claim-missing", json!({ "kubernetes.io": null, "kubernetes.io/serviceaccount/namespace": "shop" })),
            ("token-claim-type", json!({ "kubernetes.io": "shop" })),
            ("token-claim-type", json!({ "/kubernetes.io/namespace": ["shop"] })),
            ("token-claim-type", json!({ "/kubernetes.io/pod/name": 7 })),
            ("token-lifetime", json!({ "exp": NOW + 365 * 86_400 })),
        ],
    );
    let jobs = json!({ "sub": "system:serviceaccount:jobs:nightly", "/kubernetes.io/namespace": "jobs" });
    assert_eq!(cluster.with("PUT", jobs), "allow");
    assert_eq!(cluster.with("PUT", json!({})), "not-permitted");
    assert_eq!(cluster.with_header("GET", json!({ "typ": "JWT" })), "token-typ");
}

fn github() -> Platform {
    let workflow = "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main";
    let claims = json!({
        "jti": "example-id", "sub": "repo:octo-org/octo-repo:environment:production", "environment": "production",
        "aud": AUDIENCE, "ref": "refs/heads/main", "sha": "example-sha", "repository": "octo-org/octo-repo",
        "repository_owner": "octo-org", "actor_id": "12", "repository_visibility": "private", "repository_id": "74",
        "repository_owner_id": "65", "run_id": "example-run-id", "run_number": "10", "run_attempt": "2",
        "runner_environment": "github-hosted", "actor": "octocat", "workflow": "deploy", "head_ref": "", "base_ref": "",
        "event_name": "push", "ref_type": "branch", "job_workflow_ref": workflow,
        "iss": "https://token.actions.githubusercontent.com", "nbf": NOW - 60, "exp": NOW + 900, "iat": NOW,
    });
    let mut header = rs256(Some("JWT"));
    header["x5t"] = json!("example-thumbprint");
    Platform::of("GitHub Actions", &KEYS.corp_rs256, header, claims)
}

#[test]
fn a_github_workflow_is_known_by_its_repository_and_what_it_runs_for() {
    let path = "octo-org/octo-repo/.github/workflows";
    github().hold("PUT", &[
        ("allow", json!({ "event_name": "workflow_dispatch" })),
        // Another owner, and a repository of the same name that somebody else has made.
        ("token-pin", json!({ "repository_owner_id": "66", "repository_owner": "evil" })),
        ("token-pin", json!({ "repository_id": "75", "repository": "octo-org/other" })),
        ("token-pin", json!({ "repository_id": "75" })),
        ("token-pin", json!({ "repository_id": 74 })),
        ("token-pin", json!({ "repository_id": ["74"] })),
        ("token-pin", json!({ "repository_id": null })),
        // A pull request, and one that runs in the context of the target branch.
        ("not-permitted", json!({
            "event_name": "pull_request", "ref": "refs/pull/7/merge", "sub": "repo:octo-org/octo-repo:pull_request",
            "head_ref": "fork:main", "base_ref": "main",
        })),
        ("not-permitted", json!({ "event_name": "pull_request_target", "base_ref": "main" })),
        ("not-permitted", json!({ "ref": "refs/heads/evil" })),
        ("not-permitted", json!({ "ref": "refs/tags/main", "ref_type": "tag" })),
        ("not-permitted", json!({ "ref": "refs/heads/main2" })),
        // Another workflow, or the same of another branch.
        ("not-permitted", json!({ "job_workflow_ref": format!("{path}/evil.yml@refs/heads/main") })),
        ("not-permitted", json!({ "job_workflow_ref": format!("{path}/deploy.yml@refs/heads/evil") })),
        ("not-permitted", json!({ "job_workflow_ref": "evil/octo-repo/.github/workflows/deploy.yml@refs/heads/main" })),
        ("not-permitted", json!({ "environment": "staging" })),
        ("not-permitted", json!({ "environment": null })),
        ("token-claim-missing", json!({ "event_name": null })),
        ("token-audience", json!({ "aud": "https://github.com/octo-org" })),
        ("token-issuer", json!({ "iss": "https://token.actions.githubusercontent.com.evil.example" })),
        ("token-issuer", json!({ "iss": "https://token.actions.githubusercontent.com/octo-org" })),
    ]);
}

#[test]
fn a_gitlab_job_is_known_by_its_project_and_a_protected_branch() {
    let claims = json!({
        "namespace_id": "72", "namespace_path": "my-group", "project_id": "20", "project_path": "my-group/my-project",
        "user_id": "1", "user_login": "sample-user", "user_email": "sample-user@example.com", "pipeline_id": "574",
        "pipeline_source": "push", "job_id": "302", "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main",
        "ref_protected": "true", "runner_id": 1, "runner_environment": "self-hosted", "sha": "714a629c",
        "project_visibility": "public", "groups_direct": ["mygroup"],
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:main", "iss": "https://gitlab.example.com",
        "iat": NOW, "nbf": NOW - 5, "exp": NOW + 3600, "aud": AUDIENCE, "jti": "235b3a54",
    });
    let gitlab = Platform::of("GitLab CI", &KEYS.corp_rs256, rs256(Some("JWT")), claims);
    gitlab.hold(
        "PUT",
        &[
            ("token-pin", json!({ "project_id": "21", "project_path": "evil/my-project" })),
            ("token-pin", json!({ "ref_type": "tag", "ref_path": "refs/tags/main" })),
            ("token-pin", json!({ "ref_protected": "false" })),
            ("token-pin", json!({ "ref_protected": true })),
            ("not-permitted", json!({ "ref": "feature" })),
            ("not-permitted", json!({ "pipeline_source": "merge_request_event" })),
            ("token-issuer", json!({ "iss": "https://gitlab.com" })),
        ],
    );
}

#[test]
fn a_google_service_account_is_one_of_those_that_are_listed() {
    let claims = json!({
        "aud": AUDIENCE, "azp": "113774264463038321964", "email": "web@example-project.iam.gserviceaccount.com",
        "email_verified": true, "exp": NOW + 3600, "google": { "compute_engine": {
            "instance_id": "152986662232938449", "instance_name": "example", "project_id": "example-project",
            "project_number": 739_419_398_126_i64, "zone": "us-west1-a",
        } },
        "iat": NOW, "iss": "https://accounts.google.com", "sub": "113774264463038321964",
    });
    let heading = "Google Cloud: ID tokens of service accounts";
    let google = Platform::of(heading, &KEYS.corp_rs256, rs256(Some("JWT")), claims);
    google.hold(
        "GET",
        &[
            ("allow", json!({ "google": null })),
            // An account of somebody else, made for this audience, with the address of ours claimed or its own.
            ("token-pin", json!({ "sub": "999", "azp": "999", "email": "web@evil.iam.gserviceaccount.com" })),
            ("token-pin", json!({ "sub": "999" })),
            ("token-pin", json!({ "email_verified": false })),
            // Made by the IAM API without `includeEmail`.
            ("token-pin", json!({ "email": null, "email_verified": null })),
            ("token-pin", json!({ "email_verified": "true" })),
            // A person who has logged in at an application.
            ("token-pin", json!({ "sub": "110169484474386276334", "email": "alice@example.com", "nonce": "n" })),
            ("not-permitted", json!({ "email": "other@example-project.iam.gserviceaccount.com" })),
            ("token-issuer", json!({ "iss": "accounts.google.com" })),
        ],
    );
}

#[test]
fn an_entra_application_acts_for_itself_and_has_a_role() {
    let tenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
    let claims = json!({
        "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        "iat": NOW - 300, "nbf": NOW - 300, "exp": NOW + 3600, "aio": "E2ZgYJ", "azp": "11111111-aaaa-4843-9ff4-000000000000",
        "azpacr": "1", "idtyp": "app", "oid": "22222222-bbbb-4843-9ff4-000000000000", "rh": "0.AX",
        "roles": ["Orders.Read.All"], "sub": "22222222-bbbb-4843-9ff4-000000000000", "tid": tenant, "uti": "u", "ver": "2.0",
    });
    let heading = "Microsoft Entra ID: tokens of applications";
    let entra = Platform::of(heading, &KEYS.corp_rs256, rs256(Some("JWT")), claims);
    let other = "https://login.microsoftonline.com/99999999-4f89-41d3-9a0c-0305e82c3301/v2.0";
    entra.hold(
        "GET",
        &[
            ("not-permitted", json!({ "roles": null })),
            // Of version 1.0.
            (
                "token-issuer",
                json!({ "ver": "1.0", "iss": format!("https://sts.windows.net/{tenant}/"), "azp": null, "appid": "11111111" }),
            ),
            ("not-permitted", json!({ "roles": ["Other.Role"] })),
            ("token-claim-type", json!({ "roles": "Orders.Read.All" })),
            // An application that acts for a user.
            ("token-pin", json!({ "idtyp": "user", "scp": "Orders.Read" })),
            ("token-pin", json!({ "idtyp": null, "scp": "Orders.Read" })),
            ("token-claim-forbidden", json!({ "scp": "Orders.Read" })),
            ("token-issuer", json!({ "iss": other, "tid": "99999999-4f89-41d3-9a0c-0305e82c3301" })),
            ("token-issuer", json!({ "iss": format!("https://sts.windows.net/{tenant}/"), "ver": "1.0" })),
            ("token-audience", json!({ "aud": "00000003-0000-0000-c000-000000000000" })),
            ("token-claim-forbidden", json!({ "nonce": "n" })),
        ],
    );
}

#[test]
fn an_auth0_client_is_not_a_user() {
    let claims = json!({
        "iss": "https://example.eu.auth0.com/", "sub": "bx7S2h@clients", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 3600,
        "azp": "bx7S2h", "gty": "client-credentials", "scope": "orders:read orders:list",
    });
    let auth0 = Platform::of("Auth0: machine-to-machine", &KEYS.corp_rs256, rs256(Some("JWT")), claims);
    auth0.hold(
        "GET",
        &[
            ("not-permitted", json!({ "scope": "orders:readonly" })),
            ("not-permitted", json!({ "scope": null })),
            ("token-pin", json!({ "gty": null, "sub": "auth0|alice" })),
            ("token-pin", json!({ "gty": "password", "sub": "auth0|alice" })),
            ("token-pin", json!({ "gty": ["client-credentials"] })),
            ("token-issuer", json!({ "iss": "https://example.eu.auth0.com" })),
            ("token-audience", json!({ "aud": "bx7S2h" })),
            ("token-claim-missing", json!({ "azp": null })),
        ],
    );
}

#[test]
fn an_okta_client_is_not_a_user() {
    let claims = json!({
        "ver": 1, "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE", "iss": "https://example.okta.com/oauth2/default",
        "aud": "api://default", "iat": NOW, "exp": NOW + 3600, "cid": "nmdP1fcyvdVO11AL7ECm", "scp": ["orders.read"],
        "sub": "nmdP1fcyvdVO11AL7ECm",
    });
    let okta = Platform::of("Okta: client credentials", &KEYS.corp_rs256, rs256(None), claims);
    okta.hold(
        "GET",
        &[
            ("allow", json!({ "scp": "orders.read" })),
            ("not-permitted", json!({ "scp": ["orders.readonly"] })),
            ("not-permitted", json!({ "scp": null })),
            ("token-claim-forbidden", json!({ "uid": "00uid4BxXw6I6TV4m0g3", "sub": "alice@example.com" })),
            ("token-audience", json!({ "aud": "nmdP1fcyvdVO11AL7ECm", "cid": null, "jti": "ID.x" })),
            ("token-claim-missing", json!({ "cid": null })),
            ("token-pin", json!({ "ver": "1" })),
            ("token-issuer", json!({ "iss": "https://example.okta.com" })),
        ],
    );
}
