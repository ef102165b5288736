//! An HTTP answer as a client got it.

use serde_json::Value;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The header fields; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The trailer fields; names in lower case.
    pub trailers: Vec<(String, String)>,
}

impl Answer {
    /// The first value of a header field.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A gRPC field: in the header of an answer without messages, otherwise in the trailers.
    #[must_use]
    pub fn grpc(&self, name: &str) -> Option<&str> {
        self.header(name)
            .or_else(|| self.trailers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str()))
    }

    /// The body as JSON; `Null` if it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a refusal, from its problem document.
    #[must_use]
    pub fn code(&self) -> Option<String> {
        self.json().get("code").and_then(Value::as_str).map(str::to_owned)
    }

    /// The decision id of a refusal, from its problem document.
    #[must_use]
    pub fn decision_id(&self) -> Option<String> {
        self.json().get("decision_id").and_then(Value::as_str).map(str::to_owned)
    }

    /// Everything in it as one text, for a search.
    #[must_use]
    pub fn text(&self) -> String {
        let fields = self.headers.iter().chain(&self.trailers);
        let mut text: String = fields.map(|(name, value)| format!("{name}: {value}\n")).collect();
        text.push_str(&String::from_utf8_lossy(&self.body));
        text
    }
}
