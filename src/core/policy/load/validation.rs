//! Cedar's strict validation of one policy, in every environment that its scope can meet.
//!
//! Serves the load. The outcome is what the policy applies to: the kinds of principals, and the devices whose verified
//! facts it reads without asking whether they are there.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::ffi::DetailedError;
use cedar_policy::pst::Effect;
use cedar_policy::{PolicySet, ValidationError, ValidationMode, ValidationWarning};

use super::fixes;
use super::names::Names;
use super::reads::Reads;
use super::schema::{Environment, Schemas};
use super::scope::Scope;
use crate::config_error::{ConfigCode, ConfigError};
use crate::policy::kinds::{Actions, PrincipalKind};
use crate::policy::text::lexer;
use crate::policy::text::source::{Named, Source};
use crate::profile::DEVICE_RECORD;
use crate::route::PEER_EVIDENCE;

/// What a valid policy applies to.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Applies {
    /// The kinds of principals that it is asked about.
    pub kinds: BTreeSet<PrincipalKind>,
    /// Devices without whose facts it cannot be asked, and `peer` where it cannot without a workload; only a permit has any.
    pub needs: BTreeSet<String>,
}

/// One policy with all that its validation looks at.
#[derive(Clone, Copy)]
pub(in crate::policy) struct PolicyUnderValidation<'a, 'p> {
    /// Its document.
    pub source: Source<'a>,
    /// The policy.
    pub named: &'p Named,
    /// What its conditions read.
    pub reads: &'p Reads,
    /// What its scope matches.
    pub scope: &'p Scope<'a>,
    /// All names.
    pub names: Names<'a>,
}

/// What Cedar says in one environment.
#[derive(Clone, Debug, Default)]
struct Findings {
    errors: Vec<Fault>,
    impossible: bool,
}

/// The kinds of principals that a policy is asked about.
struct Kinds {
    kinds: BTreeSet<PrincipalKind>,
    errors: Vec<ConfigError>,
    /// Where a forbid for everybody is not asked about Anonymous: the fact that Anonymous does not have.
    silent: Option<Fault>,
}

/// One fault that Cedar found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    /// In the statement, in bytes.
    start: usize,
    end: usize,
    class: Class,
    message: String,
    help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// An optional fact is read without `has`.
    Unguarded,
    /// A fact that this kind of principal does not have.
    Foreign,
    /// Letters that look like others.
    Letters,
    /// Anything else.
    Type,
}

