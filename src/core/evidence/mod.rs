//! Step 3: collects what the client presented, each piece from its configured places, all of it unverified.
//!
//! "Evidence" is everything that the client presents to prove something. In the terms of RFC 9334 a posture token is an
//! attestation result: its issuer appraised the device, and the plugin relies on the result.
//!
//! A credential in any other place (the query, another cookie, a header spelled with `_`) is ignored, and so proves
//! nothing.

mod authorization;
mod cookies;
mod places;

pub use authorization::Scheme;
pub(crate) use cookies::Rest;
pub(crate) use places::COOKIE;
pub use places::CredentialPlaces;

use authorization::{after_scheme, one_token};
use places::Found;

use crate::dpop::PresentedProof;
use crate::jose::{PresentedToken, TokenForm, TokenMemory};
use crate::limits::Limits;
use crate::profile::{CredentialPlace, DeviceProvider};
use crate::provider::ProviderName;
use crate::refusal::{Detail, Reason, Refusal};
use crate::request::{Exactly, Request};

/// The evidence of one request, not verified.
pub struct Presented {
    /// The access token.
    pub(crate) access_token: Option<AccessToken>,
    /// The proof that came with it; `None` if the token came by another scheme than `DPoP`.
    pub(crate) proof: Option<PresentedProof>,
    /// Posture tokens by provider.
    pub(crate) posture: Vec<(ProviderName, PresentedToken)>,
}

/// An access token, and where it was presented.
pub struct AccessToken {
    /// The place.
    pub(crate) place: CredentialPlace,
    /// The token.
    pub(crate) token: PresentedToken,
}

impl Presented {
    /// Collects the one access token from the places of the issuers, with the scheme `DPoP` (RFC 9449 section 7.1) also the
    /// proof from `DPoP`, and posture from the header of each device provider, and looks nowhere else.
    ///
    /// # Errors
    /// `credential-duplicate`, `credential-malformed` (another scheme, an empty value, more than one token), the errors
    /// of [`PresentedToken::read`] for the access token and of [`PresentedProof::read`] for its proof; for posture
    /// `posture-refused` with the fault as detail.
    pub fn collect(
        places: &CredentialPlaces,
        devices: &[DeviceProvider],
        limits: &Limits,
        memory: Option<&TokenMemory>,
        request: &Request,
    ) -> Result<Self, Refusal> {
        let max_bytes = limits.max_token_bytes;
        let mut proof = None;
        let access_token = match places.find(&request.headers)? {
            None => None,
            Some(found) => {
                let (scheme, token) = AccessToken::read(found, places.form_at(found.0), max_bytes, memory)?;
                if scheme == Scheme::Dpop {
                    proof = Some(PresentedProof::read(&request.headers, &token.token)?);
                }
                Some(token)
            }
        };
        let mut posture = Vec::new();
        for token in devices.iter().filter_map(DeviceProvider::token) {
            let provider = &token.profile.name;
            match request.headers.exactly(&token.header) {
                Exactly::None => {}
                Exactly::One(value) => {
                    posture.push((provider.clone(), posture_token(provider, value, max_bytes, memory)?));
                }
                Exactly::Many => return Err(posture_refused(provider, "more than one")),
            }
        }
        Ok(Self { access_token, proof, posture })
    }
}

impl AccessToken {
    /// A known token need not be looked at byte by byte: it was one token when it was verified.
    fn read(
        (place, value): Found<'_>,
        form: TokenForm,
        max_bytes: usize,
        memory: Option<&TokenMemory>,
    ) -> Result<(Scheme, Self), Refusal> {
        let (scheme, token) = value_in(place, value)?;
        let token = match PresentedToken::known(form, token, memory) {
            Some(known) => known,
            // With padding in all parts it is not one `b64token`.
            None if form.padded => read_new(token, form, place, max_bytes)?,
            None => read_new(one_token(token)?, form, place, max_bytes)?,
        };
        Ok((scheme, Self { place: place.clone(), token }))
    }
}

/// What is at the place of the token, without what the place puts around it. It is not known to be one token.
/// A header or cookie of `from` has no scheme, and is like `Bearer`: whoever has the token can use it.
fn value_in<'a>(place: &CredentialPlace, value: Option<&'a [u8]>) -> Result<(Scheme, &'a [u8]), Refusal> {
    let value = value.ok_or_else(|| {
        malformed(
            "the cookie's name is in white space, without a value or after a comma: servers read that in two ways",
        )
    })?;
    let (scheme, token) = match place {
        CredentialPlace::Authorization => after_scheme(value)?,
        CredentialPlace::Cookie { .. } => (Scheme::Bearer, value),
        CredentialPlace::Header { prefix, .. } => {
            let token = value
                .strip_prefix(prefix.as_bytes())
                .ok_or_else(|| malformed("the header does not begin with the `prefix` of the configuration"))?;
            (Scheme::Bearer, token)
        }
    };
    if token.is_empty() { Err(malformed("no token")) } else { Ok((scheme, token)) }
}

