//! Problems of a configuration, written for the person who corrects it.
//!
//! One line each in a log: place, code, what is wrong, what to do. No line holds key material or a token.

use core::fmt;

/// How serious a problem of a configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The configuration is rejected.
    Error,
    /// The configuration works, but deserves a look.
    Warning,
}

crate::codes! {
    /// The kind of an error or warning: of the configuration document or of its policy text.
    pub enum ConfigCode(level: Level, sentence);

    // Errors of the document.
    NotJson = "not-json", Level::Error,
        "the document is not strict JSON (UTF-8, one value, no duplicate members, limited nesting)";
    TooLarge = "too-large", Level::Error,
        "the document, a key set, a list or the routes of an application exceed their cap";
    TooDeep = "too-deep", Level::Error, "the document, given as a value, is nested too deeply";
    WrongType = "wrong-type", Level::Error, "a value has the wrong type";
    MissingField = "missing-field", Level::Error, "a required member is missing";
    UnknownField = "unknown-field", Level::Error, "a member is not known in its object";
    BadValue = "bad-value", Level::Error, "a string, keyword or number is not valid for its member";
    BadDuration = "bad-duration", Level::Error, "a duration is not digits followed by one unit of `s`, `m`, `h`, `d`";
    OutOfRange = "out-of-range", Level::Error, "a number or duration is out of its range";
    EmptyList = "empty-list", Level::Error, "a list or object that needs at least one entry is empty";
    DuplicateValue = "duplicate-value", Level::Error, "a value is listed twice";
    Contradiction = "contradiction", Level::Error, "two members exclude each other";
    BadName = "bad-name", Level::Error, "Cedar, HTTP or a report cannot carry the name";
    ReservedName = "reserved-name", Level::Error, "the name already has another meaning";
    BadHost = "bad-host", Level::Error,
        "a host is not a DNS name, `*.` and a domain, or an IP address; or it has a scheme or port";
    DuplicateHost = "duplicate-host", Level::Error, "two applications serve the same host";
    BadTemplate = "bad-template", Level::Error, "the path of a route is not valid";
    MissingAttribute = "missing-attribute", Level::Error, "a route has no value for a declared attribute";
    RoutesOverlap = "routes-overlap", Level::Error, "two routes of an application match the same paths";
    UnknownProvider = "unknown-provider", Level::Error, "no issuer or device provider has this name";
    UnknownApplication = "unknown-application", Level::Error, "no application has this name";
    UnknownFact = "unknown-fact", Level::Error, "the provider declares no such fact";
    TwoIssuersRequired = "two-issuers-required", Level::Error,
        "several issuers are required, but a request carries only one access token";
    ProfilesAlike = "profiles-alike", Level::Error,
        "two providers can accept the same `iss`, and neither pins, `typ` nor audiences tell them apart";
    SharedKey = "shared-key", Level::Error,
        "two providers hold the same public key or fetch the same keys, and neither pins, `typ` nor audiences tell them apart";
    OpenTenant = "open-tenant", Level::Error,
        "`issuer` is a template, and neither pins nor facts can limit the accepted tenants";
    KeySet = "key-set", Level::Error, "the key set is not a JWK set, or has too many keys";
    AmbiguousKey = "ambiguous-key", Level::Error, "a key without `alg` fits several algorithms";
    InsecureKeys = "insecure-keys", Level::Error,
        "keys are fetched over `http://`, and the configuration does not acknowledge it";
    NoUsableKey = "no-usable-key", Level::Error, "no key of the set can be used";
    HeaderCollision = "header-collision", Level::Error, "the header of a device provider already has another meaning";
    BadIdentityHeader = "bad-identity-header", Level::Error,
        "the header cannot carry an identity, or no header can carry the fact";
    NotRemoved = "not-removed", Level::Error, "a header to keep is not one that is removed, so the entry has no effect";
    // Errors of policy text.
    TooManyPolicies = "too-many-policies", Level::Error, "all documents together have more policies than the cap";
    PolicyNesting = "policy-nesting", Level::Error, "brackets in the policy text are nested too deeply";
    PolicyDepth = "policy-depth", Level::Error, "the expression of a condition is nested too deeply";
    PolicySyntax = "policy-syntax", Level::Error, "Cedar cannot parse the policy";
    PolicyTemplate = "policy-template", Level::Error, "the policy is a template: it has a slot such as `?principal`";
    MissingId = "missing-id", Level::Error, "the policy has no `@id`, which names it in decision records";
    InvalidId = "invalid-id", Level::Error, "the `@id` is not a valid name";
    DuplicateId = "duplicate-id", Level::Error, "two policies have the same `@id`";
    UnknownAnnotation = "unknown-annotation", Level::Error, "an annotation has no meaning here";
    InvalidMissing = "invalid-missing", Level::Error, "`@missing` has a value other than `\"ignore\"`";
    InvalidAnnotation = "invalid-annotation", Level::Error,
        "the value of an annotation is not valid, or the annotation has no effect on this policy";
    MissingUndecided = "missing-undecided", Level::Error,
        "with `missing_facts: implied`, a fact is read where no default for its absence can be told";
    UnknownAttribute = "unknown-attribute", Level::Error, "no record has the fact, or no attribute has the name";
    ForeignFact = "foreign-fact", Level::Error, "not every principal of the scope has the fact";
    IndirectFact = "indirect-fact", Level::Error,
        "a record is used as a value, so load cannot see which facts the policy reads";
    UnknownEntityType = "unknown-entity-type", Level::Error, "no entity type has this name";
    UnknownEntity = "unknown-entity", Level::Error, "no entity has this name";
    UnknownAction = "unknown-action", Level::Error, "no action has this name";
    UnknownRoute = "unknown-route", Level::Error, "no route has this name";
    ApplicationNotInDocument = "application-not-in-document", Level::Error,
        "the scope names an application that the document does not apply to";
    LiteralMembership = "literal-membership", Level::Error, "`in` is asked of an entity that is in nothing";
    ImpossibleMembership = "impossible-membership", Level::Error,
        "`in` names an entity that has no members, or none that the policy is evaluated for";
    IndirectEntity = "indirect-entity", Level::Error,
        "`principal`, `action` or `resource` is compared with something other than entities by name";
    ImpossibleLiteral = "impossible-literal", Level::Error,
        "no request has this path, method or host, the attribute never has this value, or the variable is never this entity";
    AnonymousNetworkFact = "anonymous-network-fact", Level::Error, "a permit for Anonymous reads network facts";
    PolicyType = "policy-type", Level::Error, "Cedar's strict validation finds a type error";
    UnguardedFact = "unguarded-fact", Level::Error, "an optional fact is read without `has`";
    SuspiciousLetters = "suspicious-letters", Level::Error,
        "the text has hidden characters, or letters that look like others";
    PolicyImpossible = "policy-impossible", Level::Error, "no request can satisfy the condition";
    PolicyNeverApplies = "policy-never-applies", Level::Error, "no request can match the scope";
    ForbidNeedsEvidence = "forbid-needs-evidence", Level::Error,
        "a forbid reads evidence that a route in its scope does not require";
    AbsentFactLiftsRule = "absent-fact-lifts-rule", Level::Error,
        "a client can bypass the rule by omitting evidence, or with a token without groups";
    PolicySchema = "policy-schema", Level::Error, "Cedar rejects a schema with the configured names";
    UnknownGroup = "unknown-group", Level::Error,
        "a group in `entities` does not belong to a configured issuer, or no principal can be its member";
    GroupCycle = "group-cycle", Level::Error, "a group in `entities` contains itself";
    // Errors of prepared policies.
    PolicyText = "policy-text", Level::Error, "the module accepts prepared policies only, and the policies are text";
    PreparedFormat = "prepared-format", Level::Error, "the policies were prepared for another release of the plugin";
    PreparedContext = "prepared-context", Level::Error, "the policies were prepared with another configuration";
    PreparedDamaged = "prepared-damaged", Level::Error, "a string is not prepared policies, or was changed";
    // Warnings about the document.
    SkippedKey = "skipped-key", Level::Warning, "a key of a set is not used";
    EncodedPath = "encoded-path", Level::Warning, "a route accepts path spellings that servers read in different ways";
    AnyHost = "any-host", Level::Warning, "an application serves every host that no other application names";
    TrustedXff = "trusted-xff", Level::Warning,
        "the client address depends on the listener's trust in `X-Forwarded-For`";
    ShadowMode = "shadow-mode", Level::Warning, "nothing is enforced";
    KeptHeader = "kept-header", Level::Warning, "a header that servers trust is forwarded as the client sends it";
    ApplicationWithoutPolicy = "application-without-policy", Level::Warning,
        "no policy document applies to an application, so every request to it is denied";
    // Warnings about policies.
    NoPolicies = "no-policies", Level::Warning, "there are no policies, so every request is denied";
    NoPermit = "no-permit", Level::Warning, "there is no permit, so every request is denied";
    IdlePermit = "idle-permit", Level::Warning,
        "the permits of a document decide nothing in an application, where another document must permit";
    UnboundDevice = "unbound-device", Level::Warning,
        "a permit reads the posture of a device that may not be the caller's";
    PathSpelling = "path-spelling", Level::Warning,
        "a rule compares a path with a string that the same path with a trailing slash does not equal";
    RehearsedPolicy = "rehearsed-policy", Level::Warning, "a policy has `@mode(\"shadow\")`: it is evaluated and recorded, and decides nothing";
    NumberedPolicy = "numbered-policy", Level::Warning,
        "with `missing_facts: implied`, policies without `@id` are named by their place in the document";
    LooseScopeMatch = "loose-scope-match", Level::Warning,
        "a `*` in a `like` pattern on a string of scopes or roles also matches other scopes";
    AnyTenant = "any-tenant", Level::Warning,
        "a permit for an issuer with a templated `iss` does not limit the tenants";
    AnyActor = "any-actor", Level::Warning,
        "a permit does not tell agents from the people for whom they act";
    UpgradeNotForbidden = "upgrade-not-forbidden", Level::Warning,
        "a forbid on writes does not cover the same request with an `Upgrade` header, which a permit allows";
}

