//! What is written about the configuration's members, against the reader of the configuration: the tables of the
//! reference, and the JSON Schema.

mod json_schema;

use std::fs;

use countersign_core::config::{Plan, PresetTable, Row, Table, json_schema, presets, reference};
use countersign_core::config_error::ConfigCode;
use serde_json::{Map, Value, json};
use test_harness::paths;

use self::json_schema::is_valid;

/// The complete configuration, with policies that permit nothing, so that each variant compiles quickly.
fn complete() -> Value {
    let text = fs::read_to_string(paths::root().join("envoy/plugin.yaml")).expect("the file");
    let mut plugin: Value = serde_saphyr::from_str(&text).expect("YAML");
    for document in plugin["policies"].as_object_mut().expect("documents").values_mut() {
        document["text"] = json!("");
    }
    // Members that the example has in comments.
    let corp = &mut plugin["issuers"]["corp"];
    corp["keys"]["jwks"] = json!({ "host": "keys.example.com", "cluster": "keys" });
    corp["pins"] = json!({ "azp": "shop-web", "ver": 2, "tenant": ["a", "b"] });
    corp["max_age"] = json!("12h");
    corp["dpop"] = json!({
        "algorithms": ["ES256", "EdDSA"], "max_age": "60s", "external_scheme": "https", "nonce": "off", "replay": "shared",
    });
    corp["facts"]["roles?"] = json!({ "type": ["string"], "single": true });
    corp["facts"]["rights?"] = json!({ "claim": ["realm_access", "roles"], "type": ["string"], "single": true });
    corp["facts"]["act?"] = json!("actor");
    corp["facts"]["realm?"] = json!({ "level": "long" });
    corp["device"] = json!({ "managed": "none" });
    plugin["devices"]["mdm"]["device"] =
        json!({ "managed": "managed", "score": "score", "os": { "type": "none" }, "edr": { "running": "managed" } });
    let mut svid = test_harness::keys::KEYS.rogue.public_jwk();
    svid["use"] = json!("jwt-svid");
    plugin["issuers"]["workloads"] = json!({
        "preset": "spiffe-jwt-svid", "trust_domain": "example.org", "audiences": ["ledger"],
        "keys": { "inline": { "keys": [svid] } },
    });
    plugin["issuers"]["staff"] = json!({
        "preset": "entra", "tenant": "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "audiences": ["6e74172b-be56-4843-9ff4-e66a39bb12e3"], "require_claims": ["uti"],
        "keys": { "published": true, "cluster": "entra" },
    });
    plugin
}

fn table(table: &Table) -> String {
    let row = |row: &Row| {
        let cells = [&row.member, &row.required, &row.default, &row.values, row.about];
        let [member, rest @ ..] = cells.map(|cell: &str| cell.replace('|', "\\|"));
        format!("| `{member}` | {} |", rest.join(" | ")).replace("|  |", "| |").replace("|  |", "| |")
    };
    let head = ["| member | required | default | values | meaning |".to_owned(), "|---|---|---|---|---|".to_owned()];
    head.into_iter().chain(table.rows.iter().map(row)).collect::<Vec<String>>().join("\n")
}

fn preset(of: &PresetTable) -> String {
    let head = ["| member | given | may be written |".to_owned(), "|---|---|---|".to_owned()];
    let rows = of.rows.iter().map(|row| format!("| {} |", row.join(" | ")).replace("|  |", "| |"));
    let table = head.into_iter().chain(rows).collect::<Vec<String>>().join("\n");
    let mut about = vec![String::new()];
    for word in of.about.split(' ') {
        match about.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + word.len() < 120 => line.extend([" ", word]),
            _ => about.push(word.to_owned()),
        }
    }
    format!("\n{}\n\n{table}\n", about.join("\n"))
}

#[test]
fn the_tables_of_members_are_generated() {
    let file = paths::root().join("docs/configuration.md");
    let written = fs::read_to_string(&file).expect("the document");
    let mut generated = written.clone();
    for of in reference() {
        let marker = format!("<!-- members: {} -->\n", of.name);
        let (before, after) =
            generated.split_once(&marker).unwrap_or_else(|| panic!("no line `{}`", marker.trim_end()));
        let rest = after.lines().skip_while(|line| line.starts_with('|')).collect::<Vec<&str>>().join("\n");
        generated = format!("{before}{marker}{}\n{rest}\n", table(&of));
    }
    for of in presets() {
        let marker = format!("<!-- preset: {} -->\n", of.name);
        let (before, after) =
            generated.split_once(&marker).unwrap_or_else(|| panic!("no line `{}`", marker.trim_end()));
        let (_, rest) = after.split_once("\n<!-- end of the preset -->\n").expect("its end");
        generated = format!("{before}{marker}{}\n<!-- end of the preset -->\n{rest}", preset(&of));
    }
    let generated = format!("{}\n", generated.trim_end());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &generated).expect("the document is written");
        return;
    }
    assert!(written == generated, "docs/configuration.md is out of date: run this test with UPDATE_DOCS=1");
}

