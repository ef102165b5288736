//! The requests of these callers, in groups.

use serde_json::json;
use test_harness::tokens::{ALICE, BOB, CAROL, Token};

use super::configuration::{TEST, WEB};
use super::{Group, Over, Step, bearer, cookie, dpop, nothing, of_service_account, on_behalf, signed_in, svid, with};

pub const ORDER: &str = "/api/orders/7";
const CART: &str = "/api/cart";
const PARTNER: &str = "/api/partner/orders";
const PAYROLL: &str = "/api/payroll";
const REPORT: &str = "/api/report";
const SETTINGS: &str = "/api/settings";
const STOCK: &str = "/stock";
const TOOLS: &str = "/mcp";

#[rustfmt::skip]
const SOFTWARE: &[Step] = &[
    Step { who: "web service", with: "its certificate", over: Some(Over::Web), method: "GET", path: STOCK, status: 200, because: "web-reads", credential: nothing },
    Step { who: "test service", with: "its certificate", over: Some(Over::Test), method: "GET", path: STOCK, status: 403, because: "not-permitted", credential: nothing },
    Step { who: "nobody", with: "no certificate", over: Some(Over::NoCertificate), method: "GET", path: STOCK, status: 401, because: "workload-missing", credential: nothing },
    Step { who: "web service", with: "what a waypoint reports", over: Some(Over::Waypoint), method: "GET", path: STOCK, status: 200, because: "web-reads", credential: nothing },
    Step { who: "web service", with: "its JWT-SVID", over: None, method: "GET", path: STOCK, status: 200, because: "web-reads", credential: |_, request| bearer(request, &svid(WEB)) },
    Step { who: "test service", with: "its JWT-SVID", over: None, method: "GET", path: STOCK, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &svid(TEST)) },
    Step { who: "a pod in `shop`", with: "its service account token", over: None, method: "GET", path: REPORT, status: 200, because: "shop-reports", credential: |world, request| bearer(request, &of_service_account(world, "shop", "report")) },
    Step { who: "a pod in `test`", with: "its service account token", over: None, method: "GET", path: REPORT, status: 403, because: "not-permitted", credential: |world, request| bearer(request, &of_service_account(world, "test", "report")) },
];

#[rustfmt::skip]
const BEHALF: &[Step] = &[
    Step { who: "alice, through web", with: "her token, web's certificate", over: Some(Over::Web), method: "GET", path: CART, status: 200, because: "through-the-web", credential: |_, request| bearer(request, &Token::of(ALICE).sign()) },
    Step { who: "alice, through web", with: "her token, behind a waypoint", over: Some(Over::Waypoint), method: "GET", path: CART, status: 200, because: "through-the-web", credential: |_, request| bearer(request, &Token::of(ALICE).sign()) },
    Step { who: "alice, through test", with: "her token, test's certificate", over: Some(Over::Test), method: "GET", path: CART, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &Token::of(ALICE).sign()) },
    Step { who: "alice", with: "her token, no certificate", over: Some(Over::NoCertificate), method: "GET", path: CART, status: 401, because: "workload-missing", credential: |_, request| bearer(request, &Token::of(ALICE).sign()) },
    Step { who: "assistant, for alice", with: "a token that names both", over: None, method: "GET", path: ORDER, status: 200, because: "agents-read", credential: |_, request| bearer(request, &on_behalf("assistant")) },
    Step { who: "assistant, for alice", with: "a token that names both", over: None, method: "PUT", path: ORDER, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &on_behalf("assistant")) },
];

