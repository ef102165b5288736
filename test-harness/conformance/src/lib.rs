//! Public test vectors held against the core: what others say is right or wrong, and what we make of it.
//!
//! The vectors are not part of this project: a run takes the folder in which they lie. Where the core differs from what a
//! suite states, the difference is listed in `vectors/<suite>/exceptions.toml` with its reason; one that is not listed
//! fails the run, and so does a listed one that is gone. Nothing of a suite is left out: a file that is missing is an error.

mod cedar;
mod compare;
mod cookbook;
mod dpop;
mod exceptions;
mod istio;
mod jose;
pub mod manifests;
mod wycheproof_jose;
mod wycheproof_raw;

pub use compare::{Case, Found, Outside, Report, Stage, Stated};
pub use exceptions::Exceptions;

use std::fs;
use std::path::Path;

use serde_json::Value;

/// One group of cases that is counted together.
#[derive(Clone, Copy)]
struct Suite {
    /// Its folder or file among the vectors.
    collection: Collection,
    /// The file or part, without `.json`: the table of the exceptions and a row of the report.
    name: &'static str,
    cases: fn(&Source<'_>) -> Result<Vec<Case>, String>,
}

/// What is published together, with one list of exceptions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    Wycheproof,
    Cookbook,
    Istio,
    Dpop,
    Cedar,
}

impl Collection {
    const ALL: [Self; 5] = [Self::Wycheproof, Self::Cookbook, Self::Istio, Self::Dpop, Self::Cedar];

    const fn name(self) -> &'static str {
        match self {
            Self::Wycheproof => "wycheproof",
            Self::Cookbook => "ietf-jose-cookbook",
            Self::Istio => "istio-samples",
            Self::Dpop => "rfc9449-dpop",
            Self::Cedar => "cedar-integration",
        }
    }

    const fn exceptions(self) -> &'static str {
        match self {
            Self::Wycheproof => include_str!("../vectors/wycheproof/exceptions.toml"),
            Self::Cookbook => include_str!("../vectors/ietf-jose-cookbook/exceptions.toml"),
            Self::Istio => include_str!("../vectors/istio-samples/exceptions.toml"),
            Self::Dpop => include_str!("../vectors/rfc9449-dpop/exceptions.toml"),
            Self::Cedar => include_str!("../vectors/cedar-integration/exceptions.toml"),
        }
    }
}

/// Where a suite reads from.
struct Source<'a> {
    vectors: &'a Path,
    suite: Suite,
}

impl Source<'_> {
    /// A file among the vectors.
    fn text(&self, file: &str) -> Result<String, String> {
        let path = self.vectors.join(file);
        fs::read_to_string(&path).map_err(|fault| format!("`{}` cannot be read: {fault}", path.display()))
    }

    /// A file among the vectors as JSON.
    fn json(&self, file: &str) -> Result<Value, String> {
        serde_json::from_str(&self.text(file)?).map_err(|fault| format!("`{file}` is not JSON: {fault}"))
    }

    /// The file of this Wycheproof suite.
    fn wycheproof(&self) -> Result<Value, String> {
        self.json(&format!("wycheproof/{}.json", self.suite.name))
    }
}

