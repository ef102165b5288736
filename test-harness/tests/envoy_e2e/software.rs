//! Software components: workloads by JWT-SVID, agents that act for people, tokens of platforms.

use serde_json::{Value, json};
use test_harness::clock::unix_seconds;
use test_harness::keys::KEYS;
use test_harness::page::Section;
use test_harness::tokens::{ALICE, Token};

use crate::bench::{Ask, Bench, Outcome};
use crate::{Scenario, scenarios};

pub const SCENARIOS: &[Scenario] = scenarios![
    a_workload_comes_by_its_jwt_svid,
    a_jwt_svid_that_is_not_quite_one_is_refused,
    an_agent_may_do_less_than_the_person_for_whom_it_acts,
    a_service_account_comes_from_its_namespace,
    a_workflow_comes_from_its_repository_and_branch,
];

const HOST: &str = "software.example.com";
const WEB: &str = "spiffe://example.org/ns/shop/sa/web";
const MESH_AUDIENCE: &str = "https://shop.example.com";
const WORKFLOW: &str = "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main";

/// The listener `software`.
pub fn configuration() -> Value {
    let keys = |keys: &[Value]| json!({ "inline": { "keys": keys } });
    let with_use = |mut jwk: Value, key_use: &str| {
        jwk["use"] = json!(key_use);
        jwk
    };
    // As on the page, with a bundle in place of its URL.
    let section = Section::of("docs/software-components.md", "SPIFFE: JWT-SVIDs");
    let mut mesh = section.yaml(0)["issuers"]["mesh"].clone();
    let bundle = [with_use(KEYS.machines.public_jwk(), "jwt-svid"), with_use(KEYS.rogue.public_jwk(), "x509-svid")];
    mesh["keys"] = keys(&bundle);
    json!({
        "version": 1,
        "issuers": {
            "mesh": mesh,
            "people": {
                "issuer": "https://people.example.com", "audiences": ["shop"], "typ": ["at+jwt"],
                "keys": keys(&[KEYS.corp_rs256.public_jwk()]), "principal": { "id": "sub" },
                "facts": { "act?": "actor" },
            },
            "cluster": {
                "issuer": "https://kubernetes.default.svc.cluster.local", "audiences": ["shop"], "typ": ["absent"],
                "keys": keys(&[KEYS.mdm.public_jwk()]), "principal": { "type": "ServiceAccount", "id": "sub" },
                "facts": { "namespace": { "claim": ["kubernetes.io", "namespace"], "type": "string" } },
            },
            "github": {
                "issuer": "https://token.actions.githubusercontent.com", "audiences": ["shop"], "typ": ["JWT"],
                "keys": keys(&[KEYS.corp_es256.public_jwk()]),
                "principal": { "type": "Workflow", "id": "job_workflow_ref" },
                "pins": { "repository_owner_id": "65", "repository_id": "74" },
                "facts": { "ref": "string", "event_name": "string" },
            },
        },
        "applications": { "software": {
            "hosts": [HOST],
            "routes": {
                "mesh": { "path": "/mesh", "requires": ["mesh"] },
                "people": { "path": "/people", "requires": ["people"], "methods": ["GET", "PUT"] },
                "cluster": { "path": "/cluster", "requires": ["cluster"] },
                "github": { "path": "/github", "requires": ["github"] },
            },
        } },
        "policies": concat!(
            "@id(\"web\") permit (principal == mesh::Workload::\"spiffe://example.org/ns/shop/sa/web\",\n",
            "action in Action::\"read\", resource == Route::\"software/mesh\");\n",
            "@id(\"person\") permit (principal is people::User, action, resource == Route::\"software/people\")\n",
            "when { !(context.people has act) };\n",
            "@id(\"agent\") permit (principal is people::User, action in Action::\"read\", resource == Route::\"software/people\")\n",
            "when { context.people has act && context.people.act.sub == \"assistant\" };\n",
            "@id(\"jobs\") permit (principal is cluster::ServiceAccount, action in Action::\"read\",\n",
            "resource == Route::\"software/cluster\") when { context.cluster.namespace == \"jobs\" };\n",
            "@id(\"deploy\") permit (principal is github::Workflow, action in Action::\"read\",\n",
            "resource == Route::\"software/github\")\n",
            "when { context.github.ref == \"refs/heads/main\" && context.github.event_name == \"push\" };\n",
        ),
        "identity_headers": { "x-agent": { "fact": "people.act.sub" }, "x-namespace": { "fact": "cluster.namespace" } },
    })
}

