//! `keys` that are fetched from the provider: where they are, and for how long they are believed.

use core::ops::RangeInclusive;

use serde_json::Value;

use super::document::{Known, Member, Node};
use super::names::quoted;
use crate::config_error::ConfigCode;
use crate::fetch::{Endpoint, HttpUrl, Schedule};
use crate::keys::{FetchedKeys, KeyHost, KeyLocation};
use crate::profile::IssuerId;
use crate::time::Seconds;

const DEFAULT_REFRESH_MIN: Seconds = Seconds::new(60);
/// How long a key that the provider withdrew may still be believed.
const DEFAULT_REFRESH_MAX: Seconds = Seconds::new(15 * 60);
const DEFAULT_REFETCH_INTERVAL: Seconds = Seconds::new(30);
const DEFAULT_MAX_STALE: Seconds = Seconds::new(60 * 60);
const DEFAULT_TIMEOUT: Seconds = Seconds::new(5);

const REFRESH: RangeInclusive<Seconds> = Seconds::new(5)..=Seconds::new(86_400);
const REFETCH_INTERVAL: RangeInclusive<Seconds> = Seconds::new(1)..=Seconds::new(600);
const MAX_STALE: RangeInclusive<Seconds> = Seconds::new(0)..=Seconds::new(7 * 86_400);
const TIMEOUT: RangeInclusive<Seconds> = Seconds::new(1)..=Seconds::new(30);

const URL: Known = ("url", "where the JWK set is, such as `https://login.example.com/keys`");
const DISCOVERY: Known = (
    "discovery",
    "`true` for `<issuer>/.well-known/openid-configuration`, or the URL of the issuer's metadata (RFC 8414)",
);
const CLUSTER: Known = ("cluster", "the Envoy cluster that leads to the provider and authenticates it");
const JWKS: Known = ("jwks", "`{ host: ..., cluster: ... }` of the host that the metadata's `jwks_uri` names");
const HOST: Known = ("host", "a host as in a URL, such as `www.googleapis.com`");
const REFRESH_MEMBER: Known = ("refresh", "`{ min: 1m, max: 15m }`, the bounds of the time for which a set is fresh");
const MIN: Known = ("min", "a length of time from `5s` to `24h`");
const MAX: Known = ("max", "a length of time from `5s` to `24h`");
const REFETCH: Known = ("refetch_interval", "a length of time from `1s` to `10m`");
const MAX_STALE_MEMBER: Known = ("max_stale", "a length of time from `0s` to `7d`");
const TIMEOUT_MEMBER: Known = ("timeout", "a length of time from `1s` to `30s`");
const INSECURE: Known = ("insecure", "`true` where the URL is http://, for a provider on this machine");

/// The members of `keys` that are fetched, in the order in which [`read`] takes them.
pub(super) const MEMBERS: [Known; 9] =
    [URL, DISCOVERY, CLUSTER, JWKS, REFRESH_MEMBER, REFETCH, MAX_STALE_MEMBER, TIMEOUT_MEMBER, INSECURE];

