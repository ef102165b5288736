//! Policies that load mostly accepts: every operator on values of its types, facts read with and without `has`.

use super::dice::Dice;

/// What the accepted policies must have, taken together.
pub(super) const OPERATORS: [&str; 42] = [
    "@step_up(",
    "resource.",
    " && ",
    " || ",
    "(!",
    "(if ",
    " == ",
    " != ",
    " < ",
    " <= ",
    " > ",
    " >= ",
    " + ",
    " - ",
    " * ",
    "(-",
    " in [",
    " is corp::User in ",
    " has ",
    " like ",
    ".contains(",
    ".containsAll(",
    ".containsAny(",
    ".isEmpty()",
    "{level: ",
    ".isInRange(",
    ".isIpv4()",
    ".isIpv6()",
    ".isLoopback()",
    ".isMulticast()",
    ".lessThan(",
    ".lessThanOrEqual(",
    ".greaterThan(",
    ".greaterThanOrEqual(",
    ".offset(",
    ".durationSince(",
    ".toDate()",
    ".toTime()",
    ".toMilliseconds()",
    ".toMinutes()",
    ".toHours()",
    ".toDays()",
];

/// Members of `context.device` that generated policies must read.
pub(super) const DEVICE_READS: [&str; 4] =
    ["context.device.serial", "context.device.os.version.", "context.device.score", "context.device.evidence.bound"];

/// Facts by type: the path inside `context`, and what must be asked for first.
struct FactOf {
    path: &'static str,
    of: Type,
    /// `has` tests that guard it for principals of `corp`.
    guards: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Bool,
    Long,
    String,
    Ip,
    Strings,
    Longs,
    Ips,
    Records,
    Lists,
}

