//! Documents to a policy set: every step for every policy, and every problem that any of them has.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::EntityTypeName;
use cedar_policy::pst::Effect;

use super::annotations::Annotations;
use super::context::{self, PermitFor};
use super::decide::cache::DecisionCache;
use super::decide::catalog::Catalog;
use super::decide::facts::FactResolver;
use super::decide::slice::{Applicability, DocumentScope, SliceKey, Slices};
use super::decide::{self, Compiled, Program};
use super::kinds::PrincipalKind;
use super::load::Checked;
use super::load::absent::lifted_rules;
use super::load::actors::any_actor;
use super::load::documents::idle_permits;
use super::load::groups::Groups;
use super::load::implied::guarded;
use super::load::names::Names;
use super::load::paths::missed_slashes;
use super::load::reads::Reads;
use super::load::remedies::remedies;
use super::load::rules::Rules;
use super::load::schema::Schemas;
use super::load::scope::{Scope, ScopeRoutesCache};
use super::load::tenants::open_tenants;
use super::load::upgrades::passed_by_upgrade;
use super::load::validation::PolicyUnderValidation;
use super::load::words::loose_matches;
#[cfg(any(test, feature = "oracle"))]
use super::oracle::Oracle;
use super::prepared::context::context_digest;
use super::program::entity::EntityTypes;
use super::program::translate::Translator;
use super::text::source::{Named, Source, Statement, line_starts, parse, statements};
use super::{GroupHierarchy, MissingFacts, PolicyDocument, PolicySet, Vocabulary};
use crate::config_error::{ConfigCode, ConfigError, ConfigErrors, ConfigWarning};
use crate::limits::MAX_POLICIES;
use crate::profile::{DEVICE_RECORD, PostureBinding};
use crate::provider::ProviderName;

/// See [`PolicySet::compile`].
pub(super) fn compile(
    documents: &[PolicyDocument],
    hierarchy: &GroupHierarchy,
    vocabulary: Vocabulary<'_>,
) -> Result<(PolicySet, Vec<ConfigWarning>), ConfigErrors> {
    let mut errors = Vec::new();
    let groups = Groups::compile(hierarchy, vocabulary).unwrap_or_else(|found| {
        errors.extend(found);
        Groups::default()
    });
    let names = Names { vocabulary, groups: &groups };
    let cut: Vec<Vec<Statement>> = documents.iter().map(|document| statements(&document.text)).collect();
    let total: usize = cut.iter().map(Vec::len).sum();
    if total > MAX_POLICIES {
        return Err(ConfigError {
            pointer: documents.first().map(|document| document.pointer.clone()).unwrap_or_default(),
            position: None,
            code: ConfigCode::TooManyPolicies,
            message: format!("there are {total} policies; at most {MAX_POLICIES} are accepted"),
            help: "merge policies that differ only in a name: `[\"a\", \"b\"].contains(...)`, or use groups".to_owned(),
        }
        .into());
    }
    let entity_types = vocabulary.entity_types();
    let types = EntityTypes::new(entity_types.iter().map(String::as_str));
    let mut translator = Translator { types: &types, slots: FactResolver::new(vocabulary) };
    let mut schemas = Schemas::default();
    let mut warnings = Vec::new();
    let mut permits = Vec::new();
    let mut compiled = Vec::new();
    #[cfg(any(test, feature = "oracle"))]
    let mut oracle = Oracle::new(names, documents);
    let mut first = 0_usize;
    let lines: Vec<Vec<usize>> = documents.iter().map(|document| line_starts(&document.text)).collect();
    for (number, ((document, statements), lines)) in documents.iter().zip(&cut).zip(&lines).enumerate() {
        let source = Source { document, lines };
        let mut routes_cache = ScopeRoutesCache::default();
        let (named, found) = parse(source, statements, first);
        first = first.saturating_add(statements.len());
        let mut problems = found;
        let mut checked = Vec::new();
        for named in named {
            let guarded = match document.missing_facts {
                MissingFacts::Strict => Ok(named),
                MissingFacts::Implied => guarded(source, named, names),
            };
            match guarded.and_then(|named| compile_one(source, named, names, &mut routes_cache, &mut schemas)) {
                Ok(policy) => checked.push(policy),
                Err(found) => problems.extend(found),
            }
        }
        problems.extend(lifted_rules(&checked));
        problems.sort_by_key(|problem| problem.position);
        errors.append(&mut problems);
        permits.push(checked.iter().any(is_permit_in_force));
        warnings.extend(document_warnings(document, statements, &checked));
        for policy in checked {
            let asked = Arc::new(Applicability {
                document: number,
                resource: policy.scope.resource.clone(),
                actions: policy.scope.actions,
                kinds: policy.applies.kinds.clone(),
                needs: policy.applies.needs.iter().map(|name| ProviderName::new(name)).collect(),
            });
            #[cfg(any(test, feature = "oracle"))]
            oracle.take(&policy.named, policy.annotations.clone(), Arc::clone(&asked));
            match translated(&policy, &mut translator) {
                Ok(policy) => compiled.push((SliceKey::of(asked, &policy.rule, &types), policy)),
                Err(error) => errors.push(error),
            }
        }
    }
    if let Some(errors) = ConfigErrors::of(errors) {
        return Err(errors);
    }
    warnings.extend(idle_permits(documents, &permits));
    let scopes: Vec<DocumentScope> = documents.iter().map(|document| names.scope_of(document)).collect();
    let nameable = entity_types.iter().all(|name| EntityTypeName::from_str(name).is_ok());
    let memberships = groups.memberships(&types);
    let facts = translator.slots.finish();
    let catalog = memberships.and_then(|memberships| Catalog::compile(vocabulary, types, memberships));
    let Some(catalog) = catalog.filter(|_| nameable) else {
        return Err(ConfigError {
            pointer: String::new(),
            position: None,
            code: ConfigCode::PolicySchema,
            message: "a name in the configuration is not a valid Cedar name".to_owned(),
            help: "rename the issuers, principal types, applications or routes that Cedar cannot name".to_owned(),
        }
        .into());
    };
    let slices = Slices::compile(compiled, scopes, &facts);
    let program = Program { slices, catalog, facts };
    let set = PolicySet {
        len: program.policies(),
        rehearses: program.rehearses(),
        cache: DecisionCache::of(&program.slices),
        program,
        context: context_digest(vocabulary, hierarchy),
        is_prepared: false,
        groups: groups.clone(),
        #[cfg(any(test, feature = "oracle"))]
        oracle: Some(oracle),
    };
    Ok((set, warnings))
}

