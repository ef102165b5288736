//! The parameters of a request to a provider, and a token as the answer.

use hyper::StatusCode;

use super::reply::Reply;
use crate::tokens::Token;

/// The parameters, without percent-decoding: no value here needs any.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The value read as `T`, the default where it is not there, or what is wrong with it.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.value(name).map(str::parse) {
            None => Ok(default),
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => Err(format!("`{name}` is not of its type")),
        }
    }
}

/// A token as the answer, or what is wrong with the request for it.
pub(crate) fn token_or_fault(outcome: Result<Token, String>) -> Reply {
    match outcome {
        Ok(token) => Reply::new(StatusCode::OK, "application/jwt", token.sign()),
        Err(fault) => Reply::new(StatusCode::BAD_REQUEST, "text/plain", format!("{fault}\n")),
    }
}