const fn fact(path: &'static str, of: Type, guards: &'static [&'static str]) -> FactOf {
    FactOf { path, of, guards }
}

const FACTS: [FactOf; 41] = [
    fact("http_request.http_method", Type::String, &[]),
    fact("http_request.hostname", Type::String, &[]),
    fact("http_request.path", Type::String, &[]),
    fact("http_request.query", Type::String, &[]),
    fact("http_request.port", Type::Long, &["http_request has port"]),
    fact("http_request.user_agent", Type::String, &["http_request has user_agent"]),
    fact("http_request.client_ip", Type::String, &["http_request has client_ip"]),
    fact("http_request.source_ip", Type::Ip, &["http_request has source_ip"]),
    fact("http_request.path_parameters.rest", Type::String, &["http_request.path_parameters has rest"]),
    fact("now", Type::Long, &[]),
    fact("peer.certificate_sha256", Type::String, &["has peer", "peer has certificate_sha256"]),
    fact("peer.uri", Type::String, &["has peer.uri"]),
    fact("peer.workload", Type::String, &["has peer", "peer has workload"]),
    fact("peer.trust_domain", Type::String, &["has peer.trust_domain"]),
    fact("corp.email", Type::String, &["has corp"]),
    fact("corp.department", Type::String, &["has corp", "corp has department"]),
    fact("corp.acr", Type::String, &["has corp.acr"]),
    fact("corp.roles", Type::Strings, &["has corp.roles"]),
    fact("corp.office", Type::Ip, &["has corp", "corp has office"]),
    fact("corp.address.country", Type::String, &["has corp.address.country"]),
    fact("corp.address.city", Type::String, &["has corp", "corp has address"]),
    fact("corp.numbers", Type::Longs, &["has corp"]),
    fact("corp.offices", Type::Ips, &["has corp"]),
    fact("corp.badges", Type::Records, &["has corp"]),
    fact("corp.lists", Type::Lists, &["has corp", "corp has lists"]),
    fact("corp.act.sub", Type::String, &["has corp", "corp has act"]),
    fact("corp.act.act.iss", Type::String, &["has corp.act.act.iss"]),
    fact("corp.act.act.act.act.sub", Type::String, &["has corp.act.act.act.act"]),
    fact("mdm.score", Type::Long, &["has mdm"]),
    fact("mdm.os_patch", Type::Long, &["has mdm", "mdm has os_patch"]),
    fact("mdm.bound", Type::Bool, &["has mdm"]),
    fact("device.serial", Type::String, &["has device", "device has serial"]),
    fact("device.managed", Type::Bool, &["has device.managed"]),
    fact("device.score", Type::Long, &["has device.score"]),
    fact("device.os.type", Type::String, &["has device", "device has os", "device.os has type"]),
    fact("device.os.version.major", Type::Long, &["has device.os.version"]),
    fact("device.os.version.minor", Type::Long, &["has device.os.version.minor"]),
    fact("device.os.version.build", Type::Long, &["has device", "device has os.version"]),
    fact("device.evidence.provider", Type::String, &["has device.evidence.provider"]),
    fact("device.evidence.age_seconds", Type::Long, &["has device.evidence", "device.evidence has age_seconds"]),
    fact("device.evidence.bound", Type::Bool, &["has device.evidence.bound"]),
];

/// Attributes of routes by type. Every route has them.
const ATTRIBUTES: [(&str, Type); 4] =
    [("level", Type::Long), ("open", Type::Bool), ("owner", Type::String), ("tags", Type::Strings)];

/// Strings that policies compare with, and that facts have.
pub(super) const WORDS: [&str; 14] =
    ["", "a", "b", "ab", "editor", "a*b", "ä", "y̆", "日本", "a@example.com", "Ulm", "DE", "\\\"", "probe/1.0"];

pub(super) const NUMBERS: [i64; 13] = [
    0,
    1,
    -1,
    2,
    7,
    60,
    1_799_999_999,
    1_800_000_000,
    4_611_686_018_427_387_904,
    9_223_372_036_854_775_807,
    -9_223_372_036_854_775_807,
    1_000,
    8_443,
];

pub(super) const IPS: [&str; 21] = [
    "192.0.2.1",
    "192.0.2.0/24",
    "0.0.0.0/0",
    "127.0.0.1",
    "127.0.0.0/7",
    "224.0.0.1",
    "127.0.0.0/8",
    "224.0.0.0/3",
    "224.0.0.0/4",
    "::1",
    "::1/127",
    "::/0",
    "ff00::/4",
    "ff00::/7",
    "ff00::/8",
    "2001:db8::/32",
    "2001:db8::7",
    "198.51.100.7",
    "198.51.100.7/31",
    "255.255.255.255",
    "ffff::/16",
];

pub(super) const DECIMALS: [&str; 8] =
    ["0.0", "-0.5", "1.0", "1.0000", "12.3456", "-922337203685477.5808", "922337203685477.5807", "0.10"];

pub(super) const DATETIMES: [&str; 12] = [
    "1970-01-01",
    "0000-01-01",
    "9999-12-31T23:59:59.999Z",
    "2024-02-29",
    "2000-02-29T12:00:00Z",
    "1900-03-01T00:00:00-2359",
    "2027-01-15T08:00:00Z",
    "2027-01-15T09:00:00+0100",
    "1969-12-31T23:59:59.999Z",
    "2024-10-15T11:38:02.101+1134",
    "2024-12-31T00:00:00.001-0000",
    "0000-02-29",
];

pub(super) const DURATIONS: [&str; 10] = [
    "0ms",
    "1d2h3m4s5ms",
    "-1d2h3m4s5ms",
    "1800000000s",
    "9223372036854775807ms",
    "-9223372036854775808ms",
    "106751991167d7h12m55s807ms",
    "90m",
    "1ms",
    "-1s",
];

/// Writes one policy.
pub(super) struct Writer<'d> {
    dice: &'d mut Dice,
    /// Whether facts of `corp` and of devices may be read.
    evidence: bool,
}

