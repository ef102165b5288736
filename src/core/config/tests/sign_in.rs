//! `sign_in` of an application.

use serde_json::json;

use super::{assert_problem, plan, with};
use crate::portable;
use crate::route::SignIn;

const PLACE: &str = "/applications/shop/sign_in";

#[portable]
fn people_sign_in_at_a_url_or_at_a_path() {
    for (written, url, redirect) in [
        (json!({ "url": "https://login.example.com/start?to=shop" }), "https://login.example.com/start?to=shop", false),
        (json!({ "url": "/login", "redirect": true }), "/login", true),
        (json!({ "url": "/", "redirect": false }), "/", false),
    ] {
        let (plan, _) = plan(&with(PLACE, written));
        let shop = plan.router.applications.iter().find(|application| application.name == "shop");
        assert_eq!(shop.and_then(|shop| shop.sign_in.clone()), Some(SignIn { url: url.to_owned(), redirect }));
    }
}

#[portable]
fn a_place_that_is_not_the_operators_is_rejected() {
    for url in [
        "http://login.example.com",
        "//login.example.com",
        "login",
        "javascript:alert(1)",
        "https://login.example.com/#start",
        "https://me@login.example.com/",
        "/a b",
        "/\\login.example.com",
        "/a\r\nset-cookie: a=b",
    ] {
        let document = with(PLACE, json!({ "url": url }));
        assert_problem(
            &document,
            "/applications/shop/sign_in/url",
            "bad-value",
            "neither an https URL nor a path",
            "a path on the same host",
        );
    }
    assert_problem(&with(PLACE, json!({})), PLACE, "missing-field", "`url` is missing", "https URL");
}