/// A valid policy as it is evaluated.
fn translated(
    policy: &Checked<'_>,
    translator: &mut Translator<'_, FactResolver<'_>>,
) -> Result<Compiled, ConfigError> {
    let named = &policy.named;
    let rule = translator.rule(&named.body).map_err(|error| {
        let help = "write the policy without it".to_owned();
        policy.source.problem(named.start, ConfigCode::PolicyType, error.to_string(), help)
    })?;
    let effect = match named.body.effect {
        Effect::Permit => decide::Effect::Permit,
        Effect::Forbid => decide::Effect::Forbid,
    };
    Ok(Compiled { annotations: policy.annotations.clone(), effect, rule })
}

/// Everything that is judged of one policy by itself.
fn compile_one<'a>(
    source: Source<'a>,
    named: Named,
    names: Names<'a>,
    routes_cache: &mut ScopeRoutesCache<'a>,
    schemas: &mut Schemas,
) -> Result<Checked<'a>, Vec<ConfigError>> {
    let scope = Scope::of(&named.body, source.document, names, routes_cache);
    let breaches = Rules::breaches(source, &named, names, &scope);
    if !breaches.is_empty() {
        return Err(breaches);
    }
    let reads = Reads::of(&named.body);
    if named.body.effect == Effect::Permit && scope.kinds.contains(&PrincipalKind::Anonymous) {
        let breaches = anonymous_breaches(source, &named, &reads);
        if !breaches.is_empty() {
            return Err(breaches);
        }
    }
    let subject = PolicyUnderValidation { source, named: &named, reads: &reads, scope: &scope, names };
    let applies = subject.validate(schemas)?;
    let annotations = Annotations {
        id: named.id.clone(),
        advice: named.advice.clone(),
        remedies: remedies(source, &named, names)?,
        alarm: named.alarm.clone(),
        is_rehearsed: named.is_rehearsed,
    };
    Ok(Checked { source, named, annotations, reads, scope, applies, names })
}

