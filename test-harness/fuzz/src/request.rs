//! Requests written as lines, so that what a fuzzer changes stays a request:
//!
//! ```text
//! GET /api/orders/7
//! shop.example.com
//! authorization: @c{"iss":"https://login.example.com",...}
//! x-device-posture: @d{"iss":"https://mdm.example.com",...}
//! ~203.0.113.7:1234
//! ^<64 hex digits>
//! ```
//!
//! Method and path, authority, then header fields. A value `@` with the letter of a [`Signer`] and a payload becomes a
//! token, behind `Bearer ` in `authorization`. A line with `~` is the source address, one with `^` the digest of the client
//! certificate. Any line may hold any bytes.

use countersign_core::request::{Peer, RequestParts, certificate_digest};

use super::Signer;

/// A piece of evidence in a request.
pub struct Presented {
    /// The header field, in lower case.
    pub header: String,
    /// Who signed it; `None` if the input has the value itself.
    pub signer: Option<Signer>,
    /// The value.
    pub value: Vec<u8>,
}

/// A request, and the evidence in it.
pub struct WrittenRequest {
    /// What the host would hand over.
    pub parts: RequestParts,
    /// The values of `authorization` and `x-device-posture`.
    pub presented: Vec<Presented>,
}

impl WrittenRequest {
    /// Reads the lines.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut lines = text.split(|byte| *byte == b'\n');
        let first = lines.next().unwrap_or_default();
        let (method, path) = first.split_at(first.iter().position(|byte| *byte == b' ').unwrap_or(first.len()));
        let mut request = Self { parts: RequestParts::default(), presented: Vec::new() };
        request.push(":method", method);
        request.push(":path", path.get(1..).unwrap_or_default());
        request.push(":authority", lines.next().unwrap_or_default());
        for line in lines {
            request.read(line);
        }
        request
    }

    fn read(&mut self, line: &[u8]) {
        match line.split_first() {
            Some((b'~', rest)) => self.parts.source_address = Some(String::from_utf8_lossy(rest).into_owned()),
            Some((b'^', rest)) => {
                let digest = certificate_digest(rest);
                self.parts.peer = digest.map_or_else(Peer::without_certificate, Peer::of_any_certificate);
            }
            _ => {
                // A name may begin with a colon, as in `:scheme`.
                let colon = line.iter().skip(1).position(|byte| *byte == b':').map_or(line.len(), |place| place + 1);
                let (name, value) = line.split_at(colon);
                // Envoy hands names over in lower case.
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                self.field(&name, value.get(1..).unwrap_or_default().trim_ascii_start());
            }
        }
    }

    fn field(&mut self, name: &str, value: &[u8]) {
        let signed = match value {
            [b'@', letter, payload @ ..] => Signer::from_letter(*letter).map(|signer| (signer, signer.sign(payload))),
            _ => None,
        };
        let (signer, value) = match signed {
            Some((signer, token)) if name == "authorization" => (Some(signer), format!("Bearer {token}").into_bytes()),
            Some((signer, token)) => (Some(signer), token.into_bytes()),
            None => (None, value.to_vec()),
        };
        if matches!(name, "authorization" | "x-device-posture") {
            self.presented.push(Presented { header: name.to_owned(), signer, value: value.clone() });
        }
        self.push(name, &value);
    }

    fn push(&mut self, name: &str, value: &[u8]) {
        self.parts.headers.push(name, value);
    }
}