/// Whether they say where the keys are.
pub(super) fn are_located([url, discovery, ..]: &[Member<'_>; MEMBERS.len()]) -> bool {
    url.node().is_some() || discovery.node().is_some()
}

/// Reads them. `issuer` is that of the profile; `None` where it could not be read, which is noted.
pub(super) fn read(
    node: &Node<'_>,
    members: [Member<'_>; MEMBERS.len()],
    issuer: Option<&IssuerId>,
) -> Option<FetchedKeys> {
    let [url, discovery, cluster, jwks, refresh, refetch_interval, max_stale, timeout, insecure] = members;
    let cluster = cluster.required(|node| node.some_text().map(str::to_owned));
    let discovers = discovery.node().is_some();
    let refresh = refresh.or((DEFAULT_REFRESH_MIN, DEFAULT_REFRESH_MAX), read_refresh);
    let refetch_interval = refetch_interval.or(DEFAULT_REFETCH_INTERVAL, |node| node.duration(&REFETCH_INTERVAL));
    let max_stale = max_stale.or(DEFAULT_MAX_STALE, |node| node.duration(&MAX_STALE));
    let timeout = timeout.or(DEFAULT_TIMEOUT, |node| node.duration(&TIMEOUT));
    let insecure = insecure.or(false, Node::only_true);
    let scheme = if insecure == Some(true) { "http" } else { "https" };
    let key_host = jwks.optional(|node| if discovers { read_key_host(node, scheme) } else { misplaced(node) });

    let first = match (url.node(), discovery.node()) {
        (Some(url), None) => read_url(url, insecure),
        (None, Some(discovery)) => read_discovery(discovery, issuer, insecure),
        (Some(_), Some(discovery)) => discovery.error(
            ConfigCode::Contradiction,
            "`url` and `discovery` both say where the keys are",
            "keep `url` for a JWK set, or `discovery` for metadata that names it",
        ),
        // The caller saw one of the two, or said what is missing.
        (None, None) => None,
    };
    if let (Some((min, _)), Some(interval)) = (refresh, refetch_interval)
        && interval > min
    {
        node.error::<()>(
            ConfigCode::Contradiction,
            format!("`refetch_interval` is {interval} and `refresh.min` is {min}: a set could be due before it may be fetched"),
            "write a `refetch_interval` that is not longer than `refresh.min`",
        );
    }
    let (first, (refresh_min, refresh_max)) = (Endpoint { url: first?, cluster: cluster? }, refresh?);
    let location = match issuer? {
        IssuerId::Exactly(issuer) if discovers => {
            KeyLocation::Metadata { metadata: first, issuer: issuer.clone(), key_host: key_host? }
        }
        // Metadata for all tenants names the template itself, hole and all.
        IssuerId::Template(template) if discovers => {
            let issuer = template.as_written().to_owned();
            KeyLocation::Metadata { metadata: first, issuer, key_host: key_host? }
        }
        IssuerId::Exactly(_) | IssuerId::Template(_) | IssuerId::Absent => KeyLocation::KeySet(first),
    };
    insecure?;
    Some(FetchedKeys {
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

fn misplaced<T>(node: &Node<'_>) -> Option<T> {
    node.error(
        ConfigCode::Contradiction,
        "`jwks` belongs to `discovery`: it is for a `jwks_uri` on another host than the metadata's",
        "remove it; `url` and `cluster` say where the JWK set is",
    )
}

fn read_key_host(node: &Node<'_>, scheme: &str) -> Option<KeyHost> {
    let [host, cluster] = node.members([HOST, CLUSTER])?;
    let host = host.required(|node| {
        let text = node.some_text()?;
        match HttpUrl::parse(&format!("{scheme}://{text}/")) {
            Ok(url) if url.authority() == text => Some(text.to_owned()),
            _ => node.error(
                ConfigCode::BadHost,
                format!("{} is not a host as a URL writes it", quoted(text)),
                "write a name in lower case, with a port only if the URL has one, without scheme and path",
            ),
        }
    });
    let cluster = cluster.required(|node| node.some_text().map(str::to_owned));
    Some(KeyHost { host: host?, cluster: cluster? })
}

fn read_refresh(node: &Node<'_>) -> Option<(Seconds, Seconds)> {
    let [min, max] = node.members([MIN, MAX])?;
    let min = min.or(DEFAULT_REFRESH_MIN, |node| node.duration(&REFRESH))?;
    let max = max.or(DEFAULT_REFRESH_MAX, |node| node.duration(&REFRESH))?;
    if min > max {
        return node.error(
            ConfigCode::Contradiction,
            format!("`min` is {min} and `max` is {max}"),
            "write a `min` that is not longer than `max`; without them they are 60s and 900s",
        );
    }
    Some((min, max))
}

fn read_url(node: &Node<'_>, insecure: Option<bool>) -> Option<HttpUrl> {
    key_url(node, node.some_text()?, insecure)
}

fn read_discovery(node: &Node<'_>, issuer: Option<&IssuerId>, insecure: Option<bool>) -> Option<HttpUrl> {
    let issuer = match issuer? {
        IssuerId::Exactly(issuer) => Some(issuer),
        IssuerId::Template(_) => None,
        IssuerId::Absent => {
            return node.error(
                ConfigCode::Contradiction,
                "metadata speaks for an issuer, and the tokens of this profile have none",
                "write the URL of the JWK set: `url`",
            );
        }
    };
    match (node.value(), issuer) {
        (Value::Bool(true), None) => node.error(
            ConfigCode::Contradiction,
            "`true` stands for a URL made of the issuer, and `issuer.template` is none",
            "write the URL of the metadata for all tenants; its `issuer` must be the template as it is written here, and \
             without such metadata `url` is the JWK set",
        ),
        (Value::Bool(true), Some(issuer)) => {
            let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
            key_url(node, &format!("{issuer}/.well-known/openid-configuration"), insecure)
        }
        (Value::String(_), _) => read_url(node, insecure),
        _ => node.wrong_type("`true` or a URL"),
    }
}

/// An `http` URL means that anybody on the way can say which keys are right, so it must be said that this is known.
fn key_url(node: &Node<'_>, text: &str, insecure: Option<bool>) -> Option<HttpUrl> {
    let url = match HttpUrl::parse(text) {
        Ok(url) => url,
        Err(fault) => {
            return node.error(
                ConfigCode::BadValue,
                format!("{} is not taken: {fault}", quoted(text)),
                node.write_wanted(),
            );
        }
    };
    match (url.is_https(), insecure?) {
        (true, false) | (false, true) => Some(url),
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
