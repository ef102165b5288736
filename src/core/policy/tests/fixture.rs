//! A configuration with two issuers, two devices and two applications, and requests to it.

use std::collections::BTreeMap;

use crate::config_error::{ConfigError, ConfigWarning, TextPosition};
use crate::identity::{DeviceEvidence, DeviceFacts, Identity, Principal, SenderConstraint, VerifiedPrincipal};
use crate::jose::{ClaimPath, KeyUse, TokenForm};
use crate::limits::Limits;
use crate::policy::{Decision, GroupHierarchy, MissingFacts, PolicyDocument, PolicySet, PreparedPolicies, Vocabulary};
use crate::profile::{
    Algorithms, Audiences, CredentialPlace, DeviceMapping, DeviceProvider, EvidenceForwarding, Expiry, FactField,
    FactRecord, FactType, FactValue, GroupsRule, HeaderMembers, Issuer, IssuerId, MappedFact, PostureBinding,
    PostureSource, PostureToken, PrincipalRule, SenderRule, Subject, TokenKind, TokenProfile, Typ, device_member,
};
use crate::provider::ProviderName;
use crate::request::{Action, Method, PathTemplate, Request, RequestMethod, RequestParts};
use crate::route::{Application, Attribute, AttributeType, AttributeValue, HostPattern, Requires, Route, Router};
use crate::spiffe::TrustDomain;
use crate::time::{Seconds, UnixSeconds};

pub(super) const NOW: UnixSeconds = UnixSeconds::new(1_800_000_000);

pub(super) fn field(name: &str, fact_type: FactType) -> FactField {
    let (name, required) = name.strip_suffix('?').map_or((name, true), |name| (name, false));
    FactField { name: name.to_owned(), claim: ClaimPath::of(name), required, fact_type }
}

fn profile(name: &str, facts: Vec<FactField>) -> TokenProfile {
    TokenProfile {
        name: ProviderName::new(name),
        kind: TokenKind::Access,
        form: TokenForm::JWT,
        header: HeaderMembers::Any,
        subject: Subject::Any,
        key_use: KeyUse::Signatures,
        issuer: IssuerId::Exactly(format!("https://{name}.example.com")),
        audiences: Audiences::Absent,
        expiry: Expiry::Required,
        algorithms: Algorithms::NamedByEachKey,
        typ: Typ { values: Vec::new(), absent: true },
        pins: Vec::new(),
        forbid_claims: Vec::new(),
        require_claims: Vec::new(),
        clock_skew: Seconds::new(60),
        max_age: None,
        max_lifetime: None,
        facts,
    }
}

/// The groups claim at this path.
pub(super) fn groups_at(path: &[&str], required: bool) -> GroupsRule {
    let claim = ClaimPath(path.iter().map(|&name| name.to_owned()).collect());
    GroupsRule { claim, required, single: false }
}

fn issuer(name: &str, facts: Vec<FactField>) -> Issuer {
    let principal = PrincipalRule {
        entity_type: "User".into(),
        id: ClaimPath(vec!["sub".to_owned()]),
        groups: Some(groups_at(&["groups"], true)),
    };
    Issuer {
        profile: profile(name, facts),
        from: vec![CredentialPlace::Authorization],
        principal,
        forward: EvidenceForwarding::Verified,
        sender: SenderRule::IfBound(None),
        device: DeviceMapping::default(),
    }
}

fn device(name: &str, bind: PostureBinding, facts: Vec<FactField>) -> DeviceProvider {
    let token =
        PostureToken { profile: profile(name, facts), header: format!("x-{name}"), forward: EvidenceForwarding::Never };
    DeviceProvider { source: PostureSource::Token(Box::new(token)), bind, device: DeviceMapping::default() }
}

fn requires(issuer: Option<&str>, devices: &[&str]) -> Requires {
    Requires {
        issuer: issuer.map(ProviderName::new),
        peer: false,
        devices: devices.iter().map(|name| ProviderName::new(name)).collect(),
    }
}

fn route(name: &str, path: &str, methods: &[Method], action: Option<Action>, requires: Requires) -> Route {
    let path = PathTemplate::parse(path).expect("a template");
    let methods = methods.iter().copied().map(RequestMethod::Common).collect();
    Route {
        name: name.to_owned(),
        path,
        encoded: Vec::new(),
        methods,
        action,
        requires,
        resource_metadata: None,
        attributes: Vec::new(),
    }
}