const fn suite(
    collection: Collection,
    name: &'static str,
    cases: fn(&Source<'_>) -> Result<Vec<Case>, String>,
) -> Suite {
    Suite { collection, name, cases }
}

/// All of them, in the order of the report.
#[rustfmt::skip]
const SUITES: &[Suite] = &[
    suite(Collection::Wycheproof, "json_web_signature_test", wycheproof_jose::tokens),
    suite(Collection::Wycheproof, "json_web_key_test", wycheproof_jose::tokens),
    suite(Collection::Wycheproof, "json_web_crypto_test", wycheproof_jose::tokens),
    suite(Collection::Wycheproof, "json_web_encryption_test", wycheproof_jose::tokens),
    suite(Collection::Wycheproof, "ecdsa_secp256r1_sha256_p1363_test", wycheproof_raw::ecdsa),
    suite(Collection::Wycheproof, "ecdsa_secp384r1_sha384_p1363_test", wycheproof_raw::ecdsa),
    suite(Collection::Wycheproof, "ecdsa_secp521r1_sha512_p1363_test", wycheproof_raw::ecdsa),
    suite(Collection::Wycheproof, "ecdsa_secp256k1_sha256_p1363_test", wycheproof_raw::ecdsa),
    suite(Collection::Wycheproof, "ed25519_test", wycheproof_raw::eddsa),
    suite(Collection::Wycheproof, "ed448_test", wycheproof_raw::eddsa),
    suite(Collection::Wycheproof, "rsa_signature_2048_sha256_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_2048_sha384_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_2048_sha512_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_3072_sha256_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_3072_sha384_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_3072_sha512_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_4096_sha256_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_4096_sha384_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_signature_4096_sha512_test", wycheproof_raw::rsa_pkcs1),
    suite(Collection::Wycheproof, "rsa_pss_2048_sha256_mgf1_0_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_2048_sha256_mgf1_32_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_2048_sha384_mgf1_48_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_3072_sha256_mgf1_32_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_4096_sha256_mgf1_32_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_4096_sha384_mgf1_48_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_4096_sha512_mgf1_32_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_4096_sha512_mgf1_64_test", wycheproof_raw::rsa_pss),
    suite(Collection::Wycheproof, "rsa_pss_misc_test", wycheproof_raw::rsa_pss),
    suite(Collection::Cookbook, "jws", cookbook::signatures),
    suite(Collection::Cookbook, "jwk", cookbook::keys),
    suite(Collection::Istio, "samples", istio::samples),
    suite(Collection::Dpop, "figures", dpop::figures),
    suite(Collection::Cedar, "corpus", cedar::corpus),
    suite(Collection::Cedar, "written", cedar::written),
];

/// Runs every suite over the vectors in this folder: the collection and name of each, and what came of it.
///
/// # Errors
/// One line for each suite that cannot be read, and for each list of exceptions that is not as it must be.
pub fn run(vectors: &Path) -> Result<Vec<(&'static str, &'static str, Report)>, Vec<String>> {
    let mut faults = Vec::new();
    let mut cases = Vec::new();
    for suite in SUITES {
        match (suite.cases)(&Source { vectors, suite: *suite }) {
            Ok(found) if found.is_empty() => faults.push(fault(suite, "it has no case")),
            Ok(found) => cases.push((suite, found)),
            Err(why) => faults.push(fault(suite, &why)),
        }
    }
    let mut lists = Vec::new();
    for collection in Collection::ALL {
        let names: Vec<_> =
            SUITES.iter().filter(|suite| suite.collection == collection).map(|suite| suite.name).collect();
        match Exceptions::read_all(collection.exceptions(), &names) {
            Ok(found) => lists.extend(found.into_iter().map(|(name, exceptions)| (collection, name, exceptions))),
            Err(why) => faults.push(format!("vectors/{}/exceptions.toml: {why}", collection.name())),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let none = Exceptions::default();
    let report = |(suite, cases): (&Suite, Vec<Case>)| {
        let listed = lists.iter().find(|(collection, name, _)| *collection == suite.collection && name == suite.name);
        let exceptions = listed.map_or(&none, |(_, _, exceptions)| exceptions);
        (suite.collection.name(), suite.name, Report::of(&cases, exceptions))
    };
    Ok(cases.into_iter().map(report).collect())
}

fn fault(suite: &Suite, why: &str) -> String {
    format!("the suite `{}/{}` cannot be run: {why}", suite.collection.name(), suite.name)
}

/// The `tests` of each group of a Wycheproof file, with the group. The file says how many there are.
fn wycheproof_tests(file: &Value) -> Result<Vec<(&Value, &Value)>, String> {
    let groups = file["testGroups"].as_array().ok_or("it has no `testGroups`")?;
    let tests: Vec<_> = groups
        .iter()
        .flat_map(|group| group["tests"].as_array().into_iter().flatten().map(move |test| (group, test)))
        .collect();
    match file["numberOfTests"].as_u64().and_then(|number| usize::try_from(number).ok()) {
        Some(number) if number == tests.len() => Ok(tests),
        number => Err(format!("it has {} tests and says that it has {number:?}", tests.len())),
    }
}

/// A case of a Wycheproof file: its id, and what is stated of it. What is "acceptable" there is a leniency towards old
/// signers, which a strict verifier does not have.
fn wycheproof_case(test: &Value, outside: Option<Outside>, found: Found) -> Result<Case, String> {
    let id = test["tcId"].as_u64().ok_or("a test has no `tcId`")?.to_string();
    let stated = match test["result"].as_str() {
        Some("valid") => Stated::Right,
        Some("invalid" | "acceptable") => Stated::Wrong,
        other => return Err(format!("the test {id} has the result {other:?}")),
    };
    Ok(Case { id, stated, outside, found })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{SUITES, run};

    #[test]
    fn a_suite_that_is_not_there_is_an_error_that_names_it() {
        let faults = run(Path::new("/nonexistent")).err().unwrap_or_default();
        assert_eq!(faults.len(), SUITES.len(), "{faults:#?}");
        assert!(
            faults.iter().any(|fault| fault.contains("the suite `wycheproof/ed448_test` cannot be run")),
            "{faults:#?}"
        );
    }
}