fn send(bench: &Bench, method: &str, path: &str, token: String) -> Outcome {
    bench.ask(&Ask::new(method, path).at("software").host(HOST).token(token))
}

fn get(bench: &Bench, path: &str, token: &Token) -> Outcome {
    send(bench, "GET", path, token.sign())
}

/// A JWT-SVID as SPIRE makes it.
fn svid(id: &str) -> Token {
    let token = Token::of(ALICE).key(&KEYS.machines).without_header("typ");
    ["iss", "device_id", "email", "groups"]
        .iter()
        .fold(token, |token, name| token.without(name))
        .claim("sub", json!(id))
}

/// One for the audience of the page.
fn workload(id: &str) -> Token {
    svid(id).claim("aud", json!(MESH_AUDIENCE))
}

fn a_workload_comes_by_its_jwt_svid(bench: &Bench) {
    let received = get(bench, "/mesh", &workload(WEB)).allowed();
    assert_eq!(received.header("x-countersign-principal"), [format!("mesh::Workload::\"{WEB}\"")]);
    for typ in ["JWT", "JOSE"] {
        get(bench, "/mesh", &workload(WEB).header("typ", json!(typ))).allowed();
    }
    get(bench, "/mesh", &workload(WEB).without_header("kid")).allowed();
    get(bench, "/mesh", &workload(WEB).claim("aud", json!(["other", MESH_AUDIENCE]))).allowed();
    get(bench, "/mesh", &workload("spiffe://example.org/ns/shop/sa/db")).refused(403, "not-permitted");
}

fn a_jwt_svid_that_is_not_quite_one_is_refused(bench: &Bench) {
    for id in ["spiffe://example.com/ns/shop/sa/web", "spiffe://example.org.evil.example/ns/shop/sa/web"] {
        get(bench, "/mesh", &workload(id)).refused(401, "token-issuer");
    }
    for id in
        ["spiffe://Example.org/ns/shop/sa/web", "spiffe://example.org", "spiffe://example.org/a/../web", "web", ""]
    {
        get(bench, "/mesh", &workload(id)).refused(401, "token-claim-type");
    }
    for (name, value) in [("cty", json!("JWT")), ("x5c", json!([])), ("jku", json!("https://evil.example/"))] {
        get(bench, "/mesh", &workload(WEB).header(name, value)).refused(401, "token-malformed");
    }
    get(bench, "/mesh", &workload(WEB).header("typ", json!("at+jwt"))).refused(401, "token-typ");
    // The key of the bundle that signs certificates, under its own `kid` and under the other.
    get(bench, "/mesh", &workload(WEB).key(&KEYS.rogue)).refused(401, "token-key");
    get(bench, "/mesh", &workload(WEB).signed_by(&KEYS.rogue)).refused(401, "token-signature");
    for claim in ["aud", "exp", "sub"] {
        get(bench, "/mesh", &workload(WEB).without(claim)).refused(401, "token-claim-missing");
    }
    get(bench, "/mesh", &workload(WEB).claim("aud", json!("other"))).refused(401, "token-audience");
    get(bench, "/mesh", &workload(WEB).claim("exp", json!(unix_seconds() - 120))).refused(401, "token-expired");
    // Not of this issuer, and of no other.
    get(bench, "/mesh", &workload(WEB).claim("iss", json!("https://spire.example.org"))).refused(401, "token-issuer");
}