/// Issuers, devices, routes, group hierarchy.
pub(super) struct Setting {
    pub issuers: Vec<Issuer>,
    pub devices: Vec<DeviceProvider>,
    pub trust_domains: Vec<TrustDomain>,
    pub router: Router,
    pub groups: GroupHierarchy,
}

impl Setting {
    /// `shop` requires `corp` and `mdm` but for its route `health`; `wiki` requires nothing. Both issuers require groups.
    pub(super) fn new() -> Self {
        use FactType::{Bool, Ip, List, Long, Record, String};
        let claim = |name: &str| ClaimPath(vec![name.to_owned()]);
        let corp = vec![
            field("email", String),
            field("department?", String),
            field("acr?", String),
            field("roles?", List(Box::new(String))),
            field("office?", Ip),
            field("address?", Record(vec![field("country?", String), field("city", String)])),
        ];
        let mdm = vec![field("managed", Bool), field("score", Long), field("os_patch?", Long)];
        let by_claims = PostureBinding::Claims { token: claim("device_id"), device: claim("sub") };
        let all = || requires(Some("corp"), &["mdm"]);
        let methods = [Method::Get, Method::Put];
        let shop = vec![
            route("order", "/api/orders/{id}", &methods, None, all()),
            route("search", "/api/search", &[Method::Post], Some(Action::Read), all()),
            route("health", "/healthz", &[Method::Get], None, Requires::default()),
        ];
        let methods = [Method::Get, Method::Head, Method::Post];
        let wiki = vec![route("page", "/{rest*}", &methods, None, Requires::default())];
        let application = |name: &str, requires: Requires, routes: Vec<Route>| Application {
            name: name.to_owned(),
            hosts: Some(vec![HostPattern::Exactly(format!("{name}.example.com"))]),
            requires,
            resource_metadata: None,
            sign_in: None,
            routes,
        };
        Self {
            issuers: vec![issuer("corp", corp), issuer("partner", vec![field("level", Long)])],
            devices: vec![device("edr", PostureBinding::None, vec![field("ok", Bool)]), device("mdm", by_claims, mdm)],
            trust_domains: Vec::new(),
            router: Router {
                applications: vec![application("shop", all(), shop), application("wiki", Requires::default(), wiki)],
                attributes: Vec::new(),
            },
            groups: GroupHierarchy { pointer: "/entities/groups".to_owned(), parents: BTreeMap::new() },
        }
    }

    /// The tokens of the device provider at this place.
    pub(super) fn token(&mut self, place: usize) -> &mut PostureToken {
        match &mut self.devices[place].source {
            PostureSource::Token(token) => token,
            other => panic!("{other:?}"),
        }
    }

    /// The same where workloads of `example.org` are known, with an application `mesh` that requires one but for its route
    /// `open`.
    pub(super) fn with_workloads(mut self) -> Self {
        let methods = [Method::Get, Method::Post];
        let requires = Requires { peer: true, ..Requires::default() };
        self.trust_domains = vec![TrustDomain::parse("example.org").expect("a trust domain")];
        self.router.applications.insert(
            0,
            Application {
                name: "mesh".to_owned(),
                hosts: Some(vec![HostPattern::Exactly("mesh.example.com".to_owned())]),
                requires: requires.clone(),
                routes: vec![
                    route("call", "/call", &methods, None, requires),
                    route("open", "/open", &methods, None, Requires::default()),
                ],
                resource_metadata: None,
                sign_in: None,
            },
        );
        self
    }

    /// The same with one group in another.
    pub(super) fn with_group(mut self, child: &str, parent: &str) -> Self {
        self.groups.parents.entry(child.to_owned()).or_default().push(parent.to_owned());
        self
    }

    /// The same with another rule for the groups of an issuer.
    pub(super) fn with_groups_of(mut self, issuer: &str, groups: Option<GroupsRule>) -> Self {
        let found = self.issuers.iter_mut().find(|known| known.profile.name.as_str() == issuer);
        found.expect("an issuer").principal.groups = groups;
        self
    }

    /// The same with one fact more of an issuer.
    pub(super) fn with_fact_of(mut self, issuer: &str, fact: FactField) -> Self {
        let found = self.issuers.iter_mut().find(|known| known.profile.name.as_str() == issuer);
        found.expect("an issuer").profile.facts.push(fact);
        self
    }

    /// The same with one fact more of a device provider.
    pub(super) fn with_fact_of_device(mut self, device: &str, fact: FactField) -> Self {
        let place = self.devices.iter().position(|known| known.name().as_str() == device);
        self.token(place.expect("a device provider")).profile.facts.push(fact);
        self
    }