/// A policy with this id.
pub(super) fn policy(id: usize, dice: &mut Dice) -> String {
    let effect = if dice.once_in(4) { "forbid" } else { "permit" };
    let group = format!("principal in corp::Group::\"g{}\"", dice.below(6));
    let typed = format!("principal is partner::User in corp::Group::\"g{}\"", dice.below(6));
    let user = format!("principal == corp::User::\"u{}\"", dice.below(4));
    let principal = dice.one_of(&[
        "principal",
        "principal is corp::User",
        "principal is corp::User",
        "principal is partner::User",
        "principal is Anonymous",
        "principal is Workload",
        "principal == Workload::\"spiffe://example.org/w0\"",
        group.as_str(),
        typed.as_str(),
        user.as_str(),
    ]);
    let action = dice.one_of(&[
        "action",
        "action",
        "action in Action::\"read\"",
        "action in [Action::\"GET\", Action::\"write\", Action::\"preflight\"]",
        "action == Action::\"GET\"",
        "action == Action::\"preflight\"",
    ]);
    let resource = dice.one_of(&[
        "resource",
        "resource",
        "resource in Application::\"shop\"",
        "resource in Application::\"wiki\"",
        "resource in Application::\"mesh\"",
        "resource is Route",
        "resource == Route::\"shop/order\"",
        "resource is Route in Application::\"wiki\"",
    ]);
    let evidence = !principal.contains("Anonymous");
    let mut clauses = String::new();
    for _ in 0..dice.below(3) {
        let keyword = dice.one_of(&["when", "when", "unless"]);
        let depth = 1 + dice.below(4);
        let condition = Writer { dice, evidence }.truth(depth);
        clauses.push_str(&format!(" {keyword} {{ {condition} }}"));
    }
    let advice = if dice.once_in(3) { format!("@advice(\"advice {id}\") ") } else { String::new() };
    let step_up = if clauses.contains(".acr") { "@step_up(\"acr_values=mfa\") " } else { "" };
    let alarm = dice.one_of(&["", "@alarm(\"a\") ", "@alarm(\"b\") "]);
    format!(
        "@id(\"p{id:03}\") @missing(\"ignore\") {advice}{step_up}{alarm}{effect} ({principal}, {action}, {resource}){clauses};\n"
    )
}