/// A place in a text, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextPosition {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One problem. A configuration with any is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where: a JSON pointer (RFC 6901) into the configuration; empty for the whole of it.
    pub pointer: String,
    /// Where inside the policy text that the pointer names.
    pub position: Option<TextPosition>,
    /// The kind of error.
    pub code: ConfigCode,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What to do, one sentence without a full stop.
    pub help: String,
}

/// One error or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors {
    first: ConfigError,
    others: Vec<ConfigError>,
}

impl ConfigErrors {
    /// These errors; `None` if there are none.
    #[must_use]
    pub fn of(errors: Vec<ConfigError>) -> Option<Self> {
        let mut errors = errors.into_iter();
        errors.next().map(|first| Self { first, others: errors.collect() })
    }

    /// The first, and the others.
    #[must_use]
    pub fn into_parts(self) -> (ConfigError, Vec<ConfigError>) {
        (self.first, self.others)
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(first: ConfigError) -> Self {
        Self { first, others: Vec::new() }
    }
}

/// Something that works and deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigWarning {
    /// Where.
    pub pointer: String,
    /// The kind of warning.
    pub code: ConfigCode,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(place(&self.pointer))?;
        if let Some(position) = self.position {
            write!(f, " ({position})")?;
        }
        write!(f, ": {}: {}; {}", self.code.code(), self.message, self.help)
    }
}