    /// The same where these facts of a provider fill members of `context.device`, such as `("os.version", "os")`.
    pub(super) fn with_device(mut self, provider: &str, facts: &[(&str, &str)]) -> Self {
        let mapped = facts.iter().map(|(member, fact)| {
            let (record, name) = member.split_once('.').map_or((None, *member), |(of, name)| (Some(of), name));
            let member = device_member(record, name).expect("a member");
            MappedFact { member, fact: fact.split('.').map(str::to_owned).collect() }
        });
        let mapping = DeviceMapping::of(mapped.collect());
        let issuer = self.issuers.iter_mut().find(|issuer| issuer.profile.name.as_str() == provider);
        let device = self.devices.iter_mut().find(|device| device.name().as_str() == provider);
        let place = issuer.map(|issuer| &mut issuer.device).or(device.map(|device| &mut device.device));
        *place.expect("a provider") = mapping;
        self
    }

    /// The same with attributes: `owner` is any string, `sensitivity` one of three, `level` a number, `open` true or false,
    /// `tags` a set. Each of four routes has its own values, and the others have them again.
    pub(super) fn with_attributes(mut self) -> Self {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<String>>();
        let attribute = |name: &str, of: AttributeType, values: Option<Vec<String>>| Attribute {
            name: name.to_owned(),
            of,
            values,
            default: None,
        };
        self.router.attributes = vec![
            attribute("level", AttributeType::Long, None),
            attribute("open", AttributeType::Bool, None),
            attribute("owner", AttributeType::String, None),
            attribute("sensitivity", AttributeType::String, Some(names(&["public", "internal", "secret"]))),
            attribute("tags", AttributeType::Strings, Some(names(&["pci", "eu", "beta"]))),
        ];
        let given = [
            (3, false, "payments", "secret", &["pci", "eu"][..]),
            (2, false, "payments", "internal", &[]),
            (0, true, "platform", "public", &["beta"]),
            (-1, true, "docs", "internal", &["eu"]),
        ];
        let routes = self.router.applications.iter_mut().flat_map(|application| &mut application.routes);
        for (route, (level, open, owner, sensitivity, tags)) in routes.zip(given.into_iter().cycle()) {
            route.attributes = vec![
                AttributeValue::Long(level),
                AttributeValue::Bool(open),
                AttributeValue::String(owner.to_owned()),
                AttributeValue::String(sensitivity.to_owned()),
                AttributeValue::Strings(names(tags)),
            ];
        }
        self
    }

    pub(super) fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary {
            issuers: &self.issuers,
            devices: &self.devices,
            trust_domains: &self.trust_domains,
            router: &self.router,
        }
    }

    /// Loads prepared policies.
    pub(super) fn load(&self, text: &str) -> Result<PolicySet, ConfigError> {
        let prepared = PreparedPolicies { pointer: "/policies/prepared".to_owned(), text: text.to_owned() };
        PolicySet::load(&prepared, &self.groups, self.vocabulary()).map_err(|errors| errors.into_parts().0)
    }

    pub(super) fn compile_all(
        &self,
        documents: &[PolicyDocument],
    ) -> Result<(PolicySet, Vec<ConfigWarning>), Vec<ConfigError>> {
        PolicySet::compile(documents, &self.groups, self.vocabulary()).map_err(|errors| {
            let (first, others) = errors.into_parts();
            [first].into_iter().chain(others).collect()
        })
    }

    pub(super) fn compile(&self, text: &str) -> Result<(PolicySet, Vec<ConfigWarning>), Vec<ConfigError>> {
        self.compile_all(&[document(None, &["shop", "wiki"], text)])
    }

    /// The policies, which must be valid.
    pub(super) fn policies(&self, text: &str) -> PolicySet {
        match self.compile(text) {
            Ok((policies, _)) => policies,
            Err(errors) => panic!("{errors:#?}"),
        }
    }

    pub(super) fn decide(&self, policies: &PolicySet, identity: &Identity, request: &Request) -> Decision {
        let route = self.router.find(request).expect("a route");
        policies.decide(identity, request, &route, NOW)
    }
}

pub(super) fn document(name: Option<&str>, applies_to: &[&str], text: &str) -> PolicyDocument {
    PolicyDocument {
        name: name.map(str::to_owned),
        pointer: name.map_or("/policies".to_owned(), |name| format!("/policies/{name}/text")),
        applies_to: applies_to.iter().map(|&name| name.to_owned()).collect(),
        missing_facts: MissingFacts::Strict,
        must_permit: false,
        text: text.to_owned(),
    }
}

