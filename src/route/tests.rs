//! Which route a request comes to.

use super::{Application, NoRoute, Requires, Route, Router};
use crate::limits::Limits;
use crate::portable;
use crate::request::{Action, Method, PathTemplate, Request, RequestParts};

fn route(name: &str, path: &str, methods: &[Method], action: Option<Action>) -> Route {
    Route {
        name: name.to_owned(),
        path: PathTemplate::parse(path).expect("a template"),
        methods: methods.to_vec(),
        action,
        requires: Requires::default(),
    }
}

fn application(name: &str, hosts: Option<&[&str]>, routes: Vec<Route>) -> Application {
    let hosts = hosts.map(|hosts| hosts.iter().map(|&host| host.to_owned()).collect());
    Application { name: name.to_owned(), hosts, requires: Requires::default(), routes }
}

fn router() -> Router {
    Router {
        applications: vec![
            application("any", None, vec![route("all", "/{rest*}", &[Method::Get], None)]),
            application(
                "shop",
                Some(&["shop.example.com", "www.example.com"]),
                vec![
                    route("search", "/api/search", &[Method::Post], Some(Action::Read)),
                    route("order", "/api/{id}", &[Method::Get, Method::Put], None),
                    route("rest", "/{rest*}", &[Method::Get, Method::Post], None),
                ],
            ),
        ],
    }
}

const PREFLIGHT: [(&str, &[u8]); 2] = [("origin", b"https://a"), ("access-control-request-method", b"PUT")];

fn request(method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> Request {
    Request::parse(RequestParts::for_test(method, host, path, fields), &Limits::default()).expect("a request")
}

/// `application/route action`, or how far the request came.
fn found(method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> String {
    match router().find(&request(method, host, path, fields)) {
        Ok(found) => format!("{}/{} {}", found.application.name, found.route.name, found.action.name()),
        Err(NoRoute::Host) => "no host".to_owned(),
        Err(NoRoute::Path(application)) => format!("no path in {}", application.name),
        Err(NoRoute::Method(application, route)) => format!("no method in {}/{}", application.name, route.name),
    }
}

#[portable]
fn a_named_host_comes_before_any_host() {
    assert_eq!(found("GET", "shop.example.com", "/x", &[]), "shop/rest GET");
    assert_eq!(found("GET", "WWW.example.com.:8080", "/x", &[]), "shop/rest GET");
    assert_eq!(found("GET", "other.example.com", "/x", &[]), "any/all GET");
    assert_eq!(found("GET", "x.shop.example.com", "/x", &[]), "any/all GET");
}

#[portable]
fn an_application_that_has_the_host_is_the_only_one_asked() {
    assert_eq!(found("GET", "shop.example.com", "/", &[]), "no path in shop");
}

#[portable]
fn without_an_application_for_the_host_there_is_no_route() {
    let router = Router { applications: vec![application("shop", Some(&["shop.example.com"]), Vec::new())] };
    assert!(matches!(router.find(&request("GET", "a", "/", &[])), Err(NoRoute::Host)));
    assert!(matches!(Router::default().find(&request("GET", "a", "/", &[])), Err(NoRoute::Host)));
}

#[portable]
fn the_most_specific_path_is_taken_and_its_methods_are_final() {
    assert_eq!(found("POST", "shop.example.com", "/api/search", &[]), "shop/search read");
    assert_eq!(found("GET", "shop.example.com", "/api/search", &[]), "no method in shop/search");
    assert_eq!(found("GET", "shop.example.com", "/api/7", &[]), "shop/order GET");
    assert_eq!(found("POST", "shop.example.com", "/api/7", &[]), "no method in shop/order");
    assert_eq!(found("POST", "shop.example.com", "/api/7/x", &[]), "shop/rest POST");
}

#[portable]
fn the_parameters_are_those_of_the_route() {
    let router = router();
    let found = router.find(&request("PUT", "shop.example.com", "/api/7", &[])).expect("a route");
    assert_eq!(found.parameters.get("id").map(String::as_str), Some("7"));
    assert_eq!(found.parameters.len(), 1);
}

#[portable]
fn a_preflight_is_routed_by_the_method_that_it_asks_about() {
    assert_eq!(found("OPTIONS", "shop.example.com", "/api/7", &PREFLIGHT), "shop/order preflight");
    assert_eq!(found("OPTIONS", "shop.example.com", "/api/search", &PREFLIGHT), "no method in shop/search");
    assert_eq!(found("OPTIONS", "shop.example.com", "/api/7", &[]), "no method in shop/order");
}

#[portable]
fn an_upgrade_is_an_action_of_its_own_also_where_the_route_names_one() {
    let upgrade: [(&str, &[u8]); 1] = [("upgrade", b"websocket")];
    assert_eq!(found("GET", "shop.example.com", "/x", &upgrade), "shop/rest upgrade");
    assert_eq!(found("POST", "shop.example.com", "/api/search", &upgrade), "shop/search upgrade");
}
