//! `context.device` written out: conditions about it become conditions about the facts that fill it.
//!
//! Two configurations can fill a member from different facts. So a question has no facts of its own for `context.device`, and
//! each configuration reads it as it fills it.

use std::sync::Arc;

use cedar_policy::pst::{BinaryOp, Expr};

use super::merge::Guards;
use super::terms::{all, any, has, long, not, string, truth};
use crate::policy::Vocabulary;
use crate::policy::kinds::PrincipalKind;
use crate::policy::load::implied::member as read;
use crate::profile::{DEVICE_MEMBERS, DeviceMapping, DeviceMember, DeviceMemberType, MemberSource, Several, mappings};
use crate::provider::ProviderName;

/// The parts of a version, the most significant first.
const PARTS: [&str; 4] = ["major", "minor", "patch", "build"];

/// The providers that fill members for one kind of caller.
pub(super) struct DeviceTerms<'a> {
    providers: Vec<Filling<'a>>,
    guards: &'a Guards,
}

#[derive(Clone, Copy)]
struct Filling<'a> {
    name: &'a ProviderName,
    mapping: &'a DeviceMapping,
    /// Its evidence is the access token.
    is_issuer: bool,
    /// It is known when its evidence was issued.
    has_age: bool,
}

impl<'a> DeviceTerms<'a> {
    /// Of a configuration.
    pub(super) fn of(vocabulary: Vocabulary<'a>, kind: PrincipalKind, guards: &'a Guards) -> Self {
        let Some(issuer) = vocabulary.issuer(kind) else { return Self { providers: Vec::new(), guards } };
        let all = mappings(core::slice::from_ref(issuer), vocabulary.devices);
        let has_age =
            |name: &ProviderName| vocabulary.devices.iter().any(|device| device.name() == name && device.has_age());
        let filling = |(name, mapping): (&'a ProviderName, &'a DeviceMapping)| {
            let is_issuer = *name == issuer.profile.name;
            Filling { name, mapping, is_issuer, has_age: has_age(name) }
        };
        let providers = all.map(filling).collect();
        Self { providers, guards }
    }

    /// That no two providers speak of different devices.
    pub(super) fn one_device(&self) -> Arc<Expr> {
        let members = DEVICE_MEMBERS.iter().filter(|member| member.several == Several::Same);
        all(members.map(|member| self.is_alike(member)))
    }

    /// `has` of a path inside `context.device`.
    pub(super) fn presence(&self, path: &[&str]) -> Arc<Expr> {
        if path.is_empty() {
            return any(self.providers.iter().map(|one| self.fills(*one)));
        }
        any(on(path).map(|member| self.is_there(member)))
    }

    /// The value at a path inside `context.device`; any value where it is absent, which load has every policy ask for.
    pub(super) fn value(&self, path: &[&str]) -> Arc<Expr> {
        let Some(member) = on(path).next() else { return truth(false) };
        let part = path.get(member.path().count()).copied();
        match (member.several, member.of) {
            (Several::All, _) => all(self.providers.iter().map(|one| {
                let cond = self.says(*one, member);
                when(cond, self.said(*one, member, None), truth(true))
            })),
            (Several::Same | Several::Alike, _) => self.first(member, part, |_| truth(true)),
            (Several::Lowest | Several::Greatest, _) => self.first(member, part, |one| self.is_first(one, member)),
        }
    }