impl Writer<'_> {
    fn of(&mut self, of: Type, depth: usize) -> String {
        match of {
            Type::Bool => self.truth(depth),
            Type::Long => self.long(depth),
            Type::String => self.string(depth),
            Type::Ip => self.ip(),
            Type::Strings | Type::Longs | Type::Ips | Type::Records | Type::Lists => self.set(of, depth),
        }
    }

    /// A condition about a fact of this type with all its guards, so that the validator follows it.
    fn about_a_fact(&mut self, depth: usize) -> String {
        let evidence = self.evidence;
        let known: Vec<&FactOf> = FACTS
            .iter()
            .filter(|fact| {
                evidence || !["corp", "mdm", "peer", "device"].iter().any(|name| fact.path.starts_with(name))
            })
            .collect();
        let fact = self.dice.one_of(&known);
        let read = format!("context.{}", fact.path);
        let about = self.compare(fact.of, &read, depth);
        // Now and then a guard is left out: load then accepts it only where the fact is certain.
        let kept = fact.guards.len().saturating_sub(usize::from(self.dice.once_in(12)));
        let mut guards: Vec<String> = fact.guards[..kept]
            .iter()
            .map(|guard| match guard.strip_prefix("has ") {
                Some(path) => format!("context has {path}"),
                None => format!("context.{guard}"),
            })
            .collect();
        if guards.is_empty() {
            return about;
        }
        if self.dice.once_in(3) {
            let otherwise = self.dice.one_of(&["true", "false"]);
            return format!("(if {} then {about} else {otherwise})", guards.join(" && "));
        }
        guards.push(about);
        format!("({})", guards.join(" && "))
    }

    /// A condition about a value of this type.
    fn compare(&mut self, of: Type, value: &str, depth: usize) -> String {
        let other = self.of(of, depth.saturating_sub(1));
        match of {
            Type::Bool => self.dice.one_of(&["{v}", "(!{v})", "({v} == {o})"]).to_owned(),
            Type::Long => self
                .dice
                .one_of(&[
                    "({v} < {o})",
                    "({v} <= {o})",
                    "({v} > {o})",
                    "({v} >= {o})",
                    "({v} == {o})",
                    "({v} != {o})",
                    "(({v} + {o}) < {o})",
                    "(({v} - {o}) >= {v})",
                    "(({v} * {o}) == {v})",
                    "((-{v}) < {o})",
                    "[{o}, 7].contains({v})",
                    "(datetime(\"1970-01-01\").offset(duration(\"1d\")).durationSince(datetime(\"1970-01-01\")).toSeconds() < {v})",
                ])
                .to_owned(),
            Type::String => {
                let pattern = self.pattern();
                let form = self.dice.one_of(&[
                    "({v} == {o})",
                    "({v} != {o})",
                    "({v} like {p})",
                    "({v} like {p})",
                    "[{o}, \"a\"].contains({v})",
                    "[{v}, \"b\"].containsAny([{o}, \"a\"])",
                    "({a: {v}} == {a: {o}})",
                ]);
                form.replace("{p}", &pattern)
            }
            Type::Ip => self
                .dice
                .one_of(&[
                    "{v}.isInRange({o})",
                    "{o}.isInRange({v})",
                    "({v} == {o})",
                    "{v}.isIpv4()",
                    "{v}.isIpv6()",
                    "{v}.isLoopback()",
                    "{v}.isMulticast()",
                    "[{o}].contains({v})",
                ])
                .to_owned(),
            Type::Strings | Type::Longs | Type::Ips | Type::Records | Type::Lists => {
                let element = self.element(of, depth.saturating_sub(1));
                let form = self.dice.one_of(&[
                    "{v}.contains({e})",
                    "{v}.contains({e})",
                    "{v}.containsAll({o})",
                    "{o}.containsAll({v})",
                    "{v}.containsAny({o})",
                    "({v} == {o})",
                    "({v} != {o})",
                    "{v}.isEmpty()",
                    "[{v}].contains({o})",
                ]);
                form.replace("{e}", &element)
            }
        }
        .replace("{v}", value)
        .replace("{o}", &other)
    }

    fn truth(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .dice
                .one_of(&[
                    "true",
                    "false",
                    "context has corp",
                    "context has mdm",
                    "context has device",
                    "context has peer",
                    "(context has peer.workload && context.peer.workload == \"spiffe://example.org/w0\")",
                ])
                .to_owned();
        }
        let inner = depth - 1;
        match self.dice.below(16) {
            0 => format!("({} && {})", self.truth(inner), self.truth(inner)),
            1 => format!("({} || {})", self.truth(inner), self.truth(inner)),
            2 => format!("(!{})", self.truth(inner)),
            3 => format!("(if {} then {} else {})", self.truth(inner), self.truth(inner), self.truth(inner)),
            4 => self.entities(),
            5 => {
                let (value, of) = self.any(inner);
                self.compare(of, &value, inner)
            }
            6 => self.decimals(),
            7 => self.times(),
            9 => {
                let (name, of) = self.dice.one_of(&ATTRIBUTES);
                self.compare(of, &format!("resource.{name}"), inner)
            }
            8 => {
                let range = self.ip();
                self.compare(Type::Ip, &range, inner)
            }
            _ => self.about_a_fact(inner),
        }
    }

    fn any(&mut self, depth: usize) -> (String, Type) {
        let of = self.dice.one_of(&[
            Type::Bool,
            Type::Long,
            Type::String,
            Type::Ip,
            Type::Strings,
            Type::Longs,
            Type::Ips,
            Type::Records,
            Type::Lists,
        ]);
        (self.of(of, depth), of)
    }

    /// What the principal, the action and the resource are asked.
    fn entities(&mut self) -> String {
        let (user, group, other) = (self.dice.below(4), self.dice.below(6), self.dice.below(6));
        let forms = [
            "(principal == corp::User::\"u{u}\")",
            "(principal != corp::User::\"u{u}\")",
            "(principal in corp::Group::\"g{g}\")",
            "(principal in [corp::Group::\"g{g}\", corp::Group::\"g{o}\"])",
            "(principal is corp::User)",
            "(principal is Workload)",
            "(principal != Workload::\"spiffe://example.org/w0\")",
            "(principal is corp::User in corp::Group::\"g{g}\")",
            "[corp::User::\"u{u}\", corp::User::\"u0\"].contains(principal)",
            "(action == Action::\"GET\")",
            "(action != Action::\"POST\")",
            "(action in Action::\"read\")",
            "(action in [Action::\"write\", Action::\"upgrade\"])",
            "(resource == Route::\"wiki/page\")",
            "(resource in Application::\"shop\")",
            "(resource != Route::\"shop/order\")",
            "(corp::User::\"u{u}\" == corp::User::\"u1\")",
            "((if context.now > 5 then corp::User::\"u{u}\" else corp::User::\"u1\") == corp::User::\"u1\")",
        ];
        let form = self.dice.one_of(&forms);
        form.replace("{u}", &user.to_string()).replace("{g}", &group.to_string()).replace("{o}", &other.to_string())
    }

    fn decimals(&mut self) -> String {
        let (one, two) = (self.dice.one_of(&DECIMALS), self.dice.one_of(&DECIMALS));
        let form = self.dice.one_of(&[
            "decimal(\"{1}\").lessThan(decimal(\"{2}\"))",
            "decimal(\"{1}\").lessThanOrEqual(decimal(\"{2}\"))",
            "decimal(\"{1}\").greaterThan(decimal(\"{2}\"))",
            "decimal(\"{1}\").greaterThanOrEqual(decimal(\"{2}\"))",
            "(decimal(\"{1}\") == decimal(\"{2}\"))",
            "(decimal(\"{1}\") != decimal(\"{2}\"))",
        ]);
        form.replace("{1}", one).replace("{2}", two)
    }

    fn times(&mut self) -> String {
        let (one, two) = (self.datetime(2), self.datetime(2));
        let (length, other) = (self.duration(), self.duration());
        let form = self.dice.one_of(&[
            "({1} < {2})",
            "({1} <= {2})",
            "({1} > {2})",
            "({1} == {2})",
            "({1}.durationSince({2}) < {3})",
            "({1}.toTime() >= {3})",
            "({1}.toDate() != {2})",
            "({3} <= {4})",
            "({3}.toMilliseconds() < context.now)",
            "({3}.toSeconds() == {4}.toMinutes())",
            "({3}.toHours() > {4}.toDays())",
        ]);
        form.replace("{1}", &one).replace("{2}", &two).replace("{3}", &length).replace("{4}", &other)
    }

    fn datetime(&mut self, depth: usize) -> String {
        let plain = format!("datetime(\"{}\")", self.dice.one_of(&DATETIMES));
        match self.dice.below(4) {
            0 if depth > 0 => format!("{}.toDate()", self.datetime(depth - 1)),
            1 if depth > 0 => format!("{}.offset({})", self.datetime(depth - 1), self.duration()),
            _ => plain,
        }
    }

    fn duration(&mut self) -> String {
        format!("duration(\"{}\")", self.dice.one_of(&DURATIONS))
    }

    fn long(&mut self, depth: usize) -> String {
        let number = self.dice.one_of(&NUMBERS);
        if depth == 0 {
            return if number < 0 { format!("({number})") } else { number.to_string() };
        }
        let inner = depth - 1;
        match self.dice.below(7) {
            0 => format!("({} + {})", self.long(inner), self.long(inner)),
            1 => format!("({} - {})", self.long(inner), self.long(inner)),
            2 => format!("({} * {})", self.long(inner), self.long(inner)),
            3 => format!("(-{})", self.long(inner)),
            4 => format!("(if {} then {} else {})", self.truth(inner), self.long(inner), self.long(inner)),
            5 => "context.now".to_owned(),
            _ => self.long(0),
        }
    }

    fn string(&mut self, depth: usize) -> String {
        match self.dice.below(6) {
            0 if depth > 0 => {
                format!(
                    "(if {} then {} else {})",
                    self.truth(depth - 1),
                    self.string(depth - 1),
                    self.string(depth - 1)
                )
            }
            1 => "context.http_request.query".to_owned(),
            _ => format!("\"{}\"", self.dice.one_of(&WORDS)),
        }
    }

    fn pattern(&mut self) -> String {
        let parts: String = (0..self.dice.below(5))
            .map(|_| {
                self.dice.one_of(&["*", "*", "a", "b", "editor", "@example.com", "/", "ä", "̆", "日", "\\*", "q=", "1"])
            })
            .collect();
        format!("\"{parts}\"")
    }

    fn ip(&mut self) -> String {
        format!("ip(\"{}\")", self.dice.one_of(&IPS))
    }

    fn element(&mut self, of: Type, depth: usize) -> String {
        match of {
            Type::Longs => self.long(depth),
            Type::Ips => self.ip(),
            Type::Records => {
                let place = self.string(depth.min(1));
                format!("{{level: {}, place: {place}}}", self.dice.one_of(&["0", "1", "2"]))
            }
            Type::Lists => self.set(Type::Longs, depth.min(1)),
            _ => self.string(depth),
        }
    }

    fn set(&mut self, of: Type, depth: usize) -> String {
        let elements: Vec<String> =
            (0..1 + self.dice.below(3)).map(|_| self.element(of, depth.saturating_sub(1))).collect();
        format!("[{}]", elements.join(", "))
    }
}
