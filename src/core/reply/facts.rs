//! What an answer says, whatever its form.

/// What a refused client may read, in any form.
pub(super) struct Facts<'a> {
    /// The status's own phrase.
    pub title: &'static str,
    /// The status.
    pub status: u16,
    /// What the reason means.
    pub sentence: Option<&'static str>,
    /// The reason.
    pub code: &'static str,
    /// The decision's id.
    pub decision_id: &'a str,
    /// The advice of a policy.
    pub advice: Option<&'a str>,
}
