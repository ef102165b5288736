//! One GET request, as Envoy sends it for the plugin: bounded in time and size, without redirects, proxies and cookies.

use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Duration;

use countersign_core::fetch::{HttpUrl, Response};
use countersign_core::limits::MAX_KEY_SET_BYTES;
use countersign_core::time::Seconds;
use rustls::CertificateError;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Error};

use super::target::{Roots, Target, Tls};
use crate::deployment::cluster::Address;

/// Fetches what lies at a URL.
///
/// # Errors
/// Why there is no answer, and what to do about it.
pub fn get(url: &HttpUrl, target: &Target, timeout: Seconds) -> Result<Response, String> {
    let addresses = target.addresses.iter().map(address_uri).collect::<Result<_, _>>()?;
    let roots = target.tls.as_ref().map_or_else(|| Ok(Vec::new()), |tls| certificates(&tls.roots))?;
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let config = Config::builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(timeout.get())))
        .user_agent("countersign")
        .accept("application/json")
        .accept_encoding("")
        .build();
    let agent = Agent::with_parts(config, DefaultConnector::default(), FixedAddresses(addresses));
    ask(&agent, url, target).map_err(|fault| explain(&fault, target, timeout))
}

fn ask(agent: &Agent, asked: &HttpUrl, target: &Target) -> Result<Response, Error> {
    // The name in this URL is the one for TLS; where the request goes is settled by the resolver.
    let url = match &target.tls {
        Some(Tls { name, .. }) => format!("https://{name}{}", asked.path()),
        None => format!("http://{}{}", asked.authority(), asked.path()),
    };
    let answer = agent.get(url).header("host", asked.authority()).call()?;
    let (head, body) = answer.into_parts();
    let promised = body.content_length().and_then(|length| usize::try_from(length).ok());
    let mut read = Vec::new();
    body.into_reader().take(MAX_KEY_SET_BYTES.saturating_add(1) as u64).read_to_end(&mut read)?;
    Ok(Response {
        status: head.status.as_u16(),
        headers: head.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect(),
        body_bytes: promised.unwrap_or_default().max(read.len()),
        body: read,
    })
}

/// An address as the part of a URL.
fn address_uri(address: &Address) -> Result<Uri, String> {
    if let Address::Pipe(path) = address {
        return Err(format!("{path} is a pipe, and a probe cannot connect to pipes"));
    }
    format!("http://{address}/").parse().map_err(|fault| format!("{address} is not a valid address: {fault}"))
}

fn certificates(roots: &Roots) -> Result<Vec<Certificate<'static>>, String> {
    match roots {
        Roots::Given(certificates) => Ok(certificates.clone()),
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            if found.certs.is_empty() {
                return Err(
                    "this machine has no trusted CAs; give the file with the cluster and its `trusted_ca`".to_owned()
                );
            }
            Ok(found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
        }
    }
}

/// The list of addresses has room for so many.
const MOST_ADDRESSES: usize = 16;

/// Resolves every name to the addresses of the cluster.
#[derive(Debug)]
struct FixedAddresses(Vec<Uri>);

impl Resolver for FixedAddresses {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut all = self.empty();
        let mut fault = Error::HostNotFound;
        for address in &self.0 {
            match DefaultResolver::default().resolve(address, config, timeout) {
                Ok(found) => {
                    let room = MOST_ADDRESSES.saturating_sub(all.len());
                    found.iter().take(room).for_each(|address| all.push(*address));
                }
                Err(other) => fault = other,
            }
        }
        if all.is_empty() { Err(fault) } else { Ok(all) }
    }
}

fn explain(fault: &Error, target: &Target, timeout: Seconds) -> String {
    let places: Vec<String> = target.addresses.iter().map(ToString::to_string).collect();
    let places = places.join(", ");
    match fault {
        Error::Timeout(_) => format!("there was no complete answer within {timeout}"),
        Error::HostNotFound => format!("{places} cannot be resolved"),
        Error::Rustls(fault) => about_tls(fault, target),
        Error::Io(fault) => match tls_fault(fault) {
            Some(fault) => about_tls(fault, target),
            None if fault.kind() == io::ErrorKind::ConnectionRefused => {
                format!("connection refused by {places}; is it the provider's address and port?")
            }
            None => format!("{places}: {fault}"),
        },
        other => format!("{places}: {other}"),
    }
}

fn tls_fault(fault: &io::Error) -> Option<&rustls::Error> {
    fault.get_ref()?.downcast_ref()
}

fn about_tls(fault: &rustls::Error, target: &Target) -> String {
    let Some(Tls { name, roots }) = &target.tls else { return fault.to_string() };
    match fault {
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => format!(
            "the certificate is not for `{name}` but for {}; fix the host in the URL, or the cluster's `sni` and \
             `match_typed_subject_alt_names`",
            presented.join(", ")
        ),
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => format!(
            "the certificate is not signed by {roots}; write in the cluster a `trusted_ca` with the CA of the provider's \
             certificate, or give that CA to `init` with --ca"
        ),
        rustls::Error::InvalidCertificate(fault) => format!("the certificate is not accepted: {fault}"),
        other => format!("the TLS handshake failed: {other}; does this port speak TLS?"),
    }
}
