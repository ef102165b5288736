//! The target of a fetch: the addresses and TLS of the cluster if it is in the files, otherwise the host of the URL.

use std::fs;
use std::path::Path;

use countersign_core::fetch::{Endpoint, HttpUrl};
use ct_codecs::{Base64, Decoder as _};
use ureq::tls::{Certificate, PemItem, parse_pem};

use crate::deployment::cluster::{Address, addresses, server_names, sockets};
use crate::deployment::validation::contexts;
use crate::deployment::{Model, Part};

/// How a provider is reached.
#[derive(Debug)]
pub struct Target {
    /// Addresses, of which one is enough.
    pub addresses: Vec<Address>,
    /// TLS, if it is used.
    pub tls: Option<Tls>,
    /// What differs from what Envoy does.
    pub notes: Vec<String>,
}

/// TLS as a client speaks it.
#[derive(Debug)]
pub struct Tls {
    /// The name that is asked for, and that the certificate must have.
    pub name: String,
    /// The authorities that may sign certificates.
    pub roots: Roots,
}

/// Trusted authorities.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those of this machine.
    System,
    /// Those of the cluster's `trusted_ca`.
    Given(Vec<Certificate<'static>>),
}

impl Target {
    /// The host that a URL names.
    pub fn of_host(url: &HttpUrl, roots: &Roots) -> Self {
        let tls = url.is_https().then(|| Tls { name: url.host().to_owned(), roots: roots.clone() });
        Self { addresses: vec![own_address(url)], tls, notes: Vec::new() }
    }

    /// The target for an endpoint.
    pub fn to(endpoint: &Endpoint, model: &Model<'_>) -> Self {
        let mut notes = Vec::new();
        let url = &endpoint.url;
        let Some(cluster) = model.clusters_named(&endpoint.cluster).next() else {
            notes.push(format!(
                "cluster `{}` is in none of the files, so the host of the URL is contacted directly",
                endpoint.cluster
            ));
            let tls = url.is_https().then(|| Tls { name: url.host().to_owned(), roots: Roots::System });
            return Self { addresses: vec![own_address(url)], tls, notes };
        };
        let mut found = addresses(cluster);
        if found.is_empty() {
            notes.push(format!(
                "cluster `{}` does not list its addresses, so the host of the URL is contacted directly",
                endpoint.cluster
            ));
            found.push(own_address(url));
        }
        let tls = sockets(cluster).into_iter().find_map(|(_, tls)| tls);
        if tls.is_none() && url.is_https() {
            notes.push(format!("cluster `{}` has no TLS, so none is used", endpoint.cluster));
        }
        let tls = tls.map(|tls| Tls {
            name: server_names(cluster, &tls).and_then(|names| names.first()?.text()).unwrap_or(url.host()).to_owned(),
            roots: roots(model, &tls, &mut notes),
        });
        Self { addresses: found, tls, notes }
    }

    /// As it is printed.
    pub fn shown(&self) -> String {
        let addresses: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let tls = match &self.tls {
            None => "without TLS".to_owned(),
            Some(Tls { name, roots }) => format!("TLS with `{name}`, {roots}"),
        };
        format!("at {}, {tls}", addresses.join(", "))
    }
}

impl Roots {
    /// Those of a PEM file.
    ///
    /// # Errors
    /// It cannot be read, or holds no certificate.
    pub fn read(file: &Path) -> Result<Self, String> {
        let shown = file.display();
        let pem = fs::read(file).map_err(|fault| format!("cannot read `{shown}`: {fault}"))?;
        match certificates(&pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Given(certificates)),
            Ok(_) => Err(format!("`{shown}` holds no certificate in PEM")),
            Err(fault) => Err(format!("`{shown}` is not PEM: {fault}")),
        }
    }
}

impl core::fmt::Display for Roots {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::System => f.write_str("the trusted CAs of this machine"),
            Self::Given(_) => f.write_str("the CAs of `trusted_ca`"),
        }
    }
}

fn own_address(url: &HttpUrl) -> Address {
    Address::Socket(url.host().to_owned(), url.port())
}

/// The certificates in a PEM text.
fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let items = parse_pem(pem).collect::<Result<Vec<_>, _>>().map_err(|fault| fault.to_string())?;
    let certificate = |item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    };
    Ok(items.into_iter().filter_map(certificate).collect())
}

/// The authorities of a TLS context, as far as they can be had here.
fn roots(model: &Model<'_>, tls: &Part<'_>, notes: &mut Vec<String>) -> Roots {
    const INSTEAD: &str = "so the trusted CAs of this machine are used instead";
    let contexts = contexts(model, tls);
    let Some(trusted) = contexts.iter().find_map(|(context, _)| context.member("trusted_ca")) else {
        notes.push(format!("`trusted_ca` is in none of the files, {INSTEAD}"));
        return Roots::System;
    };
    match pem(&trusted).and_then(|pem| certificates(&pem)) {
        Ok(certificates) if !certificates.is_empty() => return Roots::Given(certificates),
        Ok(_) => notes.push(format!("`trusted_ca` holds no certificate, {INSTEAD}")),
        Err(fault) => notes.push(format!("`trusted_ca` cannot be read ({fault}), {INSTEAD}")),
    }
    Roots::System
}

/// The bytes of a `DataSource`.
fn pem(source: &Part<'_>) -> Result<Vec<u8>, String> {
    if let Some(file) = source.text_of("filename") {
        return fs::read(file).map_err(|fault| format!("{file}: {fault}"));
    }
    if let Some(text) = source.text_of("inline_string") {
        return Ok(text.as_bytes().to_vec());
    }
    match source.text_of("inline_bytes") {
        Some(text) => Base64::decode_to_vec(text, None).map_err(|fault| fault.to_string()),
        None => Err("it is neither a file name nor inline data".to_owned()),
    }
}