fn read_new(
    token: &[u8],
    form: TokenForm,
    place: &CredentialPlace,
    max_bytes: usize,
) -> Result<PresentedToken, Refusal> {
    let is_opaque = !token.contains(&b'.');
    PresentedToken::read(form, token, max_bytes, None).map_err(|refusal| match place {
        CredentialPlace::Cookie { .. } | CredentialPlace::Header { .. }
            if is_opaque && refusal.reason == Reason::TokenMalformed =>
        {
            Refusal { detail: Detail::Fault(OPAQUE), ..refusal }
        }
        _ => refusal,
    })
}

/// For operators who named the wrong cookie of the filter that logs people in.
const OPAQUE: &str = "the token is opaque, without dots: only signed JWTs are accepted. Envoy's oauth2 filter puts the ID \
                      token, which is a JWT, into the cookie `IdToken`, and the access token, which can be opaque, into \
                      `BearerToken`";

fn malformed(fault: &'static str) -> Refusal {
    Refusal::with(Reason::CredentialMalformed, Detail::Fault(fault))
}

fn posture_token(
    provider: &ProviderName,
    value: &[u8],
    max_bytes: usize,
    memory: Option<&TokenMemory>,
) -> Result<PresentedToken, Refusal> {
    if value.is_empty() {
        return Err(posture_refused(provider, "an empty header"));
    }
    PresentedToken::read(TokenForm::JWT, value, max_bytes, memory)
        .map_err(|fault| Refusal::posture(fault).about(provider))
}

fn posture_refused(provider: &ProviderName, fault: &'static str) -> Refusal {
    Refusal::with(Reason::PostureRefused, Detail::Fault(fault)).about(provider)
}

#[cfg(test)]
mod tests {
    use super::{CredentialPlaces, Presented};
    use crate::limits::Limits;
    use crate::portable;
    use crate::profile::{
        CredentialPlace, DeviceMapping, DeviceProvider, EvidenceForwarding, PostureBinding, PostureSource, PostureToken,
    };
    use crate::provider::ProviderName;
    use crate::refusal::{Reason, Refusal};
    use crate::request::Request;
    use crate::testing;

    /// A cookie, and a header with a prefix.
    fn places() -> CredentialPlaces {
        let cookie = CredentialPlace::Cookie { name: "IdToken".into() };
        let header = CredentialPlace::Header { name: "x-token".into(), prefix: "Token ".into() };
        CredentialPlaces::of(&[testing::issuer("corp", vec![cookie, header])])
    }

    fn collect(fields: &[(&str, &[u8])]) -> Result<Presented, Refusal> {
        let mdm = PostureToken {
            profile: testing::profile("mdm"),
            header: "x-device-posture".to_owned(),
            forward: EvidenceForwarding::Never,
        };
        let mdm = DeviceProvider {
            source: PostureSource::Token(Box::new(mdm)),
            bind: PostureBinding::None,
            device: DeviceMapping::default(),
        };
        let limits = Limits { max_token_bytes: 1024, ..Limits::default() };
        Presented::collect(&places(), &[mdm], &limits, None, &Request::for_test(fields))
    }

    fn refused(fields: &[(&str, &[u8])]) -> Refusal {
        match collect(fields) {
            Ok(_) => panic!("accepted: {fields:?}"),
            Err(refusal) => refusal,
        }
    }

    #[portable]
    fn a_credential_at_any_other_place_is_not_looked_at() {
        let presented = collect(&[
            ("cookie", b"authorization=Bearer a.b.c; idtoken=a.b.c"),
            ("x_token", b"Token a.b.c"),
            ("proxy-authorization", b"Bearer a.b.c"),
            ("x-device_posture", b"a.b.c"),
            ("x-authorization", b"Bearer a.b.c"),
        ])
        .unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert!(presented.access_token.is_none());
        assert!(presented.posture.is_empty());
    }

    #[portable]
    fn each_piece_is_collected_from_its_own_place() {
        let token = testing::token(&testing::claims(serde_json::json!({})));
        let bearer = format!("bearer  {token}");
        let presented = collect(&[("authorization", bearer.as_bytes()), ("x-device-posture", token.as_bytes())])
            .unwrap_or_else(|refusal| panic!("{refusal:?}"));
        assert!(presented.access_token.is_some());
        assert_eq!(presented.posture.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["mdm"]);
    }

