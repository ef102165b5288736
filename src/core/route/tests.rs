//! Which route a request comes to.

use super::{Application, HostPattern, NoRoute, Requires, Route, Router};
use crate::limits::Limits;
use crate::portable;
use crate::request::{Action, Ambiguity, Method, PathTemplate, Request, RequestMethod, RequestParts};

fn route(name: &str, path: &str, methods: &[Method], action: Option<Action>) -> Route {
    Route {
        name: name.to_owned(),
        path: PathTemplate::parse(path).expect("a template"),
        encoded: Vec::new(),
        methods: methods.iter().copied().map(RequestMethod::Common).collect(),
        action,
        requires: Requires::default(),
        resource_metadata: None,
        attributes: Vec::new(),
    }
}

fn pattern(host: &str) -> HostPattern {
    match host.strip_prefix('*') {
        Some(end) => HostPattern::OneLabelBefore(end.to_owned()),
        None => HostPattern::Exactly(host.to_owned()),
    }
}

fn application(name: &str, hosts: Option<&[&str]>, routes: Vec<Route>) -> Application {
    let hosts = hosts.map(|hosts| hosts.iter().map(|&host| pattern(host)).collect());
    Application {
        name: name.to_owned(),
        hosts,
        requires: Requires::default(),
        resource_metadata: None,
        sign_in: None,
        routes,
    }
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
        ..Router::default()
    }
}

const PREFLIGHT: [(&str, &[u8]); 2] = [("origin", b"https://a"), ("access-control-request-method", b"PUT")];

