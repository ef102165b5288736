//! Paths of a template: all of them as a pattern, and one of them with given values.

use super::{PathParameters, PathTemplate, TemplateSegment};

impl PathTemplate {
    /// The characters of each path that matches, decoded; `None` stands for any characters. Other paths fit the pattern too.
    pub fn pattern(&self) -> impl Iterator<Item = Option<char>> {
        let mut pattern = Vec::new();
        for segment in &self.segments {
            pattern.push(Some('/'));
            match segment {
                TemplateSegment::Literal(text) => pattern.extend(text.chars().map(Some)),
                TemplateSegment::Parameter { before, after, .. } => {
                    pattern.extend(before.chars().map(Some));
                    pattern.push(None);
                    pattern.extend(after.chars().map(Some));
                }
                TemplateSegment::Tail(_) => pattern.push(None),
            }
        }
        if self.segments.is_empty() {
            pattern.push(Some('/'));
        }
        pattern.into_iter()
    }

    /// Whether each path that matches the other matches this one too. Where it is not certain, the answer is no.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut others = other.segments.iter();
        for own in &self.segments {
            let Some(segment) = others.next() else { return false };
            let is_covered = match (own, segment) {
                (TemplateSegment::Tail(_), segment) => {
                    return !matches!(segment, TemplateSegment::Literal(text) if text.is_empty());
                }
                (_, TemplateSegment::Tail(_)) => false,
                (own, TemplateSegment::Literal(text)) => own.compare(text) == Some(None),
                (TemplateSegment::Literal(_), TemplateSegment::Parameter { .. }) => false,
                (
                    TemplateSegment::Parameter { before, after, .. },
                    TemplateSegment::Parameter { before: others_before, after: others_after, .. },
                ) => others_before.starts_with(before.as_str()) && others_after.ends_with(after.as_str()),
            };
            if !is_covered {
                return false;
            }
        }
        others.next().is_none()
    }

    /// Whether some path may match both, or match one and nearly match the other. Where it is not certain that none does,
    /// one may.
    #[must_use]
    pub fn may_meet(&self, other: &Self) -> bool {
        let (mut own, mut others) = (self.segments.iter(), other.segments.iter());
        loop {
            match (own.next(), others.next()) {
                (None, None) | (Some(TemplateSegment::Tail(_)), _) | (_, Some(TemplateSegment::Tail(_))) => {
                    return true;
                }
                (Some(TemplateSegment::Literal(one)), Some(TemplateSegment::Literal(other)))
                    if !one.eq_ignore_ascii_case(other) =>
                {
                    return false;
                }
                (Some(_), Some(_)) => {}
                // A slash at the end makes a path that nearly matches.
                (Some(TemplateSegment::Literal(text)), None) => return text.is_empty() && own.next().is_none(),
                (None, Some(TemplateSegment::Literal(text))) => return text.is_empty() && others.next().is_none(),
                (Some(TemplateSegment::Parameter { .. }), None) | (None, Some(TemplateSegment::Parameter { .. })) => {
                    return false;
                }
            }
        }
    }

    /// The path with these values of its parameters, decoded; a parameter without a value gets its own name.
    #[must_use]
    pub fn filled(&self, values: &PathParameters) -> String {
        let value = |name: &String| values.get(name).unwrap_or(name).clone();
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            match segment {
                TemplateSegment::Literal(text) => path.push_str(text),
                TemplateSegment::Parameter { before, name, after } => {
                    path.push_str(before);
                    path.push_str(&value(name));
                    path.push_str(after);
                }
                TemplateSegment::Tail(name) => path.push_str(&value(name)),
            }
        }
        if path.is_empty() { "/".to_owned() } else { path }
    }
}