    /// What the first provider says that says anything and of which this is so.
    fn first(&self, member: &DeviceMember, part: Option<&str>, counts: impl Fn(Filling<'a>) -> Arc<Expr>) -> Arc<Expr> {
        let otherwise = match (member.of, part) {
            (DeviceMemberType::String, _) => string(""),
            (DeviceMemberType::Bool, _) => truth(false),
            (DeviceMemberType::Long | DeviceMemberType::Version, _) => long(0),
        };
        self.providers.iter().rev().fold(otherwise, |otherwise, one| {
            when(all([self.says(*one, member), counts(*one)]), self.said(*one, member, part), otherwise)
        })
    }

    fn is_there(&self, member: &DeviceMember) -> Arc<Expr> {
        let said = any(self.providers.iter().map(|one| self.says(*one, member)));
        match member.several {
            Several::Same | Several::Alike => all([said, self.is_alike(member)]),
            // The age of some evidence is not known, such as an access token's.
            Several::Greatest => {
                let ageless = self.providers.iter().filter(|one| !one.has_age);
                all([said].into_iter().chain(ageless.map(|one| not(self.fills(*one)))))
            }
            Several::All | Several::Lowest => said,
        }
    }

    /// That no two providers say different things.
    fn is_alike(&self, member: &DeviceMember) -> Arc<Expr> {
        let pairs = self
            .providers
            .iter()
            .zip(1_usize..)
            .flat_map(|(one, next)| self.providers.iter().skip(next).map(move |other| (*one, *other)));
        all(pairs.map(|(one, other)| {
            let both = [self.says(one, member), self.says(other, member)];
            let (left, right) = (self.said(one, member, None), self.said(other, member, None));
            not(all(both.into_iter().chain([Arc::new(Expr::BinaryOp { op: BinaryOp::NotEq, left, right })])))
        }))
    }

    /// That nothing which another provider says comes before what this one says.
    fn is_first(&self, one: Filling<'a>, member: &DeviceMember) -> Arc<Expr> {
        let others = self.providers.iter().filter(|other| other.name != one.name);
        all(others.map(|other| {
            let is_first = match (member.of, member.several) {
                (DeviceMemberType::Version, _) => self.is_not_after(one, *other, member),
                (_, Several::Greatest) => self.compared(BinaryOp::GreaterEq, (one, *other), member, None),
                _ => self.compared(BinaryOp::LessEq, (one, *other), member, None),
            };
            when(self.says(*other, member), is_first, truth(true))
        }))
    }

    /// That the version of one provider is not after that of another.
    fn is_not_after(&self, one: Filling<'a>, other: Filling<'a>, member: &DeviceMember) -> Arc<Expr> {
        PARTS.iter().rev().fold(truth(true), |behind, part| {
            let pair = (one, other);
            let equal = self.compared(BinaryOp::Eq, pair, member, Some(part));
            any([self.compared(BinaryOp::Less, pair, member, Some(part)), all([equal, behind])])
        })
    }

    fn compared(
        &self,
        op: BinaryOp,
        (one, other): (Filling<'a>, Filling<'a>),
        member: &DeviceMember,
        part: Option<&str>,
    ) -> Arc<Expr> {
        let (left, right) = (self.said(one, member, part), self.said(other, member, part));
        Arc::new(Expr::BinaryOp { op, left, right })
    }

    /// That a provider fills a member.
    fn fills(&self, one: Filling<'a>) -> Arc<Expr> {
        let record = self.presence_of(&[one.name.to_string()]);
        all([record, any(one.mapping.iter().map(|mapped| self.says(one, mapped.member)))])
    }

    /// That a provider says something about a member.
    fn says(&self, one: Filling<'a>, member: &DeviceMember) -> Arc<Expr> {
        let Some(fact) = fact(one, member) else {
            let never = member.source == MemberSource::Fact || member.source == MemberSource::Age && !one.has_age;
            return if never { truth(false) } else { self.fills(one) };
        };
        let names_something = (member.several == Several::Same)
            .then(|| Arc::new(Expr::BinaryOp { op: BinaryOp::NotEq, left: read(&fact), right: string("") }));
        all([self.presence_of(&fact)].into_iter().chain(names_something))
    }

    /// What a provider says about a member, where it says something.
    fn said(&self, one: Filling<'a>, member: &DeviceMember, part: Option<&str>) -> Arc<Expr> {
        let own = |fact: &str| read(&[one.name.to_string(), fact.to_owned()]);
        match (member.source, fact(one, member)) {
            (MemberSource::Fact, Some(mut fact)) => {
                fact.extend(part.map(str::to_owned));
                read(&fact)
            }
            (MemberSource::Name, _) => string(one.name.as_str()),
            (MemberSource::Age, _) if one.has_age => own("age"),
            (MemberSource::Binding, _) if !one.is_issuer => own("bound"),
            (MemberSource::Binding, _) => truth(true),
            // Nobody reads it: the provider does not say it.
            (MemberSource::Fact | MemberSource::Age, _) => match member.of {
                DeviceMemberType::String => string(""),
                DeviceMemberType::Bool => truth(false),
                DeviceMemberType::Long | DeviceMemberType::Version => long(0),
            },
        }
    }

    /// That all of a path inside `context` is there, each part with the facts that the configuration requires of it.
    fn presence_of(&self, path: &[String]) -> Arc<Expr> {
        let steps = (0..path.len()).filter_map(|length| {
            let (base, rest) = path.split_at_checked(length)?;
            let step = has(base, rest.first()?);
            Some(core::iter::once(step).chain(self.guards.inside(path.get(..=length)?)))
        });
        all(steps.flatten())
    }
}

/// The path inside `context` of the fact that is this member.
fn fact(one: Filling<'_>, member: &DeviceMember) -> Option<Vec<String>> {
    let fact = one.mapping.fact(member)?;
    Some(core::iter::once(one.name.to_string()).chain(fact.iter().cloned()).collect())
}

/// The members that a path leads to or through.
fn on(path: &[&str]) -> impl Iterator<Item = &'static DeviceMember> {
    DEVICE_MEMBERS.iter().filter(move |member| member.path().zip(path).all(|(own, asked)| own == *asked))
}

/// `if`, without branches that are never taken.
fn when(cond: Arc<Expr>, then_expr: Arc<Expr>, else_expr: Arc<Expr>) -> Arc<Expr> {
    match cond.as_ref() {
        Expr::Literal(cedar_policy::pst::Literal::Bool(true)) => then_expr,
        Expr::Literal(cedar_policy::pst::Literal::Bool(false)) => else_expr,
        _ => Arc::new(Expr::IfThenElse { cond, then_expr, else_expr }),
    }
}