/// The one error of a text.
pub(super) fn error_of(text: &str) -> ConfigError {
    let mut errors = errors_of(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

pub(super) fn errors_of(text: &str) -> Vec<ConfigError> {
    Setting::new().compile(text).err().unwrap_or_default()
}

/// The codes of a text's errors.
pub(super) fn codes(text: &str) -> Vec<&'static str> {
    errors_of(text).iter().map(|error| error.code.code()).collect()
}

/// A permit for `corp::User` on the wiki with this condition.
pub(super) fn permit(condition: &str) -> String {
    format!(
        "@id(\"p\")\npermit (principal is corp::User, action, resource in Application::\"wiki\")\nwhen {{ {condition} }};"
    )
}

/// A forbid for `corp::User` on the wiki with this condition.
pub(super) fn forbid(condition: &str) -> String {
    format!(
        "@id(\"f\")\nforbid (principal is corp::User, action, resource in Application::\"wiki\")\nwhen {{ {condition} }};"
    )
}

pub(super) fn request(method: &str, host: &str, path: &str) -> Request {
    with_fields(method, host, path, &[])
}

pub(super) fn with_fields(method: &str, host: &str, path: &str, fields: &[(&str, &[u8])]) -> Request {
    Request::parse(RequestParts::for_test(method, host, path, fields), &Limits::default()).expect("a request")
}

pub(super) fn preflight(host: &str, path: &str, method: &str) -> Request {
    let fields: [(&str, &[u8]); 2] =
        [("origin", b"https://a.example"), ("access-control-request-method", method.as_bytes())];
    with_fields("OPTIONS", host, path, &fields)
}

pub(super) fn anonymous() -> Identity {
    Identity::for_test(Principal::Anonymous, BTreeMap::new())
}

pub(super) fn user(issuer: &str, id: &str, groups: &[&str]) -> Identity {
    user_with(issuer, id, groups, &[], &[])
}

pub(super) fn facts(facts: &[(&str, FactValue)]) -> FactRecord {
    facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// Verified posture with these facts.
pub(super) fn posture(name: &str, known: &[(&str, FactValue)]) -> (ProviderName, DeviceEvidence) {
    let evidence = DeviceFacts { facts: facts(known).into(), bound: true, age: Some(Seconds::new(30)), id: None };
    (ProviderName::new(name), DeviceEvidence::Verified(evidence))
}

pub(super) fn mdm(managed: bool, score: i64) -> (ProviderName, DeviceEvidence) {
    posture("mdm", &[("managed", FactValue::Bool(managed)), ("score", FactValue::Long(score))])
}

pub(super) fn user_with(
    issuer: &str,
    id: &str,
    groups: &[&str],
    own: &[(&str, FactValue)],
    devices: &[(ProviderName, DeviceEvidence)],
) -> Identity {
    let mut known = facts(own);
    if issuer == "corp" {
        known.entry("email".to_owned()).or_insert(FactValue::String("a@example.com".to_owned()));
    } else {
        known.entry("level".to_owned()).or_insert(FactValue::Long(1));
    }
    let principal = VerifiedPrincipal {
        issuer: ProviderName::new(issuer),
        entity_type: "User".into(),
        id: id.into(),
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        facts: known.into(),
        payload: [].into(),
        place: CredentialPlace::Authorization,
        sender_constraint: SenderConstraint::Bearer,
        expires: None,
    };
    Identity::for_test(Principal::Verified(principal), devices.iter().cloned().collect())
}

/// The names of the policies that a decision names.
pub(super) fn named(decision: &Decision) -> (&'static str, Vec<&str>) {
    match decision {
        Decision::Allow(permit) => ("allow", permit.determining().iter().map(|id| id.as_str()).collect()),
        Decision::Forbidden { determining, .. } => ("forbidden", determining.iter().map(|id| id.as_str()).collect()),
        Decision::NotPermitted { near_misses } => {
            ("not permitted", near_misses.iter().map(|miss| miss.policy.as_str()).collect())
        }
        Decision::Failed { policies } => ("failed", policies.iter().map(|id| id.as_str()).collect()),
    }
}

/// Asserts that load accepts a text.
#[track_caller]
pub(super) fn taken(text: &str) {
    let errors = errors_of(text);
    assert!(errors.is_empty(), "{text}\n{errors:#?}");
}

/// A place in a text.
pub(super) fn at(line: usize, column: usize) -> Option<TextPosition> {
    Some(TextPosition { line, column })
}
