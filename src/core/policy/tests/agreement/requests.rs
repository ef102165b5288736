//! Who asks, for what, and when: principals of each kind with facts of all types, absent ones among them.

use super::dice::Dice;
use super::typed;
use crate::identity::{DeviceEvidence, Identity, Principal, Workload};
use crate::limits::MAX_ACTORS;
use crate::policy::tests::fixture::{NOW, anonymous, facts, posture, preflight, user_with, with_fields};
use crate::profile::FactValue;
use crate::provider::ProviderName;
use crate::request::{Peer, Request};
use crate::time::{Seconds, UnixSeconds};

pub(super) fn time(dice: &mut Dice) -> UnixSeconds {
    UnixSeconds::new(dice.one_of(&[NOW.get(), NOW.get(), 0, 1, 1_799_999_999, i64::MAX]))
}

fn word(dice: &mut Dice) -> FactValue {
    FactValue::String(dice.one_of(&typed::WORDS).to_owned())
}

fn some(dice: &mut Dice, one: impl Fn(&mut Dice) -> FactValue) -> FactValue {
    FactValue::List((0..dice.below(4)).map(|_| one(dice)).collect())
}

fn number(dice: &mut Dice) -> FactValue {
    FactValue::Long(dice.one_of(&typed::NUMBERS))
}

fn office(dice: &mut Dice) -> FactValue {
    FactValue::Ip(dice.one_of(&typed::IPS).to_owned())
}

fn record(members: &[(&str, FactValue)]) -> FactValue {
    FactValue::Record(facts(members))
}

/// An actor with those before it, or none.
fn actor(dice: &mut Dice, place: usize) -> Option<FactValue> {
    if place > MAX_ACTORS || dice.once_in(3) {
        return None;
    }
    let mut members = vec![("sub", word(dice))];
    members.extend([("iss", word(dice)), ("client_id", word(dice))].into_iter().filter(|_| dice.once_in(2)));
    members.extend(actor(dice, place + 1).map(|before| ("act", before)));
    Some(record(&members))
}

fn workload(dice: &mut Dice) -> Workload {
    Workload::for_test(dice.one_of(&["spiffe://example.org/w0", "spiffe://example.org/a/b"]))
}

pub(super) fn identity(dice: &mut Dice) -> Identity {
    let issuer = match dice.below(10) {
        0 => return anonymous(),
        1 => return Identity::for_test(Principal::Workload(workload(dice)), devices(dice).into_iter().collect()),
        2 => "partner",
        _ => "corp",
    };
    let id = format!("u{}", dice.below(5));
    let groups: Vec<String> = (0..dice.below(4)).map(|_| format!("g{}", dice.below(7))).collect();
    let mut groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    if issuer == "partner" && dice.once_in(2) {
        groups.push("p");
    }
    let mut own = Vec::new();
    if issuer == "corp" {
        own.push(("email", word(dice)));
        own.push(("numbers", some(dice, number)));
        own.push(("offices", some(dice, office)));
        let badge =
            |dice: &mut Dice| record(&[("level", FactValue::Long(dice.below(3) as i64)), ("place", word(dice))]);
        own.push(("badges", some(dice, badge)));
        let optional = [
            ("department", word(dice)),
            ("acr", word(dice)),
            ("roles", some(dice, word)),
            ("office", office(dice)),
            ("lists", some(dice, |dice| some(dice, number))),
        ];
        own.extend(optional.into_iter().filter(|_| !dice.once_in(3)));
        if !dice.once_in(3) {
            let mut members = vec![("city", word(dice))];
            if dice.once_in(2) {
                members.push(("country", word(dice)));
            }
            own.push(("address", record(&members)));
        }
        own.extend(actor(dice, 1).map(|actor| ("act", actor)));
    }
    let user = user_with(issuer, &id, &groups, &own, &devices(dice));
    if dice.once_in(3) { user.over(workload(dice)) } else { user }
}