#[rustfmt::skip]
const BOUND: &[Step] = &[
    Step { who: "alice", with: "a token bound to her key, a proof", over: None, method: "PUT", path: ORDER, status: 200, because: "people", credential: |world, request| dpop(request, &world.alice.token, &world.seen) },
    Step { who: "mallory", with: "her token, as a bearer", over: None, method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| bearer(request, &world.alice.token) },
    Step { who: "mallory", with: "her token, a proof of another key", over: None, method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| dpop(request, &world.alice.token, &world.forged()) },
    Step { who: "mallory", with: "her token, the proof that she sent", over: None, method: "PUT", path: ORDER, status: 401, because: "proof-replayed", credential: |world, request| dpop(request, &world.alice.token, &world.seen) },
    Step { who: "alice", with: "a token bound to web's certificate", over: Some(Over::Web), method: "PUT", path: ORDER, status: 200, because: "bound", credential: |world, request| bearer(request, &world.bound_to_certificate()) },
    Step { who: "mallory", with: "the same, another certificate", over: Some(Over::Test), method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| bearer(request, &world.bound_to_certificate()) },
    Step { who: "mallory", with: "the same, no certificate", over: Some(Over::NoCertificate), method: "PUT", path: ORDER, status: 401, because: "token-binding", credential: |world, request| bearer(request, &world.bound_to_certificate()) },
];

#[rustfmt::skip]
const PLACES: &[Step] = &[
    Step { who: "alice", with: "a header with a prefix", over: None, method: "GET", path: ORDER, status: 200, because: "people", credential: |_, request| request.header("x-session-token", format!("Token {}", Token::of(ALICE).sign()).as_bytes()) },
    Step { who: "alice", with: "a cookie", over: None, method: "GET", path: ORDER, status: 200, because: "people", credential: |_, request| cookie(request, &Token::of(ALICE).sign()) },
    Step { who: "alice", with: "one token in two places", over: None, method: "GET", path: ORDER, status: 401, because: "credential-duplicate", credential: |_, request| { let token = Token::of(ALICE).sign(); cookie(bearer(request, &token), &token) } },
];

#[rustfmt::skip]
const LACKS: &[Step] = &[
    Step { who: "nobody", with: "-", over: None, method: "POST", path: TOOLS, status: 401, because: "credential-missing", credential: nothing },
    Step { who: "a partner", with: "the scope orders.write", over: None, method: "POST", path: PARTNER, status: 200, because: "partner-orders", credential: |_, request| bearer(request, &with(BOB, "scope", json!("orders.read orders.write")).sign()) },
    Step { who: "a partner", with: "the scope orders.read", over: None, method: "POST", path: PARTNER, status: 403, because: "insufficient-scope", credential: |_, request| bearer(request, &with(BOB, "scope", json!("orders.read")).sign()) },
    Step { who: "carol", with: "a hardware key, 10 minutes ago", over: None, method: "PUT", path: SETTINGS, status: 200, because: "admins-change", credential: |_, request| bearer(request, &signed_in("phr", 600)) },
    Step { who: "carol", with: "a hardware key, 20 minutes ago", over: None, method: "PUT", path: SETTINGS, status: 401, because: "insufficient-user-authentication", credential: |_, request| bearer(request, &signed_in("phr", 1_200)) },
    Step { who: "carol", with: "an admin, on a secret route", over: None, method: "GET", path: PAYROLL, status: 200, because: "admins-read-secret", credential: |_, request| bearer(request, &Token::of(CAROL).sign()) },
    Step { who: "alice", with: "no admin, on a secret route", over: None, method: "GET", path: PAYROLL, status: 403, because: "not-permitted", credential: |_, request| bearer(request, &Token::of(ALICE).sign()) },
    Step { who: "bob", with: "emergency access", over: None, method: "GET", path: PAYROLL, status: 200, because: "break-glass", credential: |_, request| bearer(request, &with(BOB, "groups", json!(["break-glass"])).sign()) },
];

/// All of them.
pub const GROUPS: &[Group] = &[
    Group { heading: "software components", steps: SOFTWARE },
    Group { heading: "people through a workload, and agents for people", steps: BEHALF },
    Group { heading: "tokens that are bound to a key or a certificate", steps: BOUND },
    Group { heading: "where a credential is", steps: PLACES },
    Group { heading: "what a caller lacks, and attributes of routes", steps: LACKS },
];