/// What a permit for Anonymous may read: what the caller asks for, and when. Where it calls from is not who it is.
fn anonymous_breaches(source: Source<'_>, named: &Named, reads: &Reads) -> Vec<ConfigError> {
    let allowed = |path: &Vec<String>| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        context::fact_on(&path).is_some_and(|fact| fact.permits == PermitFor::Anyone)
    };
    let paths: BTreeSet<&Vec<String>> = reads.values.union(&reads.presences).filter(|path| !allowed(path)).collect();
    // `context has a && context.a.b` is one fault, not two.
    let outermost = paths.iter().filter(|path| !paths.iter().any(|other| other != *path && path.starts_with(other)));
    let text = source.document.text.get(named.start..named.end).unwrap_or("");
    outermost
        .map(|path| {
            let word = path.last().map_or("", String::as_str);
            let at = named.start.saturating_add(super::text::lexer::locate(text, word).unwrap_or(0));
            source.problem(
                at,
                ConfigCode::AnonymousNetworkFact,
                format!("a permit for Anonymous reads `context.{}`", path.join(".")),
                "permit it to a verified principal, or decide by method, host, path, query and time alone: a network location is not an identity".to_owned(),
            )
        })
        .collect()
}

/// Whether the policy reads `context.device`, and does not ask whether all evidence is tied to the token.
fn reads_any_device(reads: &Reads) -> bool {
    let is_bound = |path: &Vec<String>| path == &[DEVICE_RECORD, "evidence", "bound"];
    reads.mentions(DEVICE_RECORD) && !reads.values.iter().any(is_bound)
}

fn is_permit_in_force(policy: &Checked<'_>) -> bool {
    policy.named.body.effect == Effect::Permit && !policy.named.is_rehearsed
}

fn document_warnings(
    document: &PolicyDocument,
    statements: &[Statement],
    checked: &[Checked<'_>],
) -> Vec<ConfigWarning> {
    let warning =
        |code: ConfigCode, message: String| ConfigWarning { pointer: document.pointer.clone(), code, message };
    let is_permit = |policy: &&Checked<'_>| policy.named.body.effect == Effect::Permit;
    let mut warnings = Vec::new();
    if statements.is_empty() {
        warnings.push(warning(ConfigCode::NoPolicies, "there are no policies: every request is denied".to_owned()));
    } else if !checked.iter().any(is_permit_in_force) {
        warnings.push(warning(
            ConfigCode::NoPermit,
            "no policy of this document permits anything: on its own, it denies every request".to_owned(),
        ));
    }
    let numbered: Vec<&str> =
        checked.iter().filter(|policy| policy.named.is_numbered).map(|policy| policy.named.id.as_str()).collect();
    if let Some(first) = numbered.first() {
        warnings.push(warning(
            ConfigCode::NumberedPolicy,
            format!(
                "{} of its policies have no `@id` and are named by their place, such as `{first}`: a policy that is added before \
                 them renames them in records and metrics",
                numbered.len()
            ),
        ));
    }
    for policy in checked.iter().filter(|policy| policy.named.is_rehearsed) {
        let message = format!("`{}` is only rehearsed (`@mode(\"shadow\")`): it decides nothing", policy.named.id);
        warnings.push(warning(ConfigCode::RehearsedPolicy, message));
    }
    for policy in checked.iter().filter(is_permit) {
        for device in policy.names.vocabulary.devices {
            let name = device.name().as_str();
            let is_read = policy.reads.mentions(name) || !device.device.is_empty() && reads_any_device(&policy.reads);
            if is_read && device.bind == PostureBinding::None {
                let id = &policy.named.id;
                warnings.push(warning(
                    ConfigCode::UnboundDevice,
                    format!("`{id}` permits based on `{name}`, whose posture is not bound to the token: it may describe another device"),
                ));
            }
        }
    }
    warnings.extend(checked.iter().flat_map(loose_matches));
    warnings.extend(checked.iter().flat_map(missed_slashes));
    warnings.extend(open_tenants(checked));
    warnings.extend(any_actor(checked));
    warnings.extend(passed_by_upgrade(checked));
    warnings
}