impl fmt::Display for ConfigWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", place(&self.pointer), self.code.code(), self.message)
    }
}

/// A pointer as people read it: the empty one names everything.
fn place(pointer: &str) -> &str {
    if pointer.is_empty() { "the configuration" } else { pointer }
}

#[cfg(test)]
mod tests {
    use super::{ConfigCode, ConfigError, ConfigWarning, TextPosition};
    use crate::portable;

    #[portable]
    fn a_problem_is_one_line_with_place_code_fault_and_remedy() {
        let mut error = ConfigError {
            pointer: "/policies/staff/text".to_owned(),
            position: Some(TextPosition { line: 3, column: 7 }),
            code: ConfigCode::BadValue,
            message: "it is wrong".to_owned(),
            help: "mend it".to_owned(),
        };
        assert_eq!(error.to_string(), "/policies/staff/text (line 3, column 7): bad-value: it is wrong; mend it");
        (error.pointer, error.position) = (String::new(), None);
        assert_eq!(error.to_string(), "the configuration: bad-value: it is wrong; mend it");
        let warning =
            ConfigWarning { pointer: "/mode".to_owned(), code: ConfigCode::ShadowMode, message: "look".to_owned() };
        assert_eq!(warning.to_string(), "/mode: shadow-mode: look");
    }
}
