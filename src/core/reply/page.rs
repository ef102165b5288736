//! The answer to a refused client as a page: HTML without scripts and without anything from elsewhere.

use super::facts::Facts;

/// What the page looks like. [`STYLE_DIGEST`] belongs to exactly these bytes.
const STYLE: &str = ":root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}\
body{margin:0}\
main{max-width:36rem;margin:10vh auto;padding:0 1.5rem}\
h1{font-size:1.75rem;line-height:1.2}\
dl{margin-top:2rem;font-size:.9rem}\
dt{font-weight:bold}\
dd{margin:0 0 .5rem}\
code{overflow-wrap:anywhere}";

/// The SHA-256 of [`STYLE`], as a content security policy names it.
const STYLE_DIGEST: &str = "sha256-HOy0xZdVaso0h7i6+wxuDUuIZBAyo6lj+1AOu9K1bow=";

/// The header fields of the page. The browser runs nothing, loads nothing and sends nothing from it, and no other page
/// shows it in a frame.
pub(super) fn headers() -> [(&'static str, String); 4] {
    let policy = format!(
        "default-src 'none'; style-src '{STYLE_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    [
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
    ]
}

/// The page.
pub(super) fn page(facts: &Facts<'_>, sign_in: Option<&str>) -> String {
    let Facts { title, status, sentence, code, decision_id, advice } = facts;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{status} {title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    for text in [*sentence, *advice].into_iter().flatten() {
        page.push_str("<p>");
        push_escaped(&mut page, text);
        page.push_str("</p>\n");
    }
    if let Some(url) = sign_in {
        page.push_str("<p><a href=\"");
        push_escaped(&mut page, url);
        page.push_str("\">Sign in</a></p>\n");
    }
    page.push_str("<dl>\n<dt>Reason</dt>\n<dd><code>");
    page.push_str(code);
    page.push_str("</code></dd>\n<dt>Decision, to quote when you ask for help</dt>\n<dd><code>");
    page.push_str(decision_id);
    page.push_str("</code></dd>\n</dl>\n</main>\n</body>\n</html>\n");
    page
}

/// Writes a string as text of an element or as the value of an attribute in quotes.
fn push_escaped(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use ct_codecs::{Base64, Encoder as _};
    use hmac_sha256::Hash;

    use super::{STYLE, STYLE_DIGEST, headers, page};
    use crate::portable;
    use crate::reply::facts::Facts;

    #[portable]
    fn the_style_is_the_one_that_the_policy_allows() {
        let digest = Base64::encode_to_string(Hash::hash(STYLE.as_bytes())).expect("base64");
        assert_eq!(STYLE_DIGEST, format!("sha256-{digest}"));
        assert!(headers().iter().any(|(_, value)| value.contains(STYLE_DIGEST)));
    }

    #[portable]
    fn no_text_becomes_markup() {
        let facts = Facts {
            title: "Forbidden",
            status: 403,
            sentence: Some("No policy permits this."),
            code: "not-permitted",
            decision_id: "0a",
            advice: Some("<script>alert('1')</script> & \"more\""),
        };
        let page = page(&facts, Some("https://login.example.com/?a=1&b=\"><script>"));
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;more&quot;"), "{page}");
        assert!(page.contains("href=\"https://login.example.com/?a=1&amp;b=&quot;&gt;&lt;script&gt;\""), "{page}");
    }
}