fn devices(dice: &mut Dice) -> Vec<(ProviderName, DeviceEvidence)> {
    let mut devices: Vec<(ProviderName, DeviceEvidence)> = Vec::new();
    match dice.below(5) {
        0 => devices.push((ProviderName::new("mdm"), DeviceEvidence::Stale { age: Seconds::new(90_000) })),
        1 => {}
        _ => {
            let mut known = vec![("managed", FactValue::Bool(dice.once_in(2))), ("score", number(dice))];
            if dice.once_in(2) {
                known.push(("os_patch", number(dice)));
            }
            known.extend(described(dice));
            devices.push(posture("mdm", &known));
        }
    }
    if dice.once_in(2) {
        let mut known = vec![("ok", FactValue::Bool(!dice.once_in(3)))];
        known.extend([("score", number(dice))].into_iter().filter(|_| dice.once_in(2)));
        known.extend(described(dice));
        devices.push(posture("edr", &known));
        if let Some((_, DeviceEvidence::Verified(facts))) = devices.last_mut() {
            facts.bound = dice.once_in(2);
            facts.age = Some(Seconds::new(dice.below(3) as u64 * 30));
        }
    }
    devices
}

/// What both providers of posture may say about the device.
fn described(dice: &mut Dice) -> Vec<(&'static str, FactValue)> {
    let part = |dice: &mut Dice| FactValue::Long(dice.below(3) as i64);
    let version = [("major", part(dice)), ("minor", part(dice)), ("patch", part(dice)), ("build", part(dice))];
    let serial = FactValue::String(dice.one_of(&["", "a", "a", "b"]).to_owned());
    let optional = [("serial", serial), ("platform", word(dice)), ("os", record(&version))];
    optional.into_iter().filter(|_| dice.once_in(2)).collect()
}

pub(super) fn asked(dice: &mut Dice) -> Request {
    if dice.once_in(10) {
        return preflight("shop.example.com", "/api/orders/7", "PUT");
    }
    let (method, host, path) = dice.one_of(&[
        ("GET", "wiki.example.com", "/a"),
        ("GET", "wiki.example.com", "/a/b"),
        ("HEAD", "wiki.example.com", "/x"),
        ("POST", "wiki.example.com", "/editor"),
        ("GET", "shop.example.com", "/api/orders/7"),
        ("PUT", "shop.example.com", "/api/orders/a"),
        ("POST", "shop.example.com", "/api/search"),
        ("GET", "shop.example.com", "/healthz"),
        ("GET", "mesh.example.com", "/call"),
        ("POST", "mesh.example.com", "/open"),
    ]);
    let query = dice.one_of(&["", "?a", "?ab", "?q=1", "?editor"]);
    let agents: [&[(&str, &[u8])]; 5] = [
        &[],
        &[("user-agent", b"probe/1.0")],
        &[("user-agent", "y\u{306}".as_bytes())],
        &[("user-agent", b"a"), ("user-agent", b"b")],
        &[("user-agent", b"a"), ("upgrade", b"websocket"), ("connection", b"upgrade")],
    ];
    let mut request = with_fields(method, host, &format!("{path}{query}"), dice.one_of(&agents));
    let addresses = [None, Some("198.51.100.7"), Some("2001:db8::7"), Some("::1"), Some("::ffff:192.0.2.1")];
    request.client_ip = dice
        .one_of(&addresses)
        .filter(|address| !address.contains("ffff") || dice.once_in(8))
        .map(|address| address.parse().expect("an address"));
    request.destination_port = dice.one_of(&[None, Some(8443), Some(60)]);
    let uri = dice.one_of(&[None, Some("a"), Some("spiffe://td/a")]);
    request.peer = Peer {
        certificate_sha256: dice.one_of(&[None, Some([7; 32])]),
        ..Peer::of_mesh_principal(uri.map(str::as_bytes))
    };
    request
}
