//! `keys` that are fetched from the provider: where they are, and for how long they are used.

use serde_json::Value;

use super::names::quoted;
use super::preset::PUBLISHED;
use super::reader::{Field, Given, Member, Node, Presence, Read, Shape};
use crate::config_error::ConfigCode;
use crate::fetch::{Endpoint, HttpUrl, Schedule};
use crate::keys::{FetchedKeys, KeyHost, KeyLocation};
use crate::profile::IssuerId;
use crate::time::Seconds;

/// The members of `keys` that are fetched, in the order in which [`read`] takes them.
pub(super) static MEMBERS: [Field; 11] = [
    Field {
        name: "url",
        presence: Presence::OneOf,
        shape: Shape::Text("https URL"),
        write: "where the JWK set is, such as `https://login.example.com/keys`",
        about: "where the JWK set (RFC 7517) is",
    },
    Field {
        name: "discovery",
        presence: Presence::OneOf,
        shape: Shape::Either(&[Shape::True, Shape::Text("https URL")]),
        write: "`true` for `<issuer>/.well-known/openid-configuration`, or the URL of the issuer's metadata (RFC 8414)",
        about: "the metadata that names the set. `true` is `<issuer>/.well-known/openid-configuration`; RFC 8414 metadata \
                has another URL. The metadata's `issuer` must be the profile's, or its template as written",
    },
    Field {
        name: PUBLISHED,
        presence: Presence::OneOf,
        shape: Shape::True,
        write: "`true` for the key set that the provider of the preset publishes",
        about: "with a `preset` that knows it: the key set that the provider publishes for everyone",
    },
    Field {
        name: "by_kid",
        presence: Presence::OneOf,
        shape: Shape::Text("https URL"),
        write: "the base URL below which each key is in PEM, such as `https://public-keys.auth.elb.eu-west-1.amazonaws.com`",
        about: "a base URL. Each key is in PEM at this URL, a `/` and the token's `kid`, which must be a UUID; \
                `algorithms` is required. See [keys.md](keys.md#keys-that-are-fetched-one-by-one)",
    },
    Field {
        name: "cluster",
        presence: Presence::RequiredWith(&["url", "discovery", "by_kid", PUBLISHED]),
        shape: Shape::Text("Envoy cluster"),
        write: "the Envoy cluster that leads to the provider and authenticates it",
        about: "the cluster that reaches the provider and authenticates it",
    },
    Field {
        name: "jwks",
        presence: Presence::Optional,
        shape: Shape::Object(&[&KEY_HOST_MEMBERS]),
        write: "`{ host: ..., cluster: ... }` of the host that the metadata's `jwks_uri` names",
        about: "with `discovery`: another host that `jwks_uri` may name, as Google's does. Any other host is rejected",
    },
    Field {
        name: "refresh",
        presence: Presence::Default(Given::NoMembers),
        shape: Shape::Object(&[&REFRESH_MEMBERS]),
        write: "`{ min: 1m, max: 15m }`, the bounds of the time for which a set is fresh",
        about: "bounds for the time that the provider's `Cache-Control` gives a set",
    },
    Field {
        name: "refetch_interval",
        presence: Presence::Default(Given::Text("30s")),
        shape: Shape::Duration(Seconds::new(1)..=Seconds::new(600)),
        write: "a length of time from `1s` to `10m`",
        about: "how often an unknown `kid` alone can cause a fetch: one at once, then one more after each interval. \
                Ordinary refreshes do not count. At most `refresh.min`",
    },
    Field {
        name: "max_stale",
        presence: Presence::Default(Given::Text("1h")),
        shape: Shape::Duration(Seconds::new(0)..=Seconds::new(7 * 86_400)),
        write: "a length of time from `0s` to `7d`",
        about: "how long a set remains in use while no newer one can be fetched",
    },
    Field {
        name: "timeout",
        presence: Presence::Default(Given::Text("5s")),
        shape: Shape::Duration(Seconds::new(1)..=Seconds::new(30)),
        write: "a length of time from `1s` to `30s`",
        about: "the longest time that one fetch can take",
    },
    Field {
        name: "insecure",
        presence: Presence::Optional,
        shape: Shape::True,
        write: "`true` where the URL is http://, for a provider on this machine",
        about: "required with an `http://` URL and rejected with any other. Only for a provider on this machine: nothing \
                authenticates its keys",
    },
];