fn an_agent_may_do_less_than_the_person_for_whom_it_acts(bench: &Bench) {
    let token = |act: Option<Value>| {
        let token = Token::of(ALICE).claim("iss", json!("https://people.example.com"));
        act.into_iter().fold(token, |token, act| token.claim("act", act))
    };
    let ask = |method: &str, act: Option<Value>| send(bench, method, "/people", token(act).sign());
    let assistant = || Some(json!({ "sub": "assistant", "act": { "sub": "planner" } }));
    for method in ["GET", "PUT"] {
        let received = ask(method, None).allowed();
        assert!(received.header("x-agent").is_empty());
    }
    let received = ask("GET", assistant()).allowed();
    assert_eq!(received.header("x-countersign-principal"), [r#"people::User::"alice""#]);
    assert_eq!(received.header("x-agent"), ["assistant"]);
    ask("PUT", assistant()).refused(403, "not-permitted");
    ask("GET", Some(json!({ "sub": "planner", "act": { "sub": "assistant" } }))).refused(403, "not-permitted");
    let chain = |actors: usize| {
        (1..actors).fold(json!({ "sub": "assistant" }), |inner, _| json!({ "sub": "assistant", "act": inner }))
    };
    ask("GET", Some(chain(4))).allowed();
    ask("GET", Some(chain(5))).refused(401, "token-claim-type");
    for act in [json!("assistant"), json!(null), json!([{ "sub": "assistant" }]), json!({ "sub": 7 })] {
        ask("GET", Some(act)).refused(401, "token-claim-type");
    }
    ask("PUT", Some(json!({}))).refused(401, "token-claim-missing");
    // Where the issuer does not declare the actor.
    let agent = workload(WEB).claim("act", json!({ "sub": "assistant" }));
    get(bench, "/mesh", &agent).refused(401, "token-claim-forbidden");
}

fn a_service_account_comes_from_its_namespace(bench: &Bench) {
    let token = |details: Value| {
        svid("system:serviceaccount:jobs:nightly")
            .key(&KEYS.mdm)
            .claim("iss", json!("https://kubernetes.default.svc.cluster.local"))
            .claim("kubernetes.io", details)
    };
    let details = |namespace: Value| json!({ "namespace": namespace, "serviceaccount": { "name": "nightly", "uid": "a087d5a0" }, "warnafter": 1 });
    let received = get(bench, "/cluster", &token(details(json!("jobs")))).allowed();
    assert_eq!(received.header("x-namespace"), ["jobs"]);
    get(bench, "/cluster", &token(details(json!("evil")))).refused(403, "not-permitted");
    get(bench, "/cluster", &token(details(json!(["jobs"])))).refused(401, "token-claim-type");
    get(bench, "/cluster", &token(json!("jobs"))).refused(401, "token-claim-type");
    get(bench, "/cluster", &token(json!({ "namespace.name": "jobs" }))).refused(401, "token-claim-missing");
    let default = token(details(json!("jobs"))).claim("aud", json!(["https://kubernetes.default.svc.cluster.local"]));
    get(bench, "/cluster", &default).refused(401, "token-audience");
}

fn a_workflow_comes_from_its_repository_and_branch(bench: &Bench) {
    let token = || {
        svid("repo:octo-org/octo-repo:ref:refs/heads/main")
            .key(&KEYS.corp_es256)
            .header("typ", json!("JWT"))
            .header("x5t", json!("thumbprint"))
            .claim("iss", json!("https://token.actions.githubusercontent.com"))
            .claim("repository_owner_id", json!("65"))
            .claim("repository_id", json!("74"))
            .claim("ref", json!("refs/heads/main"))
            .claim("event_name", json!("push"))
            .claim("job_workflow_ref", json!(WORKFLOW))
    };
    let received = get(bench, "/github", &token()).allowed();
    assert_eq!(received.header("x-countersign-principal"), [format!("github::Workflow::\"{WORKFLOW}\"")]);
    for (claim, value) in
        [("repository_owner_id", json!("66")), ("repository_id", json!("75")), ("repository_id", json!(74))]
    {
        get(bench, "/github", &token().claim(claim, value)).refused(401, "token-pin");
    }
    for (claim, value) in
        [("ref", "refs/pull/7/merge"), ("ref", "refs/heads/evil"), ("event_name", "pull_request_target")]
    {
        get(bench, "/github", &token().claim(claim, json!(value))).refused(403, "not-permitted");
    }
    get(bench, "/github", &token().claim("aud", json!("https://github.com/octo-org"))).refused(401, "token-audience");
}