impl<'a> PolicyUnderValidation<'a, '_> {
    /// Validates the policy.
    ///
    /// # Errors
    /// Every fault, each once.
    pub(in crate::policy) fn validate(self, schemas: &mut Schemas) -> Result<Applies, Vec<ConfigError>> {
        let reaching = self.scope.kinds_reaching(self.names);
        if reaching.is_empty() {
            return Err(vec![self.never_applies()]);
        }
        let granted: BTreeSet<PrincipalKind> =
            self.scope.kinds_granted(self.names).intersection(&reaching).copied().collect();
        let granted = if granted.is_empty() { reaching.clone() } else { granted };
        let devices: BTreeSet<String> =
            self.scope.devices_granted().into_iter().filter(|device| self.reads.mentions(device)).collect();
        let Kinds { kinds, errors: mut faults, silent } = self.kinds(&granted, &reaching, &devices, schemas)?;
        let mut needs = BTreeSet::new();
        let required = self.scope.devices_required();
        for device in devices.difference(&required) {
            let mut without = devices.clone();
            without.remove(device);
            let mut needed = false;
            for kind in &kinds {
                needed |= !self.findings(*kind, &without, schemas)?.errors.is_empty();
            }
            if needed {
                needs.insert(device.clone());
            }
        }
        if self.named.body.effect == Effect::Forbid {
            faults.extend(needs.iter().map(|device| self.forbid_needs(device)));
            needs.clear();
        }
        if faults.is_empty() && self.scope.asks_without_token(PrincipalKind::Anonymous) {
            faults.extend(silent.map(|fault| self.silent_for_anonymous(&fault)));
        }
        if faults.is_empty() { Ok(Applies { kinds, needs }) } else { Err(faults) }
    }

    /// The kinds that the policy is asked about, and what is wrong with it for them.
    fn kinds(
        self,
        granted: &BTreeSet<PrincipalKind>,
        reaching: &BTreeSet<PrincipalKind>,
        devices: &BTreeSet<String>,
        schemas: &mut Schemas,
    ) -> Result<Kinds, Vec<ConfigError>> {
        let forbid = self.named.body.effect == Effect::Forbid;
        let mut kinds = BTreeSet::new();
        let mut faults: Vec<Fault> = Vec::new();
        let mut errors = Vec::new();
        let mut possible = false;
        let mut unnamed: Option<Findings> = None;
        for kind in granted.union(reaching) {
            let findings = self.findings(*kind, devices, schemas)?;
            let clean = findings.errors.is_empty();
            let unnamed_anonymous = *kind == PrincipalKind::Anonymous
                && forbid
                && self.scope.everyone
                && findings.errors.iter().all(|fault| fault.class == Class::Foreign);
            if !clean && unnamed_anonymous {
                // A rule about facts of tokens and devices says nothing of callers that have none by nature.
                unnamed = Some(findings);
            } else if clean {
                possible |= !findings.impossible;
                kinds.insert(*kind);
            } else if granted.contains(kind) {
                for fault in findings.errors {
                    if !faults.iter().any(|known| (known.start, &known.message) == (fault.start, &fault.message)) {
                        faults.push(fault);
                    }
                }
            } else if forbid {
                match granted.iter().find_map(|kind| self.names.vocabulary.issuer(*kind)) {
                    Some(issuer) => errors.push(self.forbid_needs(issuer.profile.name.as_str())),
                    None => faults.extend(findings.errors),
                }
            }
        }
        if kinds.is_empty() && faults.is_empty() && errors.is_empty() {
            faults.extend(unnamed.take().into_iter().flat_map(|findings| findings.errors));
        }
        if faults.is_empty() && errors.is_empty() && !possible {
            errors.push(self.source.problem(
                self.named.start,
                ConfigCode::PolicyImpossible,
                "the policy can never apply: its conditions are always false".to_owned(),
                "fix the condition, or remove the policy".to_owned(),
            ));
        }
        errors.extend(faults.iter().map(|fault| self.fault(fault)));
        errors.dedup();
        let silent = unnamed.and_then(|findings| findings.errors.into_iter().next());
        Ok(Kinds { kinds, errors, silent })
    }

    fn findings(
        self,
        kind: PrincipalKind,
        devices: &BTreeSet<String>,
        schemas: &mut Schemas,
    ) -> Result<Findings, Vec<ConfigError>> {
        let environment = Environment {
            kind,
            devices: match kind {
                PrincipalKind::Anonymous => BTreeSet::new(),
                PrincipalKind::Workload => BTreeSet::from([PEER_EVIDENCE.to_owned()]),
                PrincipalKind::Issuer(_) => devices.clone(),
            },
            actions: self.actions(kind),
            parameters: self.parameters(),
        };
        let internal = |message: String| {
            let help = "rename the principal's type, or what else the message names".to_owned();
            vec![self.source.problem(self.named.start, ConfigCode::PolicySchema, message, help)]
        };
        let validator = schemas
            .validator(&environment, self.names)
            .map_err(|error| internal(DetailedError::from(error.as_ref()).message))?;
        let set = PolicySet::from_policies([self.named.policy.clone()])
            .map_err(|error| internal(DetailedError::from(&error).message))?;
        let result = validator.validate(&set, ValidationMode::Strict);
        let mut findings = Findings::default();
        for warning in result.validation_warnings() {
            match warning {
                ValidationWarning::ImpossiblePolicy(_) | ValidationWarning::InvalidActionApplication(_) => {
                    findings.impossible = true;
                }
                _ => findings.errors.push(Fault::of(Class::Letters, &DetailedError::from(warning))),
            }
        }
        findings.errors.extend(result.validation_errors().map(|error| {
            let class = match error {
                ValidationError::UnsafeOptionalAttributeAccess(_) => Class::Unguarded,
                ValidationError::UnsafeAttributeAccess(_) => Class::Foreign,
                _ => Class::Type,
            };
            Fault::of(class, &DetailedError::from(error))
        }));
        Ok(findings)
    }

    /// The actions that the schema must have: all that the scope can meet, or one where no condition reads the action.
    fn actions(self, kind: PrincipalKind) -> Actions {
        let mut met = self.scope.routes.actions.iter().filter(|action| {
            self.scope.actions.holds(*action) && self.names.kinds_reaching(None, false, *action).contains(&kind)
        });
        if self.reads.action { met.collect() } else { met.next().into_iter().collect() }
    }

    fn parameters(self) -> BTreeMap<String, bool> {
        if !self.reads.mentions_parameters() {
            return BTreeMap::new();
        }
        let routes = &self.scope.routes;
        routes.in_some_route.iter().map(|name| ((*name).to_owned(), routes.in_every_route.contains(name))).collect()
    }

    fn never_applies(self) -> ConfigError {
        let exact_group = matches!(
            &self.named.body.action,
            cedar_policy::pst::ActionConstraint::Eq(entity) if matches!(entity.eid.as_str(), "read" | "write")
        );
        let help = if exact_group {
            "write `action in Action::\"read\"`: `==` matches only routes whose `action` is set".to_owned()
        } else {
            "no route of this document is reached by such a principal with such an action: fix the scope".to_owned()
        };
        let message = "the policy can never apply: its scope matches no request".to_owned();
        self.source.problem(self.named.start, ConfigCode::PolicyNeverApplies, message, help)
    }

    fn forbid_needs(self, provider: &str) -> ConfigError {
        let at = lexer::locate(self.text(), provider).unwrap_or(0);
        self.source.problem(
            self.named.start.saturating_add(at),
            ConfigCode::ForbidNeedsEvidence,
            format!("the forbid reads `context.{provider}`, and a route in its scope does not require `{provider}`"),
            format!(
                "require `{provider}` on that route, or guard the read and forbid the absence (`if context has {provider} then ... else true`), or narrow the resource"
            ),
        )
    }

    /// A forbid for everybody that would not be one for a caller without credentials, who reaches its scope.
    fn silent_for_anonymous(self, fault: &Fault) -> ConfigError {
        let read = self.text().get(fault.start..fault.end).unwrap_or("");
        self.source.problem(
            self.named.start.saturating_add(fault.start),
            ConfigCode::ForbidNeedsEvidence,
            format!("the forbid reads `{read}`, which Anonymous never has, and a route in its scope accepts requests without a token"),
            "name the principals that it applies to (`principal is ...`) and write a second forbid for Anonymous if one is needed, or require an issuer on that route".to_owned(),
        )
    }

    fn text(self) -> &'a str {
        self.source.document.text.get(self.named.start..self.named.end).unwrap_or("")
    }

    fn fault(self, fault: &Fault) -> ConfigError {
        let read = self.text().get(fault.start..fault.end).unwrap_or("");
        let (code, message, help) = match fault.class {
            Class::Unguarded => {
                // Cedar names the guard in its help; the span is the whole chain of members, not the one that may be absent.
                let presence = fault.help.as_deref().and_then(|help| help.split('`').nth(1));
                let presence = presence.and_then(|guard| guard.strip_suffix(" && ..")).unwrap_or_default();
                let absent = presence.replace(" has ", ".");
                let mut help = match fixes::guarded(&self.named.body, presence, &absent) {
                    Some(condition) => format!("write `{condition}`"),
                    None => "check it with `has` first".to_owned(),
                };
                // Whatever a route requires, another provider may be the one that fills the member.
                if absent.split('.').nth(1) != Some(DEVICE_RECORD) {
                    help.push_str(", or require the evidence that provides it");
                }
                (ConfigCode::UnguardedFact, format!("`{absent}` may be absent"), help)
            }
            Class::Foreign => {
                let provider = read.split('.').nth(1).unwrap_or_default();
                let issuer = self.names.vocabulary.kinds().find(|kind| {
                    self.names.vocabulary.issuer(*kind).is_some_and(|issuer| issuer.profile.name.as_str() == provider)
                });
                let help = match issuer {
                    Some(kind) => {
                        format!("write `principal is {}` in the scope", self.names.vocabulary.principal_type(kind))
                    }
                    None => "name the principals that have it in the scope".to_owned(),
                };
                // A guard that load has written is not in the text.
                let what = if read.is_empty() { "a fact that it reads".to_owned() } else { format!("`{read}`") };
                (ConfigCode::ForeignFact, format!("not every principal of the scope has {what}"), help)
            }
            Class::Letters => {
                let help = "write it in the letters of one script, without hidden characters".to_owned();
                (ConfigCode::SuspiciousLetters, fault.message.clone(), fault.help.clone().unwrap_or(help))
            }
            Class::Type => {
                let help = fault.help.clone().unwrap_or_else(|| {
                    "compare values of one type; the configuration declares the types of facts".to_owned()
                });
                (ConfigCode::PolicyType, fault.message.clone(), help)
            }
        };
        self.source.problem(self.named.start.saturating_add(fault.start), code, message, help)
    }
}

impl Fault {
    fn of(class: Class, error: &DetailedError) -> Self {
        let span = error.source_locations.first().map(|label| label.loc);
        let message = match (error.message.strip_prefix("for policy `"), error.message.split_once("`, ")) {
            (Some(_), Some((_, rest))) => rest.to_owned(),
            _ => error.message.clone(),
        };
        Self {
            start: span.map_or(0, |span| span.start),
            end: span.map_or(0, |span| span.end),
            class,
            message,
            help: error.help.clone(),
        }
    }
}
