//! The list. Most groups were looked up in the documentation or the source of the reader that they name; those that say
//! "frameworks" or "applications" without a name follow common use.

use super::{Group, LeftAlone, Says};

/// Headers that are removed from every request.
pub const REMOVED: &[Group] = &[
    Group { names: &["x-countersign*"], says: Says::Ours, believed_by: "applications behind this plugin" },
    Group {
        names: &["proxy-authorization"],
        says: Says::ProxyCredential,
        believed_by: "proxies (RFC 9110 section 11.7.2)",
    },
    // ------------------------------------------------------------------------------------------- cloud providers
    Group {
        names: &["x-amzn-ava-*", "x-amzn-oidc-*"],
        says: Says::Identity,
        believed_by: "applications behind AWS load balancers and Verified Access",
    },
    Group {
        names: &["x-ms-client-principal*", "x-ms-token-*"],
        says: Says::Identity,
        believed_by: "applications on Azure App Service and Container Apps",
    },
    Group {
        names: &["x-apigateway-api-userinfo", "x-endpoint-api-userinfo", "x-goog-authenticated-user-*", "x-goog-iap-*"],
        says: Says::Identity,
        believed_by: "applications behind Google's Identity-Aware Proxy, Endpoints and API Gateway",
    },
    Group {
        names: &["x-appengine-*"],
        says: Says::Identity,
        believed_by: "applications with the App Engine libraries: the user, whether it is an administrator, the \
                      address, and that a request comes from a queue or a schedule",
    },
    Group { names: &["cf-access-*"], says: Says::Identity, believed_by: "applications behind Cloudflare Access" },
    // ------------------------------------------------------------------------------- proxies that authenticate
    Group {
        names: &[
            "x-auth-request-*",
            "x-forwarded-access-token",
            "x-forwarded-email",
            "x-forwarded-groups",
            "x-forwarded-id-token",
            "x-forwarded-preferred-username",
            "x-forwarded-roles",
            "x-forwarded-user*",
        ],
        says: Says::Identity,
        believed_by: "applications behind oauth2-proxy, Traefik and Caddy; Sourcegraph, Jenkins, Rundeck, SonarQube",
    },
    Group {
        names: &[
            "x-forwarded-authorization",
            "x-forwarded-display-name",
            "x-forwarded-displayname",
            "x-forwarded-login",
            "x-forwarded-mail",
            "x-forwarded-name",
            "x-forwarded-uuid",
        ],
        says: Says::Identity,
        believed_by: "SonarQube (login, name), Jenkins (displayname, mail), Rundeck (uuid), applications behind API \
                      gateways that move `Authorization`",
    },
    Group {
        names: &["remote-email", "remote-groups", "remote-name", "remote-user*", "x-authelia-*"],
        says: Says::Identity,
        believed_by: "applications behind Authelia, and all that read the CGI variable REMOTE_USER from a header",
    },
    Group { names: &["x-authentik-*"], says: Says::Identity, believed_by: "applications behind authentik" },
    Group { names: &["x-pomerium-*"], says: Says::Identity, believed_by: "applications behind Pomerium" },
    Group { names: &["x-vouch-*"], says: Says::Identity, believed_by: "applications behind Vouch" },
    Group { names: &["tailscale-*"], says: Says::Identity, believed_by: "applications behind Tailscale Serve" },
    Group { names: &["teleport-jwt-assertion"], says: Says::Identity, believed_by: "applications behind Teleport" },
    Group {
        names: &["x-openwebui-*"],
        says: Says::Identity,
        believed_by: "LiteLLM and other servers behind Open WebUI",
    },
    // ----------------------------------------------------------------------------------------------- API gateways
    Group {
        names: &["x-anonymous-consumer", "x-authenticated-*", "x-consumer-*", "x-credential-*"],
        says: Says::Identity,
        believed_by: "applications behind Kong and APISIX",
    },
    Group {
        names: &["x-access-token", "x-id-token", "x-user-info", "x-userinfo"],
        says: Says::Identity,
        believed_by: "applications behind the OpenID Connect plugins of Kong and APISIX",
    },
    Group {
        names: &["x-jwt-*", "x-token-*"],
        says: Says::Identity,
        believed_by: "applications to which Envoy, Istio or a gateway forwards verified claims",
    },
    Group { names: &["x-rh-identity"], says: Says::Identity, believed_by: "Red Hat's console services behind 3scale" },
    // ------------------------------------------------------------------------------------- single sign-on agents
    Group {
        names: &["iv-*", "oam-*", "oidc-*", "shib-*", "sm-universalid", "sm-user*"],
        says: Says::Identity,
        believed_by: "applications behind WebSEAL, Oracle Access Manager, Apache's mod_auth_openidc, Shibboleth, \
                      SiteMinder",
    },
    Group {
        names: &["x-ldap-*"],
        says: Says::Identity,
        believed_by: "the LDAP authentication daemon for nginx (which directory to ask), and applications behind it",
    },
    // --------------------------------------------------------- servers with a trusted proxy or with impersonation
    Group {
        names: &["impersonate-*"],
        says: Says::Identity,
        believed_by: "Kubernetes' API server, from callers that may impersonate; `kubectl --as` sends them",
    },
    Group {
        names: &["x-remote-*"],
        says: Says::Identity,
        believed_by: "Kubernetes' API server behind a front proxy, Home Assistant add-ons, Radicale and many others",
    },
    Group {
        names: &["x-webauth-*"],
        says: Says::Identity,
        believed_by: "Grafana, Gitea and Forgejo with authentication by a proxy",
    },
    Group {
        names: &["es-security-runas-user"],
        says: Says::Identity,
        believed_by: "Elasticsearch, from callers that may act for others",
    },
    Group {
        names: &["opendistro-security-impersonate-as", "x-proxy-ext-*", "x-proxy-roles", "x-proxy-user"],
        says: Says::Identity,
        believed_by: "OpenSearch with proxy authentication or impersonation",
    },
    Group { names: &["kubeflow-groups", "kubeflow-userid*"], says: Says::Identity, believed_by: "Kubeflow" },
    Group {
        names: &["x-proxiedentit*", "x-proxiedissuerschain"],
        says: Says::Identity,
        believed_by: "NiFi, NiFi Registry, DataWave",
    },
    Group {
        names: &[
            "x-trino-authorization-user",
            "x-trino-extra-credential",
            "x-trino-original-roles",
            "x-trino-original-user",
            "x-trino-role",
            "x-trino-user",
        ],
        says: Says::Identity,
        believed_by: "Trino; its clients send some of them",
    },
    Group {
        names: &["x-presto-extra-credential", "x-presto-role", "x-presto-user"],
        says: Says::Identity,
        believed_by: "Presto; its clients send some of them",
    },
    Group { names: &["x-auth-couchdb-*"], says: Says::Identity, believed_by: "CouchDB with proxy authentication" },
    Group {
        names: &["x-hasura-*"],
        says: Says::Identity,
        believed_by: "Hasura: role and session variables; its clients choose among their roles with `x-hasura-role`",
    },
    Group { names: &["x-spinnaker-*"], says: Says::Identity, believed_by: "Spinnaker's services" },
    Group {
        names: &["x-clickhouse-user"],
        says: Says::Identity,
        believed_by: "ClickHouse; its clients send it with `x-clickhouse-key`",
    },
    Group {
        names: &[
            "x-domain-id",
            "x-domain-name",
            "x-identity-status",
            "x-is-admin-project",
            "x-project-domain-id",
            "x-project-domain-name",
            "x-project-id",
            "x-project-name",
            "x-service-catalog",
            "x-service-domain-id",
            "x-service-domain-name",
            "x-service-identity-status",
            "x-service-project-domain-id",
            "x-service-project-domain-name",
            "x-service-project-id",
            "x-service-project-name",
            "x-service-roles",
            "x-service-user-domain-id",
            "x-service-user-domain-name",
            "x-service-user-id",
            "x-service-user-name",
            "x-tenant",
            "x-tenant-id",
            "x-tenant-name",
            "x-user-domain-id",
            "x-user-domain-name",
        ],
        says: Says::Identity,
        believed_by: "OpenStack's services behind keystonemiddleware, which writes them; multi-tenant applications \
                      read the tenant's",
    },
    Group {
        names: &["x-scope-orgid"],
        says: Says::Tenant,
        believed_by: "Loki, Mimir, Tempo and Cortex, which take it for the tenant; Grafana sends it",
    },
    Group { names: &["thanos-tenant"], says: Says::Tenant, believed_by: "Thanos" },
    Group { names: &["accountid", "projectid"], says: Says::Tenant, believed_by: "VictoriaLogs" },
    // ------------------------------------------------------------------------- names that applications make up
    Group {
        names: &[
            "x-auth-email",
            "x-auth-groups",
            "x-auth-roles",
            "x-auth-subject",
            "x-auth-user",
            "x-auth-userid",
            "x-auth-username",
            "x-current-user",
            "x-email",
            "x-group",
            "x-groups",
            "x-identity",
            "x-principal",
            "x-role",
            "x-roles",
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
            "x-username",
        ],
        says: Says::Identity,
        believed_by: "applications that made the name up; OpenStack's services (`x-user-id`, `x-roles` and others). \
                      Rocket.Chat's clients send `x-user-id` with their token",
    },
    // ------------------------------------------------------------------------------------------------------ peers
    Group { names: &["l5d-client-id"], says: Says::Identity, believed_by: "applications behind Linkerd" },
    Group { names: &["x-spiffe-id"], says: Says::Identity, believed_by: "applications behind a SPIFFE-aware proxy" },
    Group {
        names: &[
            "client-cert*",
            "ssl-client-*",
            "x-amzn-mtls-*",
            "x-arr-clientcert",
            "x-client-cert*",
            "x-client-dn",
            "x-client-verify",
            "x-forwarded-tls-client-cert*",
            "x-ssl-cert*",
            "x-ssl-client*",
            "x-ssl-issuer*",
            "x-ssl-subject*",
            "x-tls-client-*",
        ],
        says: Says::Certificate,
        believed_by: "applications behind a proxy that ends mutual TLS (RFC 9440; nginx, HAProxy, Traefik, AWS, \
                      Azure); Puppet, DataWave",
    },
    Group {
        names: &["ms-aspnetcore-*"],
        says: Says::Certificate,
        believed_by: "ASP.NET Core behind IIS: certificate and Windows user",
    },
    Group {
        names: &["proxy-auth-cert", "proxy-ssl-id", "x-proxied-https"],
        says: Says::Certificate,
        believed_by: "Jetty with its ForwardedRequestCustomizer",
    },
    Group {
        names: &["wl-proxy-*"],
        says: Says::Certificate,
        believed_by: "WebLogic with its proxy plug-in enabled: certificate, address, whether TLS is used",
    },
    Group {
        names: &["-ws*"],
        says: Says::Certificate,
        believed_by: "WebSphere and Liberty, from trusted origins: user, certificate, host, port and scheme, in \
                      headers such as `$WSRU`",
    },
    // --------------------------------------------------------------------- another method, host, port, scheme, path
    Group {
        names: &[
            "x-forwarded-method",
            "x-http-method",
            "x-http-method-override",
            "x-method-override",
            "x-original-method",
        ],
        says: Says::Target,
        believed_by: "Rails, Symfony, Laravel, Spring, ASP.NET, Express with method-override, Google's APIs; \
                      authentication services that a proxy asks",
    },
    Group {
        names: &["forwarded", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix"],
        says: Says::Target,
        believed_by: "Spring, Rails and Rack, Symfony, Laravel, Django, ASP.NET Core, Jetty, Keycloak and most \
                      others: links, redirects, tenants",
    },
    Group {
        names: &[
            "x-forwarded-by",
            "x-forwarded-context",
            "x-forwarded-https",
            "x-forwarded-protocol",
            "x-forwarded-scheme",
            "x-forwarded-server",
            "x-forwarded-ssl",
        ],
        says: Says::Target,
        believed_by: "Rack (scheme, ssl), gunicorn (protocol, ssl), Spring (ssl), Jetty (server), NiFi (context)",
    },
    Group {
        names: &[
            "cf-visitor",
            "cloudfront-forwarded-proto",
            "front-end-https",
            "x-arr-ssl",
            "x-https",
            "x-scheme",
            "x-url-scheme",
        ],
        says: Says::Target,
        believed_by: "PHP, Perl and Python applications that look for the scheme",
    },
    Group {
        names: &[
            "x-external-host",
            "x-host",
            "x-host-override",
            "x-http-host-override",
            "x-original-host",
            "x-original-prefix",
            "x-original-proto",
        ],
        says: Says::Target,
        believed_by: "applications and caches behind a proxy that changes `Host`; ASP.NET Core writes what it \
                      replaced there",
    },
    Group {
        names: &["path-info", "script-name", "x-base-path", "x-external-path", "x-ingress-path", "x-script-name"],
        says: Says::Target,
        believed_by: "gunicorn (script-name, path-info), Flask, pgAdmin and Faktory (x-script-name), Home Assistant \
                      add-ons (x-ingress-path)",
    },
    Group {
        names: &["x-proxycontextpath", "x-proxyhost", "x-proxyport", "x-proxyscheme"],
        says: Says::Target,
        believed_by: "NiFi",
    },
    Group {
        names: &["x-forwarded-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url"],
        says: Says::Target,
        believed_by: "IIS and ASP.NET, Zend and Symfony; authentication services that a proxy asks",
    },
    Group {
        names: &["x-envoy-original-*"],
        says: Says::Target,
        believed_by: "applications behind Envoy (CVE-2023-27487), and Envoy itself: an original destination cluster \
                      with `use_http_header` sends a request wherever `x-envoy-original-dst-host` says",
    },
    // ----------------------------------------------------------------------------------------- another address
    Group {
        names: &[
            "client-ip",
            "forwarded-for",
            "http-client-ip",
            "http-x-forwarded-for",
            "proxy-client-ip",
            "x-client-ip",
            "x-cluster-client-ip",
            "x-forwarded",
            "x-originating-ip",
            "x-real-ip",
        ],
        says: Says::Address,
        believed_by: "Rails (client-ip), nginx, Gin, Echo, chi and Grafana (x-real-ip), PHP and Java applications \
                      that look for the client's address",
    },
    Group {
        names: &[
            "cf-connecting-ip",
            "cf-connecting-ipv6",
            "cf-pseudo-ipv4",
            "cloudfront-viewer-address",
            "do-connecting-ip",
            "fastly-client-ip",
            "fly-client-ip",
            "true-client-ip",
            "x-azure-clientip",
            "x-azure-socketip",
            "x-nf-client-connection-ip",
            "x-vercel-forwarded-for",
        ],
        says: Says::Address,
        believed_by: "applications behind Cloudflare, Akamai, CloudFront, DigitalOcean, Fastly, Fly.io, Azure Front \
                      Door, Netlify, Vercel",
    },
    Group {
        names: &["x-original-for", "x-original-forwarded-for", "x-original-remote-endpoint"],
        says: Says::Address,
        believed_by: "applications behind ingress-nginx; ASP.NET Core, which writes what it replaced there",
    },
    // ----------------------------------------------------------------------------------------------------- others
    Group {
        names: &["proxy"],
        says: Says::Trust,
        believed_by: "HTTP libraries in CGI programs, which take it for their own proxy (CVE-2016-5385)",
    },
    Group {
        names: &["x-middleware-subrequest"],
        says: Says::Trust,
        believed_by: "Next.js, which skips its middleware (CVE-2025-29927)",
    },
];

/// Headers that look like those of [`REMOVED`] and are forwarded.
pub const LEFT_ALONE: &[LeftAlone] = &[
    LeftAlone {
        names: &["x-forwarded-for", "x-forwarded-proto"],
        only_spelled_so: true,
        why: "Envoy writes them for every request, and applications need them. They are true with \
              `use_remote_address: true`: Envoy then sets `x-forwarded-proto` from the connection and appends the \
              peer's address to `x-forwarded-for`; of the latter only the last address is Envoy's, so the \
              application must count from the right. Behind other proxies `xff_num_trusted_hops` says how many to \
              trust. Without `use_remote_address` both arrive as the client sent them",
    },
    LeftAlone {
        names: &["x-envoy-external-address"],
        only_spelled_so: true,
        why: "Envoy sets it with `use_remote_address: true`, except for clients in `internal_address_config`; \
              otherwise it arrives as the client sent it. If that applies to you, name it in \
              `request_headers.remove`",
    },
    LeftAlone {
        names: &["x-forwarded-client-cert"],
        only_spelled_so: true,
        why: "Envoy removes it before any filter, or sets it, as `forward_client_cert_details` says. A client's own \
              arrives only with `APPEND_FORWARD`, `FORWARD_ONLY` (both over mutual TLS) or `ALWAYS_FORWARD_ONLY`",
    },
    LeftAlone {
        names: &["x-request-id"],
        only_spelled_so: true,
        why: "Envoy sets it. It names the request, not who asks",
    },
    LeftAlone {
        names: &["content-length", "transfer-encoding"],
        only_spelled_so: true,
        why: "Envoy writes them for the connection to the upstream",
    },
    LeftAlone {
        names: &["user-agent"],
        only_spelled_so: true,
        why: "what policies read as `http_request.user_agent` is what the upstream receives",
    },
    LeftAlone {
        names: &[
            "x-envoy-hedge-on-per-try-timeout",
            "x-envoy-max-retries",
            "x-envoy-retriable-*",
            "x-envoy-retry-*",
            "x-envoy-upstream-*",
        ],
        only_spelled_so: false,
        why: "Envoy's router reads them. They change time limits, retries and the names of statistics; they say \
              neither who asks nor what for. Envoy removes most of them from requests of clients outside \
              `internal_address_config`, and since Envoy 1.33 no client is inside unless that is set",
    },
    LeftAlone {
        names: &["cookie", "x-api-key", "x-auth-token", "x-clickhouse-key", "x-vault-token"],
        only_spelled_so: false,
        why: "credentials of the client's own for the application, which checks them itself",
    },
];
