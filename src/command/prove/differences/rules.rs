//! What a difference of each member of the configuration does.

/// What a difference of a member does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Its members are compared.
    Members,
    /// It is part of what is proved.
    Proved,
    /// It changes nothing about who gets in.
    Nothing,
    /// Its values are accepted: one more is wider.
    Accepted,
    /// Its values are rejected: one more is narrower.
    Rejected,
    /// A greater number or a longer time is wider; if `unlimited`, none is the greatest.
    MoreIsWider {
        /// Whether an absent value stands for no limit.
        unlimited: bool,
    },
    /// Any value but this one, which is the default, is wider.
    WiderThan(&'static str),
    /// A device provider.
    Provider,
    /// Declared facts.
    Facts,
}

const WITH_LIMIT: Rule = Rule::MoreIsWider { unlimited: false };
const OR_UNLIMITED: Rule = Rule::MoreIsWider { unlimited: true };

/// The members, by their path; `*` stands for any name. The first row that the path begins with, or is the beginning of,
/// counts. What is in no row can do anything.
static ROWS: &[(&[&str], Rule)] = &[
    (&["version"], Rule::Nothing),
    (&["policies"], Rule::Proved),
    (&["entities"], Rule::Proved),
    (&["attributes"], Rule::Proved),
    (&["applications", "*", "resource_metadata"], Rule::Nothing),
    (&["applications"], Rule::Proved),
    (&["issuers", "*", "audiences"], Rule::Accepted),
    (&["issuers", "*", "algorithms"], Rule::Accepted),
    (&["issuers", "*", "typ"], Rule::Accepted),
    (&["issuers", "*", "from"], Rule::Accepted),
    (&["issuers", "*", "forbid_claims"], Rule::Rejected),
    (&["issuers", "*", "exp"], Rule::WiderThan("required")),
    (&["issuers", "*", "clock_skew"], WITH_LIMIT),
    (&["issuers", "*", "max_age"], OR_UNLIMITED),
    (&["issuers", "*", "max_lifetime"], OR_UNLIMITED),
    (&["issuers", "*", "forward"], Rule::Nothing),
    (&["issuers", "*", "facts"], Rule::Facts),
    // A request with evidence of two devices is refused, also where no policy is asked.
    (&["issuers", "*", "device", "id"], Rule::Members),
    (&["issuers", "*", "device", "serial"], Rule::Members),
    (&["issuers", "*", "device", "*"], Rule::Proved),
    (&["issuers", "*", "keys", "refresh"], Rule::Nothing),
    (&["issuers", "*", "keys", "refetch_interval"], Rule::Nothing),
    (&["issuers", "*", "keys", "timeout"], Rule::Nothing),
    (&["issuers", "*", "keys", "max_stale"], WITH_LIMIT),
    (&["devices", "*", "audiences"], Rule::Accepted),
    (&["devices", "*", "algorithms"], Rule::Accepted),
    (&["devices", "*", "typ"], Rule::Accepted),
    (&["devices", "*", "forbid_claims"], Rule::Rejected),
    (&["devices", "*", "exp"], Rule::WiderThan("required")),
    (&["devices", "*", "clock_skew"], WITH_LIMIT),
    (&["devices", "*", "max_age"], WITH_LIMIT),
    (&["devices", "*", "max_lifetime"], OR_UNLIMITED),
    (&["devices", "*", "forward"], Rule::Nothing),
    (&["devices", "*", "facts"], Rule::Facts),
    // A request with evidence of two devices is refused, also where no policy is asked.
    (&["devices", "*", "device", "id"], Rule::Members),
    (&["devices", "*", "device", "serial"], Rule::Members),
    (&["devices", "*", "device", "*"], Rule::Proved),
    (&["devices", "*", "keys", "refresh"], Rule::Nothing),
    (&["devices", "*", "keys", "refetch_interval"], Rule::Nothing),
    (&["devices", "*", "keys", "timeout"], Rule::Nothing),
    (&["devices", "*", "keys", "max_stale"], WITH_LIMIT),
    (&["guard"], Rule::Nothing),
    (&["acknowledged_filters"], Rule::Nothing),
    (&["identity_headers"], Rule::Nothing),
    (&["request_headers"], Rule::Nothing),
    (&["reply"], Rule::Nothing),
    (&["mode"], Rule::WiderThan("enforce")),
    (&["limits", "max_remembered_bytes"], Rule::Nothing),
    (&["limits", "*"], WITH_LIMIT),
];

/// The rule of a member.
pub fn rule(path: &[String]) -> Rule {
    let fits = |row: &[&str]| row.iter().zip(path).all(|(own, name)| *own == "*" || own == name);
    match (path, ROWS.iter().find(|(row, _)| row.len() <= path.len() && fits(row))) {
        // A new issuer lets in whom the policies let in.
        ([issuers, _], _) if issuers == "issuers" => Rule::Proved,
        ([devices, _], _) if devices == "devices" => Rule::Provider,
        (_, Some((_, rule))) => *rule,
        _ => Rule::Members,
    }
}

/// Whether a member is a provider, whose members are compared if both configurations have it.
pub fn is_named(path: &[String]) -> bool {
    matches!(path, [section, _] if section == "issuers" || section == "devices")
}

/// A length of time of the configuration, such as `15m`, in seconds.
pub fn seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(each)
}
