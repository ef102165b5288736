//! Forbids on writing that an upgrade passes.

use super::fixture::Setting;
use crate::portable;

#[portable]
fn a_forbid_on_writes_that_an_upgrade_passes_is_warned_of() {
    let found = |permit: &str, forbid: &str| {
        let text = format!(
            "@id(\"p\") permit (principal is corp::User, {permit}, resource in Application::\"wiki\");
            @id(\"f\") forbid (principal is corp::User, {forbid});"
        );
        let (_, warnings) = Setting::new().compile(&text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        warnings.into_iter().map(|warning| (warning.code.code(), warning.message)).collect::<Vec<_>>()
    };
    for forbid in [
        "action in Action::\"write\", resource",
        "action == Action::\"POST\", resource",
        "action in [Action::\"write\", Action::\"GET\"], resource == Route::\"wiki/page\"",
    ] {
        let found = found("action", forbid);
        let [(code, message)] = found.as_slice() else { panic!("{forbid}: {found:#?}") };
        assert_eq!(*code, "upgrade-not-forbidden");
        assert!(message.starts_with("`f` forbids writes and not `upgrade`, which `p` permits"), "{message}");
    }
    for (permit, forbid) in [
        ("action", "action in [Action::\"write\", Action::\"upgrade\"], resource"),
        ("action", "action in Action::\"read\", resource"),
        ("action", "action, resource"),
        ("action in [Action::\"read\", Action::\"write\"]", "action in Action::\"write\", resource"),
        ("action", "action in Action::\"write\", resource in Application::\"shop\""),
    ] {
        assert_eq!(found(permit, forbid), [], "{permit} {forbid}");
    }
}
