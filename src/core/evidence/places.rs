//! The one credential of a request, at whichever place it is presented.

use super::cookies::{Occurrence, Rest, occurrences};
use crate::jose::TokenForm;
use crate::profile::{CredentialPlace, Issuer};
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::Headers;

/// The header field of cookies.
pub(crate) const COOKIE: &str = "cookie";

/// Every place where a configuration looks for a credential. `Authorization` is always one, whatever the issuers list:
/// a credential there is rejected if no issuer accepts it, and never ignored.
#[derive(Clone, Debug)]
pub struct CredentialPlaces {
    /// `Authorization`, and the header places.
    headers: Vec<CredentialPlace>,
    /// The cookie places.
    cookies: Vec<CredentialPlace>,
    /// The places of tokens that are not JWTs in form, each with the form.
    forms: Vec<(CredentialPlace, TokenForm)>,
}

/// The raw value at a place: not parsed, and `None` if only some servers would find it there.
pub(super) type Found<'a> = (&'a CredentialPlace, Option<&'a [u8]>);

impl CredentialPlaces {
    /// The places of all these issuers.
    #[must_use]
    pub fn of(issuers: &[Issuer]) -> Self {
        let mut headers = vec![CredentialPlace::Authorization];
        let mut cookies = Vec::new();
        for place in issuers.iter().flat_map(|issuer| &issuer.from) {
            let places = if place.cookie().is_some() { &mut cookies } else { &mut headers };
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        let forms = issuers.iter().filter(|issuer| issuer.profile.form != TokenForm::JWT);
        let forms = forms.flat_map(|issuer| issuer.from.iter().map(|place| (place.clone(), issuer.profile.form)));
        Self { headers, cookies, forms: forms.collect() }
    }

    /// The form of the tokens at a place. The configuration gives a place one form only.
    pub(super) fn form_at(&self, place: &CredentialPlace) -> TokenForm {
        self.forms.iter().find(|(own, _)| own == place).map_or(TokenForm::JWT, |(_, form)| *form)
    }

    /// The names of the header fields that hold nothing but a credential, in lower case.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> + Clone {
        self.headers.iter().filter_map(CredentialPlace::header)
    }

    /// Whether any place is a cookie.
    pub(crate) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    /// The request's cookies without those that are credentials.
    pub(crate) fn other_cookies(&self, headers: &Headers) -> Rest {
        Rest::without(headers.all(COOKIE), self.cookies.iter().filter_map(CredentialPlace::cookie))
    }

    /// Finds the credential.
    ///
    /// # Errors
    /// `credential-duplicate` if there is more than one, equal or not.
    pub(super) fn find<'a>(&'a self, headers: &'a Headers) -> Result<Option<Found<'a>>, Refusal> {
        let named = |places: &'a [CredentialPlace], name: fn(&'a CredentialPlace) -> Option<&'a str>| {
            places.iter().filter_map(move |place| Some((place, name(place)?)))
        };
        let in_headers = named(&self.headers, CredentialPlace::header)
            .flat_map(|(place, name)| headers.all(name).map(move |value| (place, Some(value))));
        let in_cookies = named(&self.cookies, CredentialPlace::cookie).flat_map(|(place, name)| {
            let found = headers.all(COOKIE).flat_map(move |field| occurrences(field, name));
            found.map(move |occurrence| match occurrence {
                Occurrence::Value(value) => (place, Some(value)),
                Occurrence::Unclear => (place, None),
            })
        });
        let mut all = in_headers.chain(in_cookies);
        match (all.next(), all.next()) {
            (Some((one, _)), Some((other, _))) => {
                let places = Detail::TwoPlaces([one, other].map(ToString::to_string));
                Err(Refusal::with(Reason::CredentialDuplicate, places))
            }
            (found, _) => Ok(found),
        }
    }
}
