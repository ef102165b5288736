//! The work that native filters and Countersign do alike: hosts, paths, claims, and the headers that the upstream gets.

/// The host of all requests.
pub const HOST: &str = "shop.example.com";
/// The header with the device's token.
pub const DEVICE_HEADER: &str = "x-device-posture";
/// The path that is open to callers without a token.
pub const HEALTH_PATH: &str = "/healthz";
/// The group that may read.
pub const GROUP: &str = "engineering";
/// The lowest score of a device that may read.
pub const LOWEST_SCORE: i64 = 60;
/// Headers for the upstream with a claim of the user's token each.
pub const CLAIM_HEADERS: [(&str, &str); 4] =
    [("x-user-id", "sub"), ("x-user-email", "email"), ("x-user-name", "name"), ("x-user-department", "department")];

const NOUNS: [&str; 10] =
    ["orders", "people", "invoices", "shipments", "products", "carts", "returns", "reviews", "stores", "reports"];

/// The 20 templates of paths. Envoy's `uri_template` and Countersign's routes write them alike.
pub fn templates() -> impl Iterator<Item = String> {
    NOUNS.iter().flat_map(|noun| [format!("/api/v1/{noun}/{{id}}"), format!("/api/v1/{noun}/{{id}}/items/{{item}}")])
}

/// The path of the request with this number: each template in turn, with a thousand ids.
#[must_use]
pub fn path(number: usize) -> String {
    let noun = NOUNS[number / 2 % NOUNS.len()];
    let id = 10_000 + number % 1_000;
    if number.is_multiple_of(2) { format!("/api/v1/{noun}/{id}") } else { format!("/api/v1/{noun}/{id}/items/7") }
}

/// The headers of a browser's request for data, beside `host` and the credentials: with `host` they are 18.
pub const BROWSER_HEADERS: [(&str, &str); 17] = [
    ("accept", "application/json, text/plain, */*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("cache-control", "no-cache"),
    ("cookie", "theme=dark; consent=essential; session-hint=4f1c2a7e9b; locale=en-GB; experiment=checkout-7-b"),
    ("dnt", "1"),
    ("origin", "https://shop.example.com"),
    ("pragma", "no-cache"),
    ("priority", "u=1, i"),
    ("referer", "https://shop.example.com/account/orders?page=3&sort=date"),
    ("sec-ch-ua", "\"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"macOS\""),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "same-origin"),
    (
        "user-agent",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/142.0.0.0 Safari/537.36",
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{path, templates};

    #[test]
    fn twenty_requests_use_every_template_once() {
        let used: BTreeSet<String> = (0..20)
            .map(|number| {
                let path = path(number);
                let segments: Vec<&str> = path.split('/').collect();
                match segments.as_slice() {
                    [_, _, _, noun, _] => format!("/api/v1/{noun}/{{id}}"),
                    [_, _, _, noun, _, "items", _] => format!("/api/v1/{noun}/{{id}}/items/{{item}}"),
                    _ => panic!("{path}"),
                }
            })
            .collect();
        assert_eq!(used, templates().collect());
        assert_eq!(used.len(), 20);
    }
}
