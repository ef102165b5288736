//! Answers of the plugin that Envoy changes.

use super::{GOOD, NONE, codes, with};

fn of(config: &str) -> Vec<&'static str> {
    let idle = "stream_idle_timeout: 60s";
    codes(&with(GOOD, idle, &format!("{idle}\n          local_reply_config: {{ {config} }}")))
}

const FOUND: [&str; 1] = ["answer-replaced"];

#[test]
fn a_format_keeps_the_answer_that_it_is_about() {
    for kept in [
        "body_format: { text_format_source: { inline_string: \"%LOCAL_REPLY_BODY%\" } }",
        "body_format: { text_format: \"%LOCAL_REPLY_BODY:200%\" }",
        "body_format: { json_format: { error: { message: \"%LOCAL_REPLY_BODY%\" } } }",
    ] {
        assert_eq!(of(kept), NONE, "{kept}");
    }
    assert_eq!(of("body_format: { text_format: sorry }"), FOUND);
    assert_eq!(of("body_format: { json_format: { status: \"%RESPONSE_CODE%\" } }"), FOUND);
    assert_eq!(of("body_format: { text_format_source: { filename: error.html } }"), FOUND, "nobody has read the file");
}

#[test]
fn a_mapper_is_found_by_what_it_changes() {
    let mapper = |changes: &str| of(&format!("mappers: [{{ filter: {{ duration_filter: {{}} }}, {changes} }}]"));
    for changes in [
        "status_code: 200",
        "body: { inline_string: sorry }",
        "body_format_override: { text_format: sorry }",
        "headers_to_add: [{ header: { key: WWW-Authenticate, value: Basic } }]",
        "headers_to_add: [{ header: { key: x-countersign-decision-id, value: none } }]",
    ] {
        assert_eq!(mapper(changes), FOUND, "{changes}");
    }
    for harmless in [
        "headers_to_add: [{ header: { key: server, value: envoy } }]",
        "body_format_override: { text_format: \"%LOCAL_REPLY_BODY%\" }",
    ] {
        assert_eq!(mapper(harmless), NONE, "{harmless}");
    }
}

#[test]
fn a_mapper_is_found_where_it_can_take_an_answer_of_the_plugin() {
    let mapper = |filter: &str| of(&format!("mappers: [{{ filter: {{ {filter} }}, status_code: 200 }}]"));
    let status = |op: &str, value: u16| {
        format!(
            "status_code_filter: {{ comparison: {{ op: {op}, value: {{ default_value: {value}, runtime_key: k }} }} }}"
        )
    };
    for (op, value) in
        [("EQ", 400), ("EQ", 401), ("EQ", 403), ("EQ", 503), ("GE", 500), ("LE", 400), ("NE", 502), ("GE", 503)]
    {
        assert_eq!(mapper(&status(op, value)), FOUND, "{op} {value}");
    }
    for (op, value) in [("EQ", 404), ("EQ", 502), ("GE", 504), ("LE", 399)] {
        assert_eq!(mapper(&status(op, value)), NONE, "{op} {value}");
    }
    assert_eq!(
        mapper("status_code_filter: { comparison: { value: { default_value: 401 } } }"),
        FOUND,
        "EQ is the default"
    );
    let flags = "response_flag_filter: { flags: [UF, NR] }";
    assert_eq!(mapper(flags), NONE);
    assert_eq!(mapper("header_filter: { header: { name: x-debug } }"), FOUND, "a client can send it");
    let both = |one: &str, two: &str| format!("and_filter: {{ filters: [{{ {one} }}, {{ {two} }}] }}");
    let either = |one: &str, two: &str| format!("or_filter: {{ filters: [{{ {one} }}, {{ {two} }}] }}");
    assert_eq!(mapper(&both(&status("GE", 500), flags)), NONE);
    assert_eq!(mapper(&both(&status("GE", 404), &status("LE", 502))), NONE, "none of the plugin's lies between");
    assert_eq!(mapper(&both(&status("GE", 400), &status("LE", 402))), FOUND);
    assert_eq!(mapper(&either(&status("EQ", 404), &status("EQ", 401))), FOUND);
    assert_eq!(mapper(&either(&status("EQ", 404), flags)), NONE);
}

#[test]
fn a_custom_response_is_found_where_it_takes_an_answer_of_the_plugin() {
    let custom = |input: &str, exact: &str, changes: &str| {
        let policy = format!(
            "{{ \"@type\": type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy, {changes} }}"
        );
        let matcher = format!(
            "{{ predicate: {{ single_predicate: {{ input: {{ typed_config: {{ \"@type\": type.googleapis.com/envoy.type.matcher.v3.{input} }} }}, value_match: {{ exact: '{exact}' }} }} }}, on_match: {{ action: {{ typed_config: {policy} }} }} }}"
        );
        let filter = format!(
            "- name: custom\n            typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.custom_response.v3.CustomResponse, custom_response_matcher: {{ matcher_list: {{ matchers: [{matcher}] }} }} }}\n          - name: countersign\n"
        );
        codes(&with(GOOD, "- name: countersign\n", &filter))
    };
    let (status, class) = ("HttpResponseStatusCodeMatchInput", "HttpResponseStatusCodeClassMatchInput");
    for (input, exact) in [(status, "401"), (status, "503"), (class, "4xx"), (class, "5xx"), ("OtherInput", "x")] {
        assert_eq!(custom(input, exact, "status_code: 200"), FOUND, "{exact}");
    }
    for (input, exact) in [(status, "404"), (status, "500"), (class, "2xx")] {
        assert_eq!(custom(input, exact, "status_code: 200"), NONE, "{exact}");
    }
    assert_eq!(custom(status, "401", "body: { inline_string: sorry }"), FOUND);
    assert_eq!(custom(status, "401", "response_headers_to_add: [{ header: { key: x-seen, value: y } }]"), NONE);
}
