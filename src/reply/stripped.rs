//! Header fields that applications tend to believe, and that are therefore taken out of every request.
//!
//! They are how other authenticating proxies tell an application who the user is. Where such a proxy stood before, or where
//! a framework reads them by default, a client that sends one itself is whoever it likes. None of them is evidence here.
//!
//! Left alone on purpose: `x-forwarded-for`, `-proto`, `-host`, `-port`, `-prefix`, `x-real-ip` and `forwarded` (they say
//! where a request came from, and belong to the listener's `use_remote_address` and the like), `x-forwarded-client-cert`
//! (Envoy removes or sets it before any filter), `cookie` and API keys (an application's own credentials, which it checks
//! itself).

/// Whether a name is one of them. The name is in its normal form, see [`normal_form`].
pub(super) fn is_believed_by_applications(name: &str) -> bool {
    EXACT.binary_search(&name).is_ok() || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A name as the most careless reader sees it: in lower case, and everything but letters and digits as `-`.
///
/// CGI, WSGI and their kin turn `-` into `_` before an application sees a name, and some turn every other byte into `_`
/// too, so `x_forwarded_user` and `x.forwarded.user` arrive as `x-forwarded-user`.
pub(super) fn normal_form(name: &str) -> String {
    name.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_lowercase()) } else { '-' })
        .collect()
}

/// Beginnings of names.
const PREFIXES: &[&str] = &[
    // Ours.
    "x-countersign",
    // AWS: load balancer, Verified Access, mutual TLS.
    "x-amzn-ava-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    // Azure App Service, Container Apps and application gateways.
    "x-ms-client-principal",
    "x-ms-token-",
    // Google: IAP, Endpoints.
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    // Cloudflare Access.
    "cf-access-",
    // Self-hosted proxies: oauth2-proxy, Pomerium, Authelia, authentik, Vouch, Tailscale, Grafana's and Gitea's readers.
    "remote-user",
    "tailscale-user-",
    "x-auth-request-",
    "x-authelia-",
    "x-authentik-",
    "x-pomerium-",
    "x-remote-",
    "x-token-",
    "x-vouch-",
    "x-webauth-",
    // API gateways that verify tokens: Kong, Envoy's and Istio's claim headers.
    "x-authenticated-",
    "x-consumer-",
    "x-jwt-",
    // Single sign-on agents: Shibboleth, SiteMinder, WebSEAL, Oracle Access Manager, Apache's OpenID Connect module.
    "iv-",
    "oam-",
    "oidc-",
    "shib-",
    "sm-user",
    // Client certificates as reported by a proxy that ends TLS.
    "client-cert",
    "ssl-client-",
    "x-client-cert",
    "x-forwarded-tls-client-cert",
    "x-ssl-client-",
    "x-ssl-cert",
    "x-tls-client-",
];

/// Whole names, sorted.
const EXACT: &[&str] = &[
    // Linkerd's name of the peer.
    "l5d-client-id",
    // The CGI variable HTTP_PROXY, which HTTP libraries take for their own proxy (CVE-2016-5385).
    "proxy",
    // Proxy-authentication is between a client and this hop.
    "proxy-authorization",
    // Authelia and its kin.
    "remote-email",
    "remote-groups",
    "remote-name",
    // SiteMinder.
    "sm-universalid",
    // Teleport.
    "teleport-jwt-assertion",
    // Kong's mark for its anonymous consumer.
    "x-anonymous-consumer",
    // Google API Gateway's verified claims.
    "x-apigateway-api-userinfo",
    // The client certificate in front of Azure App Service.
    "x-arr-clientcert",
    // Names that applications make up for themselves.
    "x-auth-email",
    "x-auth-groups",
    "x-auth-roles",
    "x-auth-subject",
    "x-auth-user",
    "x-auth-userid",
    "x-auth-username",
    "x-client-dn",
    "x-client-verify",
    "x-credential-identifier",
    "x-current-user",
    "x-email",
    // Google Cloud Endpoints' verified claims.
    "x-endpoint-api-userinfo",
    // What Envoy's router writes when it has rewritten a request (CVE-2023-27487).
    "x-envoy-original-host",
    "x-envoy-original-method",
    "x-envoy-original-path",
    // oauth2-proxy and readers of its fields.
    "x-forwarded-access-token",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-id-token",
    // Another method, path or host than the one that was judged.
    "x-forwarded-method",
    "x-forwarded-path",
    "x-forwarded-preferred-username",
    "x-forwarded-roles",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-group",
    "x-groups",
    "x-http-method",
    "x-http-method-override",
    "x-identity",
    "x-method-override",
    // Marks a request as one that a framework's own middleware has seen already (CVE-2025-29927).
    "x-middleware-subrequest",
    "x-original-host",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-principal",
    "x-rewrite-url",
    "x-role",
    "x-roles",
    "x-spiffe-id",
    "x-subject",
    "x-user",
    "x-user-email",
    "x-user-group",
    "x-user-groups",
    "x-user-id",
    "x-user-name",
    "x-user-role",
    "x-user-roles",
    "x-user-sub",
    "x-userid",
    "x-userinfo",
    "x-username",
];

#[cfg(test)]
mod tests {
    use super::{EXACT, PREFIXES, is_believed_by_applications, normal_form};
    use crate::portable;

    #[portable]
    fn the_list_is_sorted_and_in_normal_form() {
        assert!(EXACT.is_sorted());
        for name in EXACT.iter().chain(PREFIXES) {
            assert_eq!(&normal_form(name), name);
        }
    }

    #[portable]
    fn every_spelling_that_a_careless_reader_takes_for_a_name_is_that_name() {
        for name in ["x-forwarded-user", "X_Forwarded_User", "x_forwarded-user", "x.forwarded.user", "x~forwarded!user"]
        {
            assert!(is_believed_by_applications(&normal_form(name)), "{name}");
        }
    }

    #[portable]
    fn fields_that_tell_who_the_user_is_or_what_was_asked_are_on_the_list() {
        for name in [
            "x-countersign-principal",
            "x-countersign",
            "x-auth-request-email",
            "x-remote-user",
            "x-remote-group",
            "remote-user",
            "x-webauth-user",
            "x-goog-iap-jwt-assertion",
            "cf-access-authenticated-user-email",
            "x-amzn-oidc-data",
            "x-ms-client-principal",
            "x-ms-client-principal-id",
            "client-cert",
            "client-cert-chain",
            "oidc-claim-sub",
            "x-forwarded-tls-client-cert-info",
            "l5d-client-id",
            "x-http-method-override",
            "x-original-url",
            "proxy-authorization",
        ] {
            assert!(is_believed_by_applications(name), "{name}");
        }
    }

    #[portable]
    fn ordinary_fields_are_not_on_the_list() {
        for name in [
            "accept",
            "authorization",
            "content-type",
            "cookie",
            "host",
            "origin",
            "user-agent",
            "x-user-agent",
            "x-forwarded-for",
            "x-forwarded-proto",
            "x-forwarded-host",
            "x-forwarded-client-cert",
            "x-request-id",
            "x-api-key",
            "traceparent",
            "grpc-timeout",
            "te",
        ] {
            assert!(!is_believed_by_applications(name), "{name}");
        }
    }
}
