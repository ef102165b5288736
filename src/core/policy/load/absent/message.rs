//! The messages about rules that an absent fact lifts: the position, and the lines to write instead.

use cedar_policy::pst::Effect;

use super::{BypassableRule, Checked, PrincipalKind, lexer};
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::context::{self, ContextMember, Presence};
use crate::profile::{DEVICE_RECORD, FactType, GroupsRule};
use crate::route::PEER_EVIDENCE;

/// The code of the rule.
const CODE: ConfigCode = ConfigCode::AbsentFactLiftsRule;
/// What every help ends with.
const IGNORE: &str = "annotate the policy with `@missing(\"ignore\")`";
/// Words that some YAML reader takes for a boolean or for nothing.
const NOT_TEXT: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

impl Checked<'_> {
    /// About a fact that the policy reads.
    pub(super) fn lifted(&self, fact: &[String], bypass: &BypassableRule) -> ConfigError {
        let lifted = self.consequence();
        let path = fact.join(".");
        let provider = fact.first().map_or("", String::as_str);
        let name = fact.last().map_or("", String::as_str);
        let scopes = self.is_scopes(fact);
        // Of a record that is absent, what the policy reads in it says why.
        let read = self.reads.values.iter().find(|path| path.starts_with(fact)).map_or(fact, Vec::as_slice);
        let certain = match fact.len() {
            _ if scopes => Some(format!(
                "declare `{name}` in `facts` of `{provider}` as `[string]` if the claim is always a list, or as \
                 `{{ type: [string], single: true }}` if it is a list or one word, so that a token without it is refused"
            )),
            _ if matches!(absence_of(read), Some(Presence::CertainOfWorkload(_))) => {
                Some(format!("add `{PEER_EVIDENCE}` to `requires`"))
            }
            _ if context::member(provider).is_some() || provider == DEVICE_RECORD => None,
            1 => Some(format!("add `{provider}` to `requires`")),
            _ => Some(format!("declare the fact `{name}` without `?`")),
        };
        let message = if scopes {
            format!(
                "`context.{path}` is the empty set if a token of `{provider}` lacks the claim, and {lifted}: a caller with \
                 such a token bypasses this rule"
            )
        } else {
            match absence_of(read) {
                None | Some(Presence::Certain) => format!(
                    "if `context.{path}` is absent, {lifted}: a client can bypass this rule by omitting the evidence"
                ),
                Some(Presence::ProxyMayOmit(when)) => {
                    format!("`context.{path}` is absent if {when}, and {lifted} then")
                }
                Some(Presence::ClientMayOmit(when) | Presence::CertainOfWorkload(when)) => {
                    format!("`context.{path}` is absent if {when}, and {lifted} then: a client can bypass this rule")
                }
            }
        };
        let ways = certain.into_iter().chain(self.answer(fact, bypass)).chain([IGNORE.to_owned()]);
        self.lifted_at(CODE, name, message, ways.collect::<Vec<_>>().join(", or "))
    }

    /// About a forbid for any principal that does not apply to a caller of this kind, who has no token and so no record of
    /// this provider.
    pub(super) fn silent_without_token(
        &self,
        kind: PrincipalKind,
        fact: &[String],
        bypass: &BypassableRule,
    ) -> ConfigError {
        let provider = fact.first().map_or("", String::as_str);
        let caller = self.names.vocabulary.principal_type(kind);
        let whom = format!(
            "name the principals that it applies to (`principal is ...`) and write a second forbid for {caller} if one is needed"
        );
        let required = "require an issuer on that route".to_owned();
        let ways = [whom, required].into_iter().chain(self.answer(fact, bypass)).chain([IGNORE.to_owned()]);
        self.lifted_at(
            ConfigCode::ForbidNeedsEvidence,
            provider,
            format!(
                "the forbid reads `context.{provider}`, which {caller} never has, and a route in its scope accepts requests \
                 without a token: a client can bypass this forbid by omitting the token"
            ),
            ways.collect::<Vec<_>>().join(", or "),
        )
    }

    /// The corrected clause, described as "deny" or "allow" depending on what its part decides.
    fn answer(&self, fact: &[String], bypass: &BypassableRule) -> Option<String> {
        let (absent, present) = if self.is_scopes(fact) { ("empty", "not empty") } else { ("absent", "present") };
        let correction = bypass.correction.as_ref()?;
        Some(match bypass.denies {
            true => format!("deny where it is {absent} ({correction})"),
            false => format!("allow only where it is {present} ({correction})"),
        })
    }

    fn is_scopes(&self, fact: &[String]) -> bool {
        let path: Vec<&str> = fact.iter().map(String::as_str).collect();
        self.names.declared_type(&path) == Some(&FactType::Scopes)
    }

    /// About a token that does not say which groups its principal is in: it lacks the fact at this path.
    pub(super) fn lifted_by_groups(
        &self,
        kind: PrincipalKind,
        fact: &[String],
        bypass: &BypassableRule,
    ) -> ConfigError {
        let lifted = self.consequence();
        let issuer = fact.first().map_or("", String::as_str);
        let rule = self.names.vocabulary.issuer(kind).and_then(|issuer| issuer.principal.groups.as_ref());
        let declared = !self.names.optional_parts(fact, kind, &std::collections::BTreeSet::new()).is_empty();
        let scopes = self.is_scopes(fact);
        let required = match (rule, fact.last()) {
            (Some(rule), _) if !declared || scopes => format!("{}, ", lines(issuer, rule, scopes)),
            (_, Some(name)) => format!("write `{}` without `?` in `facts` of `{issuer}`, ", yaml(name)),
            (_, None) => String::new(),
        };
        let absence = self.answer(fact, bypass).map(|answer| format!("or {answer}, ")).unwrap_or_default();
        let members = |group: &&cedar_policy::pst::EntityUID| {
            self.names.members(group).is_some_and(|members| members.contains(&kind))
        };
        let group = self.reads.memberships.iter().find(members);
        let claim = rule.map(|rule| rule.claim.to_string()).unwrap_or_default();
        self.lifted_at(
            CODE,
            group.map_or("", |group| group.eid.as_str()),
            format!(
                "a token of `{issuer}` may lack the claim `{claim}`: its principal is then in no group, and {lifted}, so a caller with such a token bypasses this rule"
            ),
            format!("{required}{absence}or {IGNORE}"),
        )
    }

    /// What becomes of the rule.
    const fn consequence(&self) -> &'static str {
        match self.named.body.effect {
            Effect::Forbid => "the forbid does not apply",
            Effect::Permit => "the restriction of the permit does not apply",
        }
    }

    fn lifted_at(&self, code: ConfigCode, word: &str, message: String, help: String) -> ConfigError {
        let text = self.source.document.text.get(self.named.start..self.named.end).unwrap_or("");
        let at = lexer::locate(text, word).unwrap_or(0);
        self.source.problem(self.named.start.saturating_add(at), code, message, help)
    }
}

