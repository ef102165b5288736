//! Whether two profiles are told apart: no token is accepted by both, whoever signed it (RFC 8725 section 3.12).

use super::{Audiences, Pin, Subject, TokenKind, TokenProfile, Typ};

impl TokenProfile {
    /// Whether no token is accepted by both profiles, whatever its `iss` and its key are.
    ///
    /// A token has one `sub`, one `typ` and one value of a pinned claim, so disjoint ones of either suffice. It can
    /// have audiences of both, though. If both profiles are for the token in `Authorization`, then
    /// [`choose_profile`](super::choose_profile) rejects it. Posture comes in another header, and nothing compares it
    /// with the profiles of issuers.
    #[must_use]
    pub fn is_told_apart_from(&self, other: &Self) -> bool {
        let pinned = self.pins.iter().any(|pin| other.pins.iter().any(|another| pin.excludes(another)));
        pinned
            || self.subject.excludes(&other.subject)
            || self.typ.excludes(&other.typ)
            || self.is_told_apart_by_audience(other)
    }

    fn is_told_apart_by_audience(&self, other: &Self) -> bool {
        let in_authorization = [self, other].iter().all(|profile| profile.kind != TokenKind::Posture);
        match (&self.audiences, &other.audiences) {
            (Audiences::OneOf(_), Audiences::OneOf(_)) => in_authorization && self.audiences.excludes(&other.audiences),
            _ => self.audiences.excludes(&other.audiences),
        }
    }
}

impl Subject {
    /// Whether no `sub` fits both.
    fn excludes(&self, other: &Self) -> bool {
        matches!((self, other), (Self::WorkloadOf(one), Self::WorkloadOf(other)) if one != other)
    }
}

impl Pin {
    /// Whether no token can satisfy both.
    fn excludes(&self, other: &Self) -> bool {
        self.claim == other.claim && self.values.iter().all(|value| !other.values.contains(value))
    }
}

impl Typ {
    /// Whether no token can have a type of both.
    fn excludes(&self, other: &Self) -> bool {
        !(self.absent && other.absent) && self.values.iter().all(|value| !other.values.contains(value))
    }
}

impl Audiences {
    /// Whether no audience is in both. A token with several audiences can still fit both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OneOf(ours), Self::OneOf(others)) => ours.iter().all(|audience| !others.contains(audience)),
            (Self::Absent, Self::Absent) => false,
            (Self::Absent, Self::OneOf(_)) | (Self::OneOf(_), Self::Absent) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::portable;
    use crate::profile::{Audiences, Pin, TokenKind, TokenProfile, Typ};
    use crate::testing;

    fn apart(one: &TokenProfile, other: &TokenProfile) -> bool {
        assert_eq!(one.is_told_apart_from(other), other.is_told_apart_from(one), "it is the same both ways");
        one.is_told_apart_from(other)
    }

    #[portable]
    fn pins_tell_apart_where_no_value_is_in_both() {
        let with = |values: &[Value]| TokenProfile {
            pins: vec![Pin { claim: "azp".to_owned(), values: values.to_vec() }],
            ..testing::profile("any")
        };
        let apart = |one: &[Value], other: &[Value]| apart(&with(one), &with(other));
        assert!(apart(&[json!("a"), json!("b")], &[json!("c")]));
        assert!(apart(&[json!("1")], &[json!(1), json!(true)]));
        assert!(!apart(&[json!("a"), json!("b")], &[json!("c"), json!("b")]));
        assert!(!apart(&[json!("a")], &[json!("a")]));
        assert!(!with(&[json!("a")]).is_told_apart_from(&testing::profile("other")));
    }

    #[portable]
    fn types_tell_apart_where_no_token_can_have_one_of_both() {
        let with = |values: &[&str], absent| TokenProfile {
            typ: Typ { values: values.iter().map(|value| (*value).to_owned()).collect(), absent },
            ..testing::profile("any")
        };
        assert!(apart(&with(&["jwt"], false), &with(&["at+jwt"], false)));
        assert!(apart(&with(&["jwt"], true), &with(&["at+jwt"], false)));
        assert!(apart(&with(&[], true), &with(&["at+jwt", "jwt"], false)));
        assert!(!apart(&with(&["jwt"], true), &with(&["at+jwt"], true)), "a token without `typ` fits both");
        assert!(!apart(&with(&["jwt", "at+jwt"], false), &with(&["at+jwt"], false)));
        assert!(!apart(&with(&[], true), &with(&[], true)));
    }

    #[portable]
    fn audiences_tell_apart_only_what_is_chosen_by_them() {
        let with = |values: &[&str], kind| TokenProfile {
            audiences: Audiences::OneOf(values.iter().map(|value| (*value).to_owned()).collect()),
            kind,
            ..testing::profile("any")
        };
        let access = |values| with(values, TokenKind::Access);
        assert!(apart(&access(&["web"]), &with(&["api", "shop"], TokenKind::Id)));
        assert!(!apart(&access(&["web", "api"]), &access(&["api"])));
        assert!(!apart(&access(&["web"]), &with(&["mdm"], TokenKind::Posture)), "a token with both would be either");
        let none = TokenProfile { audiences: Audiences::Absent, ..access(&["web"]) };
        assert!(apart(&none, &access(&["web"])));
        assert!(apart(&none, &with(&["mdm"], TokenKind::Posture)));
        assert!(!apart(&none, &none));
    }
}
