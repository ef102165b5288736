//! What is said of a rule that an absent fact lifts: where it is, and the lines to write instead.

use cedar_policy::pst::Effect;

use super::{Checked, Hole, Kind, lexer};
use crate::config_error::ConfigError;
use crate::trust::GroupsRule;

/// The code of the rule.
const CODE: &str = "absent-fact-lifts-rule";

impl Checked<'_> {
    /// About a fact that the policy reads.
    pub(super) fn lifted(&self, fact: &[String], hole: &Hole) -> ConfigError {
        let (effect, lifted) = self.rule();
        let path = fact.join(".");
        let provider = fact.first().map_or("", String::as_str);
        let certain = match fact.len() {
            _ if provider == "peer" || provider == "http_request" => String::new(),
            1 => format!("add `{provider}` to `requires`, or "),
            _ => format!("declare the fact `{}` without `?`, or ", fact.last().map_or("", String::as_str)),
        };
        let absence = match &hole.correction {
            Some(condition) => format!("deny where it is absent (`{condition}`)"),
            None => format!("deny where it is absent (`!({})`)", presence_text(fact)),
        };
        self.lifted_at(
            fact.last().map_or("", String::as_str),
            format!(
                "where `context.{path}` is absent, {lifted}: who leaves the evidence out escapes the {effect}'s rule"
            ),
            format!("{certain}{absence}, or annotate the policy with `@missing(\"ignore\")`"),
        )
    }

    /// About a token that does not say which groups its principal is in: it lacks the fact at this path.
    pub(super) fn lifted_by_groups(&self, kind: Kind, fact: &[String], hole: &Hole) -> ConfigError {
        let (effect, lifted) = self.rule();
        let issuer = fact.first().map_or("", String::as_str);
        let rule = self.names.issuer(kind).and_then(|issuer| issuer.principal.groups.as_ref());
        let declared = !self.names.optional_parts(fact, kind, &std::collections::BTreeSet::new()).is_empty();
        let required = match (rule, fact.last()) {
            (Some(rule), _) if !declared => format!("{}, ", lines(issuer, rule)),
            (_, Some(name)) => format!("write `{}` without `?` in `facts` of `{issuer}`, ", yaml(name)),
            (_, None) => String::new(),
        };
        let absence = match &hole.correction {
            Some(condition) => format!("or deny where it is absent (`{condition}`), "),
            None => String::new(),
        };
        let members = |group: &&cedar_policy::pst::EntityUID| {
            self.names.members(group).is_some_and(|members| members.contains(&kind))
        };
        let group = self.reads.memberships.iter().find(members);
        let claim = rule.map(|rule| rule.claim.to_string()).unwrap_or_default();
        self.lifted_at(
            group.map_or("", |group| group.eid.as_str()),
            format!(
                "a token of `{issuer}` may lack the claim `{claim}`: its principal is then in no group, and {lifted}, so whoever obtains such a token escapes the {effect}'s rule"
            ),
            format!("{required}{absence}or annotate the policy with `@missing(\"ignore\")`"),
        )
    }

    /// The effect, and what becomes of the rule.
    fn rule(&self) -> (&'static str, &'static str) {
        match self.named.body.effect {
            Effect::Forbid => ("forbid", "the forbid does not apply"),
            Effect::Permit => ("permit", "the restriction of the permit does not apply"),
        }
    }

    fn lifted_at(&self, word: &str, message: String, help: String) -> ConfigError {
        let text = self.source.document.text.get(self.named.start..self.named.end).unwrap_or("");
        let at = lexer::locate(text, word).unwrap_or(0);
        self.source.problem(self.named.start.saturating_add(at), CODE, message, help)
    }
}

/// The two ways to have tokens without groups refused, as they are written in the configuration.
fn lines(issuer: &str, rule: &GroupsRule) -> String {
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
    // A fact of this type would refuse the string that `single` accepts.
    if rule.single { required } else { format!("{required}, or declare the claim in its `facts` (`facts: {fact}`)") }
}

/// A name as YAML takes it.
fn yaml(name: &str) -> String {
    let bare = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character == '_' || character == '-' || character.is_ascii_alphanumeric());
    if bare { name.to_owned() } else { format!("\"{}\"", name.escape_debug()) }
}

fn presence_text(fact: &[String]) -> String {
    let (last, base) = fact.split_last().map_or(("", &[][..]), |(last, base)| (last.as_str(), base));
    let base: Vec<&str> = core::iter::once("context").chain(base.iter().map(String::as_str)).collect();
    format!("{} has {last}", base.join("."))
}