/// When a fact that the configuration does not declare is absent; a record is absent when its facts are.
fn absence_of(fact: &[String]) -> Option<Presence> {
    let path: Vec<&str> = fact.iter().map(String::as_str).collect();
    let of_record = || match context::member(path.first()?)? {
        ContextMember::Record(_, facts) => facts.first().map(|fact| fact.presence),
        ContextMember::Fact(_) => None,
    };
    context::fact_on(&path).map(|fact| fact.presence).or_else(of_record)
}

/// The two ways to have tokens without groups rejected, as they are written in the configuration; `scopes` where the claim
/// is a fact of that type, which takes the claim's absence for the empty set.
fn lines(issuer: &str, rule: &GroupsRule, scopes: bool) -> String {
    let names: Vec<String> = rule.claim.0.iter().map(|name| yaml(name)).collect();
    let claim = match names.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let single = if rule.single { ", single: true" } else { "" };
    let fact = names.iter().rev().fold("[string]".to_owned(), |inner, name| format!("{{ {name}: {inner} }}"));
    let required = format!(
        "write `groups: {{ claim: {claim}, required: true{single} }}` in `principal` of `{issuer}` to refuse such tokens"
    );
    match names.last() {
        // A fact of a list would refuse the string that `single` accepts.
        _ if rule.single => required,
        Some(name) if scopes => {
            format!("{required}, or write `{name}: [string]` in place of `{name}: scopes` in its `facts`")
        }
        _ => format!("{required}, or declare the claim in its `facts` (`facts: {fact}`)"),
    }
}

/// A name as YAML takes it.
fn yaml(name: &str) -> String {
    let bare = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character == '_' || character == '-' || character.is_ascii_alphanumeric())
        && !NOT_TEXT.iter().any(|word| name.eq_ignore_ascii_case(word));
    if bare { name.to_owned() } else { format!("\"{}\"", name.escape_debug()) }
}
