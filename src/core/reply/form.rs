//! In which form a refused client gets its answer.

use crate::request::{Exactly, Headers, RequestParts};

/// How much an answer says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswerDetail {
    /// The code with its sentence, and a policy's advice.
    #[default]
    Full,
    /// The code alone.
    Code,
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Representation {
    /// A problem document (RFC 9457).
    #[default]
    Problem,
    /// A page for people.
    Page,
    /// The message of a grpc-status, which the host makes of the body.
    GrpcMessage,
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// What the body is.
    pub representation: Representation,
    /// How much it says.
    pub detail: AnswerDetail,
    /// Whether a browser shows the answer in place of a page: it may be sent elsewhere.
    pub is_navigation: bool,
}

impl Form {
    /// The form for this request. It is also known of a request that is refused before it is parsed.
    #[must_use]
    pub fn of(parts: &RequestParts, detail: AnswerDetail) -> Self {
        let headers = &parts.headers;
        let representation = if parts.is_grpc() {
            Representation::GrpcMessage
        } else if prefers_html(headers) {
            Representation::Page
        } else {
            Representation::Problem
        };
        let is_navigation = representation == Representation::Page
            && headers.exactly(":method") == Exactly::One(b"GET")
            && headers.exactly("sec-fetch-mode") == Exactly::One(b"navigate");
        Self { representation, detail, is_navigation }
    }
}

/// Whether `Accept` gives `text/html` a higher weight than every problem document (RFC 9110 section 12.5.1). Without the
/// field, and with `*/*` alone, it does not.
fn prefers_html(headers: &Headers) -> bool {
    let weight = |of: &[&[u8]]| {
        let ranges = headers.all("accept").flat_map(|value| value.split(|byte| *byte == b','));
        let fits = ranges.filter_map(|range| MediaRange::parse(range, of));
        fits.max().map_or(0, |range| range.weight)
    };
    let html = weight(&[b"text/html", b"text/*", b"*/*"]);
    // Of most requests nothing more has to be read.
    html > 0 && html > weight(&[b"application/problem+json", b"application/json", b"application/*", b"*/*"])
}

/// A range of `Accept` that fits a media type. The more specific range is the greater one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct MediaRange {
    specificity: usize,
    /// In thousandths.
    weight: u16,
}

impl MediaRange {
    /// The range, if it is one of these, which begin with the most specific.
    fn parse(range: &[u8], of: &[&[u8]]) -> Option<Self> {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next()?;
        let place = of.iter().position(|own| own.eq_ignore_ascii_case(name))?;
        let weight = parts.find_map(|parameter| {
            let (name, value) = parameter.split_at_checked(2)?;
            name.eq_ignore_ascii_case(b"q=").then_some(value)
        });
        Some(Self {
            specificity: of.len().saturating_sub(place),
            weight: weight.map_or(1000, |value| thousandths(value).unwrap_or(0)),
        })
    }
}

/// A weight (RFC 9110 section 12.4.2) in thousandths; `None` if it is not one.
fn thousandths(value: &[u8]) -> Option<u16> {
    let (whole, fraction) = match value.split_first()? {
        (whole, [b'.', fraction @ ..]) if fraction.len() <= 3 => (whole, fraction),
        (whole, []) => (whole, [].as_slice()),
        _ => return None,
    };
    let digits = core::iter::once(whole).chain(fraction).chain(b"000");
    let weight = digits.take(4).try_fold(0_u16, |weight, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit.wrapping_sub(b'0')))?;
        weight.checked_mul(10)?.checked_add(digit)
    })?;
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::{AnswerDetail, Form, Representation};
    use crate::portable;
    use crate::request::RequestParts;

    fn form(fields: &[(&str, &[u8])]) -> Form {
        Form::of(&RequestParts::for_test("GET", "shop.example.com", "/", fields), AnswerDetail::Full)
    }

    fn accepting(accept: &str) -> Representation {
        form(&[("accept", accept.as_bytes())]).representation
    }

    #[portable]
    fn a_browser_gets_a_page() {
        for accept in [
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "text/html",
            "Text/HTML; charset=utf-8",
            "application/json;q=0.5, text/html;q=0.501",
            "application/problem+json;q=0, */*",
            "application/*;q=0.1, text/*;q=0.2",
            "text/html; q=1.000, application/json; q=0.999",
        ] {
            assert_eq!(accepting(accept), Representation::Page, "{accept}");
        }
    }

    #[portable]
    fn a_program_gets_a_problem_document() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/plain, */*",
            "text/html, application/json",
            "text/html;q=0.5, application/problem+json;q=0.6",
            "text/html;q=0",
            "text/html;q=1.001",
            "text/html;q=0.1234",
            "text/html;q=a",
            "text/html;q=",
            "text/htmlx",
            "text/*;q=0.1, */*;q=0.2",
        ] {
            assert_eq!(accepting(accept), Representation::Problem, "{accept}");
        }
        assert_eq!(form(&[]).representation, Representation::Problem);
    }

    #[portable]
    fn a_grpc_call_gets_a_message_whatever_it_accepts() {
        let fields: [(&str, &[u8]); 2] = [("content-type", b"application/grpc"), ("accept", b"text/html")];
        assert_eq!(form(&fields).representation, Representation::GrpcMessage);
    }

    #[portable]
    fn repeated_fields_are_one_list() {
        let fields: [(&str, &[u8]); 2] = [("accept", b"text/html;q=0.2"), ("accept", b"application/json")];
        assert_eq!(form(&fields).representation, Representation::Problem);
    }

    #[portable]
    fn only_a_browser_that_opens_a_page_navigates() {
        let html: (&str, &[u8]) = ("accept", b"text/html");
        let mode = |mode: &'static [u8]| ("sec-fetch-mode", mode);
        assert!(form(&[html, mode(b"navigate")]).is_navigation);
        assert!(!form(&[html]).is_navigation);
        assert!(!form(&[html, mode(b"cors")]).is_navigation);
        assert!(!form(&[html, mode(b"navigate"), mode(b"navigate")]).is_navigation);
        assert!(!form(&[mode(b"navigate")]).is_navigation);
        let fields = [html, mode(b"navigate")];
        let post = RequestParts::for_test("POST", "shop.example.com", "/", &fields);
        assert!(!Form::of(&post, AnswerDetail::Full).is_navigation);
    }
}
