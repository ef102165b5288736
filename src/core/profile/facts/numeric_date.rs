//! Registered claims that are a `NumericDate` (RFC 7519 section 2): seconds, which may have a fraction.
//!
//! Some providers write fractions. Cedar has whole numbers only, so the fact is rounded to the side on which a policy is
//! stricter. `exp` is compared with the present, and an earlier one ends the token sooner. `iat`, `auth_time` and `updated_at`
//! say how long ago something happened, and an earlier one is longer ago. `nbf` is the beginning, and a later one lets the
//! token begin later.

use super::{FactField, FactType};
use crate::jose::Rounding;

impl FactField {
    /// The same fact with the type of its claim, where a standard registers it as a `NumericDate` and it is declared `long`:
    /// RFC 7519 section 4.1, `OpenID` Connect Core 1.0 sections 2 and 5.1. Only for members of the claim set itself.
    #[must_use]
    pub fn as_registered(self) -> Self {
        let [claim] = self.claim.0.as_slice() else { return self };
        match (&self.fact_type, claim.as_str()) {
            (FactType::Long, "exp" | "iat" | "auth_time" | "updated_at") => {
                Self { fact_type: FactType::NumericDate(Rounding::Down), ..self }
            }
            (FactType::Long, "nbf") => Self { fact_type: FactType::NumericDate(Rounding::Up), ..self },
            _ => self,
        }
    }
}