fn request(method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> Request {
    Request::parse(RequestParts::for_test(method, host, path, fields), &Limits::default()).expect("a request")
}

/// `application/route action`, or how far the request came.
fn found(method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> String {
    found_in(&router(), method, host, path, fields)
}

fn found_in(router: &Router, method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> String {
    match router.find(&request(method, host, path, fields)) {
        Ok(found) => format!("{}/{} {}", found.application.name, found.route.name, found.action.name()),
        Err(NoRoute::Host) => "no host".to_owned(),
        Err(NoRoute::Path(application)) => format!("no path in {}", application.name),
        Err(NoRoute::Method(application, route)) => format!("no method in {}/{}", application.name, route.name),
        Err(NoRoute::Ambiguous(detail)) => format!("ambiguous: {detail}"),
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
    let router = Router {
        applications: vec![application("shop", Some(&["shop.example.com"]), Vec::new())],
        ..Router::default()
    };
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

/// Routes of these paths in order of specificity, named after their paths; those with spellings accept these.
fn paths(paths: &[(&str, &[Ambiguity])]) -> Router {
    let mut routes: Vec<Route> = paths
        .iter()
        .map(|(path, encoded)| Route { encoded: encoded.to_vec(), ..route(path, path, &[Method::Get], None) })
        .collect();
    routes.sort_by(|a, b| a.path.specificity(&b.path));
    Router { applications: vec![application("api", Some(&["a"]), routes)], ..Router::default() }
}

fn route_of(router: &Router, path: &str) -> String {
    found_in(router, "GET", "a", path, &[]).replace("api/", "").replace(" GET", "")
}

#[portable]
fn a_path_with_a_last_slash_never_falls_to_a_broader_route() {
    let router = paths(&[("/admin", &[]), ("/admin/{rest*}", &[]), ("/docs/", &[]), ("/docs", &[]), ("/{rest*}", &[])]);
    for (path, expected) in [
        ("/admin", "/admin"),
        ("/admin/x", "/admin/{rest*}"),
        ("/admin/x/", "/admin/{rest*}"),
        ("/admin/", "ambiguous: with something behind its last slash, the path belongs to the route `/admin/{rest*}`"),
        ("/docs", "/docs"),
        ("/docs/", "/docs/"),
        ("/other", "/{rest*}"),
        ("/other/", "/{rest*}"),
        ("/", "no path in api"),
    ] {
        assert_eq!(route_of(&router, path), expected, "{path}");
    }
    let router = paths(&[("/admin", &[]), ("/orders/{id}", &[]), ("/{rest*}", &[])]);
    for (path, narrower) in [("/admin/", "/admin"), ("/orders/7/", "/orders/{id}")] {
        let expected = format!("ambiguous: without its last slash, the path belongs to the route `{narrower}`");
        assert_eq!(route_of(&router, path), expected);
    }
    assert_eq!(route_of(&router, "/orders/"), "/{rest*}", "`/orders` belongs there too");
    assert_eq!(route_of(&paths(&[("/admin", &[])]), "/admin/"), "no path in api", "no broader route would take it");
}

#[portable]
fn a_path_without_its_last_slash_never_falls_to_a_broader_route() {
    for broader in ["/{page}", "/{rest*}"] {
        for narrower in ["/admin/", "/admin/{rest*}"] {
            let router = paths(&[(narrower, &[]), (broader, &[])]);
            let expected = format!("ambiguous: with a slash at its end, the path belongs to the route `{narrower}`");
            assert_eq!(route_of(&router, "/admin"), expected);
            let both = paths(&[(narrower, &[]), ("/admin", &[]), (broader, &[])]);
            assert_eq!(route_of(&both, "/admin"), "/admin");
        }
    }
    let nested = paths(&[("/v1/{id}", &[]), ("/v1/{id}/{rest*}", &[]), ("/", &[]), ("/{rest*}", &[])]);
    for (path, expected) in [("/v1/7", "/v1/{id}"), ("/v1/7/x", "/v1/{id}/{rest*}"), ("/", "/"), ("/x", "/{rest*}")] {
        assert_eq!(route_of(&nested, path), expected);
    }
}

#[portable]
fn letters_in_another_case_never_lead_to_a_broader_route() {
    let router =
        paths(&[("/admin/{rest*}", &[]), ("/books/{id}:Publish", &[]), ("/books/{id}", &[]), ("/{rest*}", &[])]);
    for (path, narrower) in [
        ("/Admin/x", "/admin/{rest*}"),
        ("/ADMIN/x/y", "/admin/{rest*}"),
        ("/books/7:publish", "/books/{id}:Publish"),
        ("/Books/7", "/books/{id}"),
    ] {
        let expected =
            format!("ambiguous: with its letters in another case, the path belongs to the route `{narrower}`");
        assert_eq!(route_of(&router, path), expected, "{path}");
    }
    assert_eq!(route_of(&router, "/books/Seven"), "/books/{id}", "a value may have any case");
    let both = paths(&[("/a/{id}", &[]), ("/A/{id}", &[])]);
    assert_eq!((route_of(&both, "/a/7"), route_of(&both, "/A/7")), ("/a/{id}".to_owned(), "/A/{id}".to_owned()));
}

#[portable]
fn semicolons_hide_no_verb_however_they_are_written() {
    use Ambiguity::Semicolon;
    let router = paths(&[("/b/{id}:publish", &[]), ("/b/{id}", &[Semicolon])]);
    assert_eq!(route_of(&router, "/b/a;x"), "/b/{id}");
    assert_eq!(
        route_of(&router, "/b/a:publish;x"),
        "ambiguous: without what follows its semicolons, the path belongs to the route `/b/{id}:publish`"
    );
    let mixed = Request::parse(RequestParts::for_test("GET", "a", "/b/a%3Bb:publish;x", &[]), &Limits::default());
    assert!(mixed.is_err(), "a server that cuts at the bare semicolon alone reads another verb");
}

#[portable]
fn a_verb_without_its_parameter_never_falls_to_a_broader_route() {
    let router = paths(&[("/books/{id}:publish", &[]), ("/books/{id}", &[]), ("/feeds/{name}.json", &[])]);
    assert_eq!(route_of(&router, "/books/7"), "/books/{id}");
    assert_eq!(route_of(&router, "/books/7:publish"), "/books/{id}:publish");
    assert_eq!(
        route_of(&router, "/books/:publish"),
        "ambiguous: with something in the place of its parameter, the path belongs to the route `/books/{id}:publish`"
    );
    assert_eq!(route_of(&router, "/feeds/.json"), "no path in api");
}

#[portable]
fn an_ambiguous_spelling_is_refused_wherever_no_route_accepts_it() {
    use Ambiguity::{Percent, Semicolon, Slash, Unreserved};
    let router = paths(&[
        ("/files/{rest*}", &[Slash, Percent, Unreserved, Semicolon]),
        ("/files/secret", &[]),
        ("/strict/{id}", &[]),
    ]);
    for (path, expected) in [
        ("/files/a%2Fb", "/files/{rest*}"),
        ("/files/%7Ebob/100%25", "/files/{rest*}"),
        ("/files/a;v=1", "/files/{rest*}"),
        ("/strict/a%2Fb", "ambiguous: an escaped slash, which the route does not accept there"),
        ("/strict/a;v", "ambiguous: a semicolon, which the route does not accept there"),
        ("/elsewhere/a%25", "ambiguous: an escaped percent sign, which the route does not accept there"),
        ("/%66iles/a", "ambiguous: an escape of a character that needs none, which the route does not accept there"),
        (
            "/files/%73ecret",
            "ambiguous: an escape of a character that needs none, which the route does not accept there",
        ),
        (
            "/files/secret;v=1",
            "ambiguous: without what follows its semicolons, the path belongs to the route `/files/secret`",
        ),
        ("/files;v=1/secret", "ambiguous: a semicolon, which the route does not accept there"),
    ] {
        assert_eq!(route_of(&router, path), expected, "{path}");
    }
    let elsewhere = found_in(&router, "GET", "unknown", "/files/a%2Fb", &[]);
    assert!(elsewhere.starts_with("ambiguous: an escaped slash"), "{elsewhere}");
}

#[portable]
fn an_exact_host_comes_before_a_wildcard_and_any_host_last() {
    let all = || vec![route("all", "/{rest*}", &[Method::Get], None)];
    let router = Router {
        applications: vec![
            application("any", None, all()),
            application("tenants", Some(&["*.tenants.example.com"]), all()),
            application("zone", Some(&["admin.tenants.example.com", "*.example.com"]), all()),
        ],
        ..Router::default()
    };
    for (host, expected) in [
        ("blue.tenants.example.com", "tenants/all GET"),
        ("BLUE.tenants.example.com.:443", "tenants/all GET"),
        ("admin.tenants.example.com", "zone/all GET"),
        ("tenants.example.com", "zone/all GET"),
        ("a.blue.tenants.example.com", "any/all GET"),
        ("example.com", "any/all GET"),
    ] {
        assert_eq!(found_in(&router, "GET", host, "/x", &[]), expected, "{host}");
    }
}

#[portable]
fn a_registered_method_is_served_where_a_route_lists_it_and_says_what_it_does() {
    let mut dav = route("dav", "/dav/{rest*}", &[Method::Get], Some(Action::Read));
    dav.methods.push(RequestMethod::from_name(b"PROPFIND").expect("it is registered"));
    let mut unsaid = route("unsaid", "/unsaid", &[], None);
    unsaid.methods.extend(&dav.methods);
    let router =
        Router { applications: vec![application("api", Some(&["a"]), vec![dav, unsaid])], ..Router::default() };
    assert_eq!(found_in(&router, "PROPFIND", "a", "/dav/x", &[]), "api/dav read");
    assert_eq!(found_in(&router, "GET", "a", "/dav/x", &[]), "api/dav read");
    assert_eq!(found_in(&router, "MKCOL", "a", "/dav/x", &[]), "no method in api/dav");
    assert_eq!(found_in(&router, "PROPFIND", "a", "/unsaid", &[]), "no method in api/unsaid");
    let preflight: [(&str, &[u8]); 2] = [("origin", b"https://a"), ("access-control-request-method", b"PROPFIND")];
    assert_eq!(found_in(&router, "OPTIONS", "a", "/dav/x", &preflight), "api/dav preflight");
}
