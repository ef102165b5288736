//! A configuration and requests, as they are in use.

use serde_json::Value;

/// A plugin configuration and requests under it.
pub struct Sample {
    /// The configuration, JSON.
    pub configuration: String,
    /// The requests. The first one is of the most usual kind.
    pub requests: Vec<Request>,
}

/// A request.
pub struct Request {
    /// Its header fields, pseudo-headers first.
    pub headers: Vec<(String, String)>,
    /// Whether it is forwarded.
    pub forwarded: bool,
}

impl Sample {
    /// The time of all requests: 2027-01-15. The tokens of the sample are valid then.
    pub const NANOSECONDS: u64 = 1_800_000_000_000_000_000;

    /// Reads the requests of a sample, and takes this configuration for them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(requests: &str, configuration: String) -> Result<Self, String> {
        let requests: Value = serde_json::from_str(requests).map_err(|error| error.to_string())?;
        let requests = requests.as_array().ok_or("it is not a list of requests")?;
        let requests: Option<Vec<Request>> = requests.iter().map(Request::read).collect();
        let requests =
            requests.ok_or("a request has not the members `headers`, an object of strings, and `forwarded`")?;
        Ok(Self { configuration, requests })
    }
}

impl Request {
    fn read(request: &Value) -> Option<Self> {
        let headers = request.get("headers")?.as_object()?.iter();
        let headers = headers.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        Some(Self { headers: headers.collect::<Option<_>>()?, forwarded: request.get("forwarded")?.as_bool()? })
    }

    /// The header fields as a proxy hands them over (proxy-wasm, serialized map).
    pub fn as_pairs(&self) -> Vec<u8> {
        let mut bytes = (self.headers.len() as u32).to_le_bytes().to_vec();
        for (name, value) in &self.headers {
            bytes.extend((name.len() as u32).to_le_bytes());
            bytes.extend((value.len() as u32).to_le_bytes());
        }
        for part in self.headers.iter().flat_map(|(name, value)| [name, value]) {
            bytes.extend(part.as_bytes());
            bytes.push(0);
        }
        bytes
    }
}
