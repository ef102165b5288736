//! Policies that load would refuse: operators on values of any type, facts read unguarded, strings that functions refuse.

use serde_json::{Map, Value, json};

use super::dice::Dice;
use super::typed::{DATETIMES, DECIMALS, DURATIONS, IPS, NUMBERS, WORDS};

/// Strings that the functions of extension types refuse, or may take for something else.
pub(super) const ODD: [&str; 44] = [
    "::ffff:192.0.2.1",
    "192.0.2.1/33",
    "192.0.2.1/08",
    "192.0.2.1/",
    "::1/129",
    "::1/128",
    "1.2.3",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:1.2.3.4",
    "0000:0000:0000:0000:0000:0000:0000:0001/000",
    "1.5",
    "-1.5",
    "1.",
    ".5",
    "1.23456",
    "1.0000",
    "+1.0",
    "-0.0",
    "922337203685477.5808",
    "-922337203685477.5809",
    "99999999999999999999999999999999999999999999.0",
    "٣.0",
    "1.٣",
    "2024-02-30",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "2024-1-01",
    "2024-01-01T",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:00+0060",
    "2024-01-01T00:00:00ZZ",
    "2024-01-01Z",
    "10000-01-01",
    "1h1d",
    "1d1d",
    "5",
    "-",
    "9223372036854775808ms",
    "18446744073709551616ms",
];

const PATHS: [&str; 9] = ["a", "b", "c", "d", "r.a", "r.b", "r.r.c", "absent", "r.absent.c"];

/// A policy of one condition.
pub(super) fn policy(dice: &mut Dice) -> String {
    let depth = 1 + dice.below(4);
    let condition = expression(dice, depth);
    let keyword = dice.one_of(&["when", "when", "unless"]);
    let principal =
        dice.one_of(&["principal", "principal", "principal is U", "principal in G::\"x\"", "principal == U::\"a\""]);
    format!("permit ({principal}, action, resource) {keyword} {{ {condition} }};")
}

fn expression(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 {
        return leaf(dice);
    }
    let one = expression(dice, depth - 1);
    let two = expression(dice, depth - 1);
    let three = leaf(dice);
    let has = dice.one_of(&PATHS);
    let form = dice.one_of(&[
        "({1} && {2})",
        "({1} || {2})",
        "(!{1})",
        "(if {1} then {2} else {3})",
        "({1} == {2})",
        "({1} != {2})",
        "({1} < {2})",
        "({1} <= {2})",
        "({1} > {2})",
        "({1} >= {2})",
        "({1} + {2})",
        "({1} - {2})",
        "({1} * {2})",
        "(-{1})",
        "{1}.isEmpty()",
        "{1}.contains({2})",
        "{1}.containsAll({2})",
        "{1}.containsAny({2})",
        "[{1}, {2}, {3}]",
        "[{1}, {1}]",
        "{a: {1}, \"b c\": {2}}",
        "({1} like \"a*b*\")",
        "({1} is U)",
        "(principal in [G::\"x\", G::\"z\"])",
        "(principal is U in G::\"y\")",
        "(resource in G::\"y\")",
        "(context has {has})",
        "(context.r has {has})",
        "(context.a has {has})",
        "(context.r.b has {has})",
        "(context.absent has {has})",
        "ip({3})",
        "decimal({3})",
        "datetime({3})",
        "duration({3})",
        "{1}.isIpv4()",
        "{1}.isIpv6()",
        "{1}.isLoopback()",
        "{1}.isMulticast()",
        "{1}.isInRange({2})",
        "{1}.lessThan({2})",
        "{1}.greaterThanOrEqual({2})",
        "{1}.toDate()",
        "{1}.toTime()",
        "{1}.toMilliseconds()",
        "{1}.toDays()",
        "{1}.offset({2})",
        "{1}.durationSince({2})",
    ]);
    form.replace("{1}", &one).replace("{2}", &two).replace("{3}", &three).replace("{has}", has)
}

fn leaf(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => dice.one_of(&["true", "false"]).to_owned(),
        1 => format!("({})", dice.one_of(&NUMBERS)),
        2 => format!("\"{}\"", dice.one_of(&WORDS)),
        3 => dice.one_of(&["principal", "action", "resource", "U::\"a\"", "G::\"x\""]).to_owned(),
        4 => format!("ip(\"{}\")", dice.one_of(&IPS)),
        5 => format!("datetime(\"{}\")", dice.one_of(&DATETIMES)),
        6 => format!("duration(\"{}\")", dice.one_of(&DURATIONS)),
        7 => format!("{}(\"{}\")", dice.one_of(&["ip", "decimal", "datetime", "duration"]), dice.one_of(&ODD)),
        8 => format!("\"{}\"", dice.one_of(&ODD)),
        _ => format!("context.{}", dice.one_of(&PATHS)),
    }
}

/// A context: each member is there now and then, with a value of any type.
pub(super) fn context(dice: &mut Dice) -> Value {
    let mut members = record(dice, 1);
    let mut inner = record(dice, 1);
    inner.insert("r".to_owned(), if dice.once_in(4) { json!(7) } else { Value::Object(record(dice, 1)) });
    members.insert("r".to_owned(), if dice.once_in(6) { value(dice, 1) } else { Value::Object(inner) });
    Value::Object(members)
}

fn record(dice: &mut Dice, depth: usize) -> Map<String, Value> {
    let mut members = Map::new();
    for name in ["a", "b", "c", "d"] {
        if !dice.once_in(4) {
            members.insert(name.to_owned(), value(dice, depth));
        }
    }
    members
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    let extension = |function: &str, text: &str| json!({ "__extn": { "fn": function, "arg": text } });
    match dice.below(if depth == 0 { 8 } else { 10 }) {
        0 => json!(dice.once_in(2)),
        1 => json!(dice.one_of(&NUMBERS)),
        2 | 3 => json!(dice.one_of(&WORDS)),
        4 => json!({ "__entity": { "type": "U", "id": dice.one_of(&["a", "b"]) } }),
        5 => extension("ip", dice.one_of(&IPS)),
        6 => extension("datetime", dice.one_of(&DATETIMES)),
        7 if dice.once_in(2) => extension("decimal", dice.one_of(&DECIMALS)),
        7 => extension("duration", dice.one_of(&DURATIONS)),
        8 => Value::Array((0..dice.below(4)).map(|_| value(dice, depth - 1)).collect()),
        _ => Value::Object(record(dice, depth - 1)),
    }
}
