//! Any device manager or gateway that signs: nothing is the same for all of them.

use super::model::Preset;
use crate::jose::{KeyUse, TokenForm};
use crate::profile::HeaderMembers;

pub(super) static JWT: Preset = Preset {
    name: "jwt",
    about: "Any device manager or gateway that signs posture. It gives nothing, and means the same as no preset.",
    members: &[],
    key_set: None,
    pinned: &[],
    form: TokenForm::JWT,
    header: HeaderMembers::Any,
    key_use: KeyUse::Signatures,
};
