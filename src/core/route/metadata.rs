//! Metadata of a protected resource (RFC 9728): where an OAuth client finds out which authorization servers issue tokens for
//! an application. It is public.

use crate::fetch::HttpUrl;

/// What is inserted between host and path of the resource (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of one application, or of one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// Where clients find it. Challenges name it. It is of bytes that a quoted string can hold.
    pub url: String,
    /// The document, if the plugin itself serves it.
    pub served: Option<ServedMetadata>,
}

/// A document that the plugin serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedMetadata {
    /// The path of the URL: no request with this path is ever forwarded.
    pub path: String,
    /// The document, as JSON.
    pub document: String,
}

impl ResourceMetadata {
    /// The metadata of this resource, as a document that the plugin serves.
    #[must_use]
    pub fn served(resource: &HttpUrl, document: String) -> Self {
        let path = match resource.path().as_str() {
            "/" => WELL_KNOWN.to_owned(),
            path => format!("{WELL_KNOWN}{path}"),
        };
        Self { url: format!("{}{path}", resource.origin()), served: Some(ServedMetadata { path, document }) }
    }

    /// Metadata that is served elsewhere.
    #[must_use]
    pub fn elsewhere(url: &HttpUrl) -> Self {
        Self { url: url.to_string(), served: None }
    }
}

#[cfg(test)]
mod tests {
    use super::ResourceMetadata;
    use crate::fetch::HttpUrl;
    use crate::portable;

    /// The examples of RFC 9728 section 3.1, and those with a port.
    #[portable]
    fn the_well_known_path_comes_before_the_path_of_the_resource() {
        for (resource, url) in [
            ("https://resource.example.com", "https://resource.example.com/.well-known/oauth-protected-resource"),
            ("https://resource.example.com/", "https://resource.example.com/.well-known/oauth-protected-resource"),
            (
                "https://resource.example.com/resource1",
                "https://resource.example.com/.well-known/oauth-protected-resource/resource1",
            ),
            ("https://Shop.example.com:8443/a", "https://shop.example.com:8443/.well-known/oauth-protected-resource/a"),
        ] {
            let metadata = ResourceMetadata::served(&HttpUrl::parse(resource).expect("a URL"), String::new());
            assert_eq!(metadata.url, url);
            let path = metadata.served.expect("a document").path;
            assert!(url.ends_with(&path) && path.starts_with('/'), "{path}");
        }
    }
}
