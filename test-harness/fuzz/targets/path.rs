//! Paths, authorities and templates. A path that is accepted has one form, and is what its segments say.

#![no_main]

use countersign_core::limits::PATH_BYTES;
use countersign_core::request::{Ambiguity, Match, Path, PathTemplate, client_ip, host_of};
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
    let spellings = [('/', Ambiguity::Slash), (';', Ambiguity::Semicolon), ('%', Ambiguity::Percent)];
    for segment in path.segments() {
        let (decoded, ambiguities) = (segment.as_str(), segment.ambiguities());
        let mut names = decoded.split('/').map(|name| name.split(';').next().unwrap_or_default());
        assert!(!names.any(|name| name == "." || name == ".."), "a dot segment in {text}");
        assert!(!decoded.contains('\\'), "a segment `{decoded}` of {text}");
        for (character, ambiguity) in spellings {
            let known: Vec<usize> =
                ambiguities.iter().filter(|(_, own)| *own == ambiguity).map(|(at, _)| *at).collect();
            let found: Vec<usize> = decoded.match_indices(character).map(|(at, _)| at).collect();
            assert_eq!(known, found, "`{character}` in the segment `{decoded}` of {text}");
        }
        assert!(!decoded.chars().any(char::is_control) || !decoded.is_ascii(), "a control character in {text:?}");
    }
    match Path::parse(text.as_bytes(), PATH_BYTES.max) {
        Ok((again, _)) => {
            assert_eq!(again.as_str(), text, "policies see two spellings of one path");
            let texts = |path: &Path| path.segments().iter().map(|own| own.as_str().to_owned()).collect::<Vec<_>>();
            assert_eq!(texts(&again), texts(&path), "two readings of one path");
        }
        Err(refusal) => panic!("{text} is taken once and refused then: {refusal:?}"),
    }
    let Some(template) = template else { return };
    let strict = template.matches(path.segments(), &[]);
    let lenient = template.matches(path.segments(), &Ambiguity::ALL);
    match (&strict, &lenient) {
        (Match::Yes(parameters), _) => {
            assert!(parameters.values().all(|value| !value.is_empty()), "an empty parameter: {parameters:?}");
            assert_eq!(strict, lenient, "more than the spellings depends on what is accepted");
            assert_eq!(path.ambiguities().next(), None, "an ambiguous spelling that nobody accepted, in {text}");
        }
        (Match::Ambiguous(_), other) => assert_ne!(*other, Match::No, "{text}"),
        _ => assert_eq!(strict, lenient, "{text}"),
    }
});
