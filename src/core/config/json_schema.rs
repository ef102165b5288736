//! The JSON Schema of the configuration (draft 2020-12), for editors and pipelines.
//!
//! It describes what one member can have by itself. What the reader accepts, the schema accepts. The reader rejects more:
//! the range of a length of time, a name that refers to nothing, members that contradict each other.

use serde_json::{Map, Value, json};

use super::compile::DOCUMENT;
use super::preset::{PRESET, Preset, Presets};
use super::reader::field::{Field, FreeNames, List, Presence, Shape};

/// The JSON Schema of a configuration.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("The configuration of Countersign"));
    let mut definitions = Map::new();
    schema.extend(schema_of(&DOCUMENT, &mut definitions));
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

/// The keywords of one schema.
type Keywords = Map<String, Value>;

fn keywords<const N: usize>(keywords: [(&str, Value); N]) -> Keywords {
    keywords.into_iter().map(|(keyword, value)| (keyword.to_owned(), value)).collect()
}

fn schema_of(shape: &'static Shape, definitions: &mut Map<String, Value>) -> Keywords {
    match shape {
        Shape::Exactly(number) => keywords([("const", json!(number))]),
        Shape::Text(_) => keywords([("type", json!("string")), ("minLength", json!(1))]),
        Shape::AnyText(_) => keywords([("type", json!("string"))]),
        Shape::Literal(word) => keywords([("const", json!(word))]),
        Shape::Words(words) => keywords([("enum", json!(words()))]),
        Shape::Boolean => keywords([("type", json!("boolean"))]),
        Shape::True => keywords([("const", json!(true))]),
        Shape::Integer => keywords([("type", json!("integer"))]),
        Shape::Number(range) => {
            keywords([("type", json!("integer")), ("minimum", json!(range.start())), ("maximum", json!(range.end()))])
        }
        Shape::Duration(_) => keywords([("type", json!("string")), ("pattern", json!("^[0-9]+[smhd]$"))]),
        Shape::KeySet => keywords([("type", json!(["object", "string"]))]),
        Shape::List(list) => self::list(list, definitions),
        Shape::Entries(entries) => self::entries(entries, definitions),
        Shape::Object(tables) => object(tables, definitions),
        Shape::Either(shapes) => {
            let any: Vec<Keywords> = shapes.iter().map(|shape| schema_of(shape, definitions)).collect();
            keywords([("anyOf", json!(any))])
        }
        Shape::Named(name, shape) => {
            let name = name.replace(' ', "-");
            if !definitions.contains_key(&name) {
                // Present before it is complete, for a shape that contains itself.
                definitions.insert(name.clone(), Value::Null);
                let schema = schema_of(shape(), definitions);
                definitions.insert(name.clone(), Value::Object(schema));
            }
            keywords([("$ref", json!(format!("#/$defs/{name}")))])
        }
    }
}

fn list(list: &'static List, definitions: &mut Map<String, Value>) -> Keywords {
    let mut schema = keywords([("type", json!("array")), ("items", json!(schema_of(list.of, definitions)))]);
    schema.extend(list.some.then(|| ("minItems".to_owned(), json!(1))));
    schema.extend(list.most.map(|most| ("maxItems".to_owned(), json!(most))));
    schema.extend(list.distinct.then(|| ("uniqueItems".to_owned(), json!(true))));
    schema
}

fn entries(entries: &'static FreeNames, definitions: &mut Map<String, Value>) -> Keywords {
    let of = schema_of(entries.of, definitions);
    let mut schema = keywords([("type", json!("object")), ("additionalProperties", json!(of))]);
    schema.extend(entries.some.then(|| ("minProperties".to_owned(), json!(1))));
    schema.extend(entries.most.map(|most| ("maxProperties".to_owned(), json!(most))));
    schema
}

fn object(tables: &'static [&'static [Field]], definitions: &mut Map<String, Value>) -> Keywords {
    let fields = || tables.iter().copied().flatten();
    let properties: Map<String, Value> =
        fields().map(|field| (field.name.to_owned(), Value::Object(property(field, definitions)))).collect();
    let required: Vec<&str> =
        fields().filter(|field| matches!(field.presence, Presence::Required)).map(|field| field.name).collect();
    let presets = Presets::of(tables);
    let by_preset = presets.iter().map(|preset| with_preset(preset, &required));
    let by_preset: Vec<Value> = by_preset.chain([without_preset(presets, &required)]).collect();
    let one_of: Vec<Value> = fields()
        .filter(|field| matches!(field.presence, Presence::OneOf))
        .map(|field| json!({ "required": [field.name] }))
        .collect();
    let mut dependent: Map<String, Value> = Map::new();
    for field in fields() {
        let Presence::RequiredWith(others) = field.presence else { continue };
        dependent.extend(others.iter().map(|other| ((*other).to_owned(), json!([field.name]))));
    }
    let mut schema = keywords([
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("additionalProperties", json!(false)),
    ]);
    if presets.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    } else {
        schema.insert("anyOf".to_owned(), json!(by_preset));
    }
    schema.extend((!one_of.is_empty()).then(|| ("oneOf".to_owned(), json!(one_of))));
    schema.extend((!dependent.is_empty()).then(|| ("dependentRequired".to_owned(), json!(dependent))));
    schema
}

/// What an object with this preset must have.
fn with_preset(preset: &Preset, required: &[&'static str]) -> Value {
    let not_given = required.iter().copied().filter(|name| !preset.gives(name));
    let because = preset.written().filter(|name| !required.contains(name));
    let mut required = vec![PRESET];
    required.extend(not_given.chain(because));
    json!({ "properties": { PRESET: { "const": preset.name } }, "required": required })
}

/// What an object without a preset must have; members that only presets have are errors in it.
fn without_preset(presets: &[&Preset], required: &[&str]) -> Value {
    let own = presets.iter().flat_map(|preset| preset.own());
    let absent: Map<String, Value> = own.chain([PRESET]).map(|name| (name.to_owned(), Value::Bool(false))).collect();
    json!({ "properties": absent, "required": required })
}

fn property(field: &'static Field, definitions: &mut Map<String, Value>) -> Keywords {
    let mut schema = keywords([("description", json!(description(field)))]);
    if let Presence::Default(given) = field.presence {
        schema.insert("default".to_owned(), given.value());
    }
    schema.extend(schema_of(&field.shape, definitions));
    schema
}

/// What a member means, without the links of the reference, and the range that a schema cannot express.
fn description(field: &Field) -> String {
    let about = without_links(field.about);
    match &field.shape {
        Shape::Duration(range) => format!("{about} ({} to {})", range.start(), range.end()),
        _ => about,
    }
}

/// The text of Markdown links in place of the links.
fn without_links(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, link)) = rest.split_once('[') {
        text.push_str(before);
        let Some((label, (_, after))) =
            link.split_once("](").and_then(|(label, after)| Some((label, after.split_once(')')?)))
        else {
            text.push('[');
            rest = link;
            continue;
        };
        text.push_str(label);
        rest = after;
    }
    text.push_str(rest);
    text
}