static KEY_HOST_MEMBERS: [Field; 2] = [
    Field {
        name: "host",
        presence: Presence::Required,
        shape: Shape::Text("host"),
        write: "a host as in a URL, such as `www.googleapis.com`",
        about: "that host as the URL writes it, with a port only if the URL has one",
    },
    Field {
        name: "cluster",
        presence: Presence::Required,
        shape: Shape::Text("Envoy cluster"),
        write: "the Envoy cluster that leads to the provider and authenticates it",
        about: "the cluster that reaches that host and authenticates it",
    },
];

static REFRESH_MEMBERS: [Field; 2] = [
    refresh("min", "1m", "a set is not due for a refresh before, whatever the provider says"),
    // How long a key that the provider withdrew may still be accepted.
    refresh("max", "15m", "a set is due for a refresh at the latest; also the time without `Cache-Control`"),
];

const fn refresh(name: &'static str, default: &'static str, about: &'static str) -> Field {
    Field {
        name,
        presence: Presence::Default(Given::Text(default)),
        shape: Shape::Duration(Seconds::new(5)..=Seconds::new(86_400)),
        write: "a length of time from `5s` to `24h`",
        about,
    }
}

/// Whether they say where the keys are.
pub(super) fn are_located([url, discovery, published, by_kid, ..]: &[Member<'_>; MEMBERS.len()]) -> bool {
    [url, discovery, published, by_kid].into_iter().any(|member| matches!(member.written(), Ok(Some(_))))
}

/// Reads them. `issuer` is that of the profile.
pub(super) fn read(
    node: &Node<'_>,
    members: [Member<'_>; MEMBERS.len()],
    issuer: Read<&IssuerId>,
) -> Read<FetchedKeys> {
    let [url, discovery, published, by_kid, cluster, jwks, refresh, refetch_interval, max_stale, timeout, insecure] =
        members;
    if let Some(published) = published.written()? {
        return published.only_true().and(published.error(
            ConfigCode::Contradiction,
            "no preset here says where a key set is published, or the keys are also somewhere else",
            "write `url` or `discovery` alone, see keys.md; the presets that know a key set say so in configuration.md",
        ));
    }
    let cluster = cluster.required(|node| node.some_text().map(str::to_owned));
    let refresh = refresh.or_default(read_refresh);
    let refetch_interval = refetch_interval.or_default(|node| node.duration());
    let max_stale = max_stale.or_default(|node| node.duration());
    let timeout = timeout.or_default(|node| node.duration());
    let insecure = insecure.or_empty(Node::only_true);
    let scheme = if matches!(insecure, Ok(true)) { "http" } else { "https" };
    let discovers = matches!(discovery.written(), Ok(Some(_)));
    let key_host = jwks.optional(|node| if discovers { read_key_host(node, scheme) } else { misplaced(node) });

    let location = match (url.written()?, discovery.written()?, by_kid.written()?) {
        (None, None, Some(base)) => read_base(base, insecure).and_then(|url| {
            key_host?;
            Ok(KeyLocation::ById(Endpoint { url, cluster: cluster? }))
        }),
        (_, _, Some(base)) => base.error(
            ConfigCode::Contradiction,
            "`by_kid` and another member both say where the keys are",
            "keep `by_kid` for keys that are fetched one by one, or remove it",
        ),
        (None, Some(discovery), None) => read_discovery(discovery, issuer, insecure).and_then(|(url, issuer)| {
            let metadata = Endpoint { url, cluster: cluster? };
            Ok(KeyLocation::Metadata { metadata, issuer, key_host: key_host? })
        }),
        (Some(_), Some(discovery), None) => discovery.error(
            ConfigCode::Contradiction,
            "`url` and `discovery` both say where the keys are",
            "keep `url` for a JWK set, or `discovery` for metadata that names it",
        ),
        (_, None, None) => url.required(|node| read_url(node, insecure)).and_then(|url| {
            key_host?;
            Ok(KeyLocation::KeySet(Endpoint { url, cluster: cluster? }))
        }),
    };
    if let (Ok((min, _)), Ok(interval)) = (refresh, refetch_interval)
        && interval > min
    {
        return node.error(
            ConfigCode::Contradiction,
            format!("`refetch_interval` is {interval} and `refresh.min` is {min}: a set could be due before it may be fetched"),
            "write a `refetch_interval` that is not longer than `refresh.min`",
        );
    }
    let (location, (refresh_min, refresh_max)) = (location?, refresh?);
    Ok(FetchedKeys {
        location,
        schedule: Schedule {
            refresh_min,
            refresh_max,
            refetch_interval: refetch_interval?,
            max_stale: max_stale?,
            timeout: timeout?,
        },
    })
}

fn misplaced<T>(node: &Node<'_>) -> Read<T> {
    node.error(
        ConfigCode::Contradiction,
        "`jwks` belongs to `discovery`: it is for a `jwks_uri` on another host than the metadata's",
        "remove it; `url` and `cluster` say where the JWK set is",
    )
}

fn read_key_host(node: &Node<'_>, scheme: &str) -> Read<KeyHost> {
    let [host, cluster] = node.members(&KEY_HOST_MEMBERS)?;
    let host = host.required(|node| {
        let text = node.some_text()?;
        match HttpUrl::parse(&format!("{scheme}://{text}/")) {
            Ok(url) if url.authority() == text => Ok(text.to_owned()),
            _ => node.error(
                ConfigCode::BadHost,
                format!("{} is not a host as a URL writes it", quoted(text)),
                "write a name in lower case, with a port only if the URL has one, without scheme and path",
            ),
        }
    });
    let cluster = cluster.required(|node| node.some_text().map(str::to_owned));
    Ok(KeyHost { host: host?, cluster: cluster? })
}

fn read_refresh(node: &Node<'_>) -> Read<(Seconds, Seconds)> {
    let [min, max] = node.members(&REFRESH_MEMBERS)?;
    let (min, max) = (min.or_default(|node| node.duration()), max.or_default(|node| node.duration()));
    let (min, max) = (min?, max?);
    if min > max {
        return node.error(
            ConfigCode::Contradiction,
            format!("`min` is {min} and `max` is {max}"),
            "write a `min` that is not longer than `max`; without them they are 60s and 900s",
        );
    }
    Ok((min, max))
}

fn read_url(node: &Node<'_>, insecure: Read<bool>) -> Read<HttpUrl> {
    key_url(node, node.some_text()?, insecure)
}

/// The URL below which each key is.
fn read_base(node: &Node<'_>, insecure: Read<bool>) -> Read<HttpUrl> {
    let url = read_url(node, insecure)?;
    if url.path().contains('?') {
        return node.error(
            ConfigCode::BadValue,
            "the URL has a query, so no key can be below it",
            "write the URL without `?` and what follows; the plugin appends `/` and the `kid`",
        );
    }
    Ok(url)
}

/// The URL of the metadata, and what its `issuer` must be.
fn read_discovery(node: &Node<'_>, issuer: Read<&IssuerId>, insecure: Read<bool>) -> Read<(HttpUrl, String)> {
    let issuer = issuer?;
    let expected = match issuer {
        IssuerId::Exactly(issuer) => issuer.clone(),
        // Metadata for all tenants names the template itself, hole and all.
        IssuerId::Template(template) => template.as_written().to_owned(),
        IssuerId::Absent => {
            return node.error(
                ConfigCode::Contradiction,
                "metadata speaks for an issuer, and the tokens of this profile have none",
                "write the URL of the JWK set: `url`",
            );
        }
    };
    let url = match (node.value(), issuer) {
        (Value::Bool(true), IssuerId::Exactly(issuer)) => {
            let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
            key_url(node, &format!("{issuer}/.well-known/openid-configuration"), insecure)
        }
        (Value::Bool(true), _) => node.error(
            ConfigCode::Contradiction,
            "`true` stands for a URL made of the issuer, and `issuer.template` is none",
            "write the URL of the metadata for all tenants; its `issuer` must be the template as it is written here, and \
             without such metadata `url` is the JWK set",
        ),
        (Value::String(_), _) => read_url(node, insecure),
        _ => node.wrong_type("`true` or a URL"),
    };
    Ok((url?, expected))
}

/// Anybody on the network path can forge what an `http` URL returns, so the operator must acknowledge it.
fn key_url(node: &Node<'_>, text: &str, insecure: Read<bool>) -> Read<HttpUrl> {
    let url = match HttpUrl::parse(text) {
        Ok(url) => url,
        Err(fault) => {
            return node.error(
                ConfigCode::BadValue,
                format!("{} is rejected: {fault}", quoted(text)),
                node.write_wanted(),
            );
        }
    };
    match (url.is_https(), insecure?) {
        (true, false) | (false, true) => Ok(url),
        (false, false) => node.error(
            ConfigCode::InsecureKeys,
            "keys fetched over http:// can be forged by anybody on the network path",
            "write an https:// URL; for a provider on this machine add `insecure: true`",
        ),
        (true, true) => node.error(
            ConfigCode::Contradiction,
            "`insecure: true` is for http://, and this is https://",
            "remove `insecure`",
        ),
    }
}