    #[portable]
    fn a_token_is_found_at_the_place_where_it_is() {
        let token = testing::token(&testing::claims(serde_json::json!({})));
        for (name, value, place) in [
            ("authorization", format!("Bearer {token}"), "header authorization"),
            ("x-token", format!("Token {token}"), "header x-token"),
            ("cookie", format!("a=1; IdToken={token}"), "cookie IdToken"),
        ] {
            let presented = collect(&[(name, value.as_bytes())]).unwrap_or_else(|refusal| panic!("{refusal:?}"));
            assert_eq!(presented.access_token.map(|token| token.place.to_string()).as_deref(), Some(place));
        }
    }

    #[portable]
    fn credentials_at_two_places_are_refused_and_the_record_names_the_places() {
        let (auth, header) = (("authorization", &b"Bearer a.b.c"[..]), ("x-token", &b"Token a.b.c"[..]));
        let (cookie, empty) = (("cookie", &b"IdToken=a.b.c"[..]), ("cookie", &b"IdToken="[..]));
        for (fields, detail) in [
            ([auth, header], "in `header authorization` and in `header x-token`"),
            ([cookie, auth], "in `header authorization` and in `cookie IdToken`"),
            ([header, empty], "in `header x-token` and in `cookie IdToken`"),
            ([cookie, cookie], "more than once in `cookie IdToken`"),
            ([header, header], "more than once in `header x-token`"),
        ] {
            let refusal = refused(&fields);
            assert_eq!((refusal.reason, refusal.detail.to_string().as_str()), (Reason::CredentialDuplicate, detail));
        }
    }

    #[portable]
    fn a_value_that_is_not_one_token_in_its_form_is_refused_and_not_ignored() {
        for (name, value) in [
            ("x-token", &b""[..]),
            ("x-token", b"a.b.c"),
            ("x-token", b"token a.b.c"),
            ("x-token", b"Token "),
            ("x-token", b"Token  a.b.c"),
            ("x-token", b"Token a.b.c "),
            ("cookie", b"IdToken="),
            ("cookie", b"IdToken"),
            ("cookie", b"IdToken =a.b.c"),
            ("cookie", b"a=1,IdToken=a.b.c"),
            ("cookie", b"IdToken=\"a.b.c"),
            ("cookie", b"IdToken=a b"),
            ("cookie", b"IdToken=\xff"),
        ] {
            assert_eq!(refused(&[(name, value)]).reason, Reason::CredentialMalformed, "{}", value.escape_ascii());
        }
    }

    #[portable]
    fn an_opaque_token_outside_of_authorization_is_named_with_the_cookie_to_use() {
        for (name, value, named) in [
            ("cookie", "IdToken=2YotnFZFEjr1zCsicMWpAA", true),
            ("x-token", "Token 2YotnFZFEjr1zCsicMWpAA", true),
            ("authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA", false),
            ("cookie", "IdToken=a.b.c", false),
        ] {
            let refusal = refused(&[(name, value.as_bytes())]);
            assert_eq!(refusal.reason, Reason::TokenMalformed);
            assert_eq!(refusal.detail.to_string().contains("the cookie `IdToken`"), named, "{refusal:?}");
        }
    }

    #[portable]
    fn a_token_is_refused_as_what_it_is_and_posture_always_as_posture() {
        let long = "a".repeat(1025);
        let bearer = format!("Bearer {long}");
        assert_eq!(refused(&[("authorization", bearer.as_bytes())]).reason, Reason::TokenTooLarge);
        assert_eq!(refused(&[("authorization", b"Bearer a.b.c")]).reason, Reason::TokenMalformed);
        for (value, fault) in [(long.as_str(), "token-too-large"), ("a.b.c", "token-malformed")] {
            let refusal = refused(&[("x-device-posture", value.as_bytes())]);
            assert_eq!(refusal.reason, Reason::PostureRefused);
            assert!(refusal.detail.to_string().starts_with(fault), "{refusal:?}");
        }
    }

    #[portable]
    fn two_credentials_are_refused_even_if_they_are_equal() {
        let fields: [(&str, &[u8]); 2] = [("authorization", b"Bearer a.b.c"), ("authorization", b"Bearer a.b.c")];
        assert_eq!(refused(&fields).reason, Reason::CredentialDuplicate);
    }

    #[portable]
    fn an_authorization_other_than_a_bearer_token_is_refused_and_not_ignored() {
        for value in [&b""[..], b"Basic YTpi", b"Bearer"] {
            assert_eq!(refused(&[("authorization", value)]).reason, Reason::CredentialMalformed);
        }
    }

    #[portable]
    fn posture_that_is_doubled_or_empty_is_refused_by_the_name_of_its_provider() {
        let fields: [(&str, &[u8]); 2] = [("x-device-posture", b"a.b.c"), ("x-device-posture", b"a.b.c")];
        for fields in [&fields[..], &[("x-device-posture", b"")]] {
            let refusal = refused(fields);
            assert_eq!(refusal.reason, Reason::PostureRefused);
            assert_eq!(refusal.provider, Some(ProviderName::new("mdm")));
        }
    }
}
