//! Paths, authorities and templates. A path that is taken has one form, and is what its segments say.

#![no_main]

use countersign::limits::PATH_BYTES;
use countersign::request::{Path, PathTemplate, client_ip, host_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(host) = host_of(bytes) {
        assert!(!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic()), "a host: {host:?}");
        assert_eq!(host, host.to_ascii_lowercase());
    }
    if let Ok(text) = core::str::from_utf8(bytes) {
        let _ = client_ip(text);
    }
    // A template, a space, a path; or a path alone.
    let (template, path) = match bytes.iter().position(|byte| *byte == b' ') {
        Some(space) => (bytes.get(..space).unwrap_or_default(), bytes.get(space + 1..).unwrap_or_default()),
        None => (&b"/{rest*}"[..], bytes),
    };
    let template = core::str::from_utf8(template).ok().and_then(|text| PathTemplate::parse(text).ok());
    let Ok((path, query)) = Path::parse(path, PATH_BYTES.default) else { return };
    assert!(query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#'), "a query: {query:?}");
    let text = path.as_str();
    for segment in path.segments() {
        assert!(segment != "." && segment != "..", "a dot segment in {text}");
        assert!(!segment.contains(['/', '\\', ';', '%']), "a segment `{segment}` of {text}");
        assert!(!segment.chars().any(char::is_control) || !segment.is_ascii(), "a control character in {text:?}");
    }
    match Path::parse(text.as_bytes(), PATH_BYTES.max) {
        Ok((again, _)) => assert_eq!(again, path, "two readings of one path"),
        Err(refusal) => panic!("{text} is taken once and refused then: {refusal:?}"),
    }
    if let Some(parameters) = template.as_ref().and_then(|template| template.matches(&path)) {
        assert!(parameters.values().all(|value| !value.is_empty()), "an empty parameter: {parameters:?}");
    }
});