#[test]
fn the_schema_accepts_the_configurations_that_are_shipped() {
    let schema = json_schema();
    assert!(is_valid(&schema, &complete()));
    for file in
        ["istio/wasmplugin.yaml", "istio/gateway.yaml", "istio/waypoint.yaml", "gateway/envoyextensionpolicy.yaml"]
    {
        let text = fs::read_to_string(paths::root().join("envoy").join(file)).expect("the manifest");
        let resources = text.split("\n---\n").map(|text| serde_saphyr::from_str::<Value>(text).expect("YAML"));
        let plugins: Vec<Value> = resources
            .filter_map(|resource| {
                resource.pointer("/spec/pluginConfig").or_else(|| resource.pointer("/spec/wasm/0/config")).cloned()
            })
            .collect();
        assert!(matches!(plugins.as_slice(), [plugin] if is_valid(&schema, plugin)), "{file}");
    }
}

/// Every value inside, by its pointer.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                places(inner, &format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                places(inner, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// The document with another value at each place, and without each member.
fn variants(document: &Value) -> Vec<(String, Value)> {
    let others = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(1_000_000_000),
        json!(""),
        json!("x"),
        json!("90s"),
        json!("9000d"),
        json!([]),
        json!(["x"]),
        json!(["x", "x"]),
        json!([1]),
        json!({}),
        json!({ "x": {} }),
        json!({ "x": "x" }),
        json!({ "x": ["x"] }),
    ];
    let mut found = Vec::new();
    places(document, "", &mut found);
    let mut variants = Vec::new();
    for pointer in found {
        for other in &others {
            let mut variant = document.clone();
            *variant.pointer_mut(&pointer).expect("a place") = other.clone();
            variants.push((format!("{pointer} = {other}"), variant));
        }
        let mut with_more = document.clone();
        if let Some(object) = with_more.pointer_mut(&pointer).and_then(Value::as_object_mut) {
            object.insert("no-such-member".to_owned(), json!("x"));
            variants.push((format!("{pointer} + a member"), with_more));
        }
        let Some((parent, name)) = pointer.rsplit_once('/') else { continue };
        let mut without = document.clone();
        if let Some(object) = without.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(&name.replace("~1", "/").replace("~0", "~"));
            variants.push((format!("without {pointer}"), without));
        }
    }
    variants
}

/// Errors that concern one member by itself, which a JSON Schema can express.
const OF_ONE_MEMBER: [ConfigCode; 6] = [
    ConfigCode::WrongType,
    ConfigCode::MissingField,
    ConfigCode::UnknownField,
    ConfigCode::EmptyList,
    ConfigCode::DuplicateValue,
    ConfigCode::BadDuration,
];

#[test]
fn the_schema_and_the_reader_agree_about_every_member() {
    let schema = json_schema();
    let variants = variants(&complete());
    assert!(variants.len() > 1_000, "{}", variants.len());
    let (mut accepted, mut rejected) = (0_usize, 0_usize);
    for (what, variant) in &variants {
        let by_schema = is_valid(&schema, variant);
        match Plan::compile_value(variant) {
            Ok(_) => {
                assert!(by_schema, "the reader accepts what the schema rejects: {what}");
                accepted += 1;
            }
            Err(errors) => {
                let of_one = errors.iter().find(|error| OF_ONE_MEMBER.contains(&error.code));
                if let Some(error) = of_one {
                    assert!(!by_schema, "the schema accepts what the reader rejects: {what}: {error}");
                }
                rejected += 1;
            }
        }
    }
    assert!(accepted > 50 && rejected > 500, "{accepted} accepted, {rejected} rejected");
}

#[test]
fn every_member_of_the_reference_is_in_the_schema_and_no_other() {
    fn names(value: &Value, found: &mut Vec<String>) {
        let Value::Object(map) = value else { return };
        // Without `additionalProperties` they are conditions on members that are declared elsewhere.
        let declared = map.get("properties").filter(|_| map.contains_key("additionalProperties"));
        if let Some(Value::Object(properties)) = declared {
            found.extend(properties.keys().cloned());
            properties.values().for_each(|property| names(property, found));
        }
        for keyword in ["items", "additionalProperties"] {
            map.get(keyword).into_iter().for_each(|inner| names(inner, found));
        }
        map.get("anyOf").and_then(Value::as_array).into_iter().flatten().for_each(|inner| names(inner, found));
    }
    let schema = json_schema();
    let mut in_schema = Vec::new();
    names(&schema, &mut in_schema);
    let definitions: &Map<String, Value> = schema["$defs"].as_object().expect("definitions");
    definitions.values().for_each(|definition| names(definition, &mut in_schema));
    let tables = reference();
    let rows = tables.iter().flat_map(|table| &table.rows);
    let mut in_reference: Vec<String> =
        rows.map(|row| row.member.rsplit('.').next().expect("a name").to_owned()).collect();
    in_schema.sort_unstable();
    in_reference.sort_unstable();
    assert_eq!(in_schema, in_reference);
}
