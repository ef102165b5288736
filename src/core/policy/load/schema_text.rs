//! The Cedar schema of a whole configuration, in Cedar's human-readable syntax: for editors and for `cedar validate`.
//!
//! Nothing here decides anything. Load validates each policy against schemas of its own, one for each kind of principal in
//! its scope; this one is for all kinds together, so that more is optional in it.

use std::collections::BTreeMap;

use cedar_policy::{SchemaError, SchemaFragment, ToCedarSchemaError};

use super::names::Names;
use super::schema::{ProviderRecord, context_type, schema};
use crate::policy::kinds::PrincipalKind;
use crate::request::Action;

/// What the text says of itself.
const HEAD: &str = "\
// The Cedar schema of a Countersign configuration: the entity types, the attributes of routes, the actions, and the
// facts of `context`.
// A fact with `?` may be absent: ask for it with `has` first. The records of issuers and devices all have one, because a
// principal has the facts of its own issuer only, and a caller without a token has none. When a configuration is loaded, each policy is
// checked once for each kind of principal in its scope: there, the facts of that principal's issuer, and of devices that
// the routes require, are certain and need no `has`.

";

/// Why a schema cannot be written as text.
#[derive(Debug, thiserror::Error)]
pub enum SchemaTextError {
    /// Cedar does not accept the schema.
    #[error("Cedar does not accept the schema of this configuration: {0}")]
    Schema(#[from] Box<SchemaError>),
    /// Cedar cannot write the schema in its human-readable syntax.
    #[error("Cedar cannot write the schema of this configuration: {0}")]
    Text(#[from] Box<ToCedarSchemaError>),
}

/// The schema of all that policies can name.
pub(in crate::policy) fn schema_text(names: Names<'_>) -> Result<String, SchemaTextError> {
    let issuers = names.vocabulary.issuers.iter().map(|issuer| ProviderRecord::of_issuer(issuer, false));
    let devices = names.vocabulary.devices.iter().map(|device| ProviderRecord::of_device(device, false));
    let facts = names.vocabulary.device_facts();
    let in_common = ProviderRecord::of_all_devices(&facts);
    let context = context_type(&path_parameters(names), false, issuers.chain(devices).chain(in_common));
    let principals =
        |action: Action| names.kinds_reaching(None, false, action).into_iter().collect::<Vec<PrincipalKind>>();
    let fragment = SchemaFragment::from_json_value(schema(names, principals, &context)).map_err(Box::new)?;
    let text = fragment.to_cedarschema().map_err(Box::new)?;
    Ok(format!("{HEAD}{}\n", text.trim_end()))
}

/// The parameters of all routes, and whether every route has them.
fn path_parameters(names: Names<'_>) -> BTreeMap<String, bool> {
    let routes = || names.vocabulary.router.applications.iter().flat_map(|application| &application.routes);
    let parameters = routes().flat_map(|route| route.path.parameters());
    let everywhere = |name: &str| routes().all(|route| route.path.parameters().any(|own| own == name));
    parameters.map(|name| (name.to_owned(), everywhere(name))).collect()
}
