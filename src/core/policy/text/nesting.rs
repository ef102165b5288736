//! How deep policy text nests, measured on its tokens.
//!
//! Cedar's parser, validator and evaluator recurse, and in WebAssembly nothing guards their stack: V8's is not ours to
//! enlarge. So the depth is capped before any of them sees the text. The measure is never smaller than the depth of the
//! tree that the parser would build: each operator of a chain counts one, an index such as `["a"]` is one, brackets add
//! what is inside them.

use super::lexer::{Token, TokenKind};

/// Words after which a `[` begins a set. After any other word it is an index into what stands before it.
const BEFORE_OPERANDS: [&str; 9] = ["if", "then", "else", "in", "has", "like", "is", "when", "unless"];

/// What one pair of brackets, or the whole of a statement, holds so far.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Deepest list element that is complete.
    elements: usize,
    /// `if`s of the current element; each nests the rest.
    ifs: usize,
    /// Deepest part between `if`, `then` and `else`.
    parts: usize,
    /// `||`s of the current part.
    ors: usize,
    /// Deepest operand of those.
    or_operand: usize,
    /// `&&`s of the current operand of `||`.
    ands: usize,
    /// Deepest operand of those.
    and_operand: usize,
    /// Other operators of the current operand.
    operators: usize,
    /// Deepest brackets inside it.
    inner: usize,
}

impl Frame {
    fn end_and_operand(&mut self) {
        self.and_operand = self.and_operand.max(self.operators.saturating_add(self.inner));
        self.operators = 0;
        self.inner = 0;
    }

    fn end_or_operand(&mut self) {
        self.end_and_operand();
        self.or_operand = self.or_operand.max(self.ands.saturating_add(self.and_operand));
        self.ands = 0;
        self.and_operand = 0;
    }

    fn end_part(&mut self) {
        self.end_or_operand();
        self.parts = self.parts.max(self.ors.saturating_add(self.or_operand));
        self.ors = 0;
        self.or_operand = 0;
    }

    fn end_element(&mut self) {
        self.end_part();
        self.elements = self.elements.max(self.ifs.saturating_add(self.parts));
        self.ifs = 0;
        self.parts = 0;
    }

    fn depth(mut self) -> usize {
        self.end_element();
        self.elements
    }
}

/// The depth of one statement, token by token.
#[derive(Debug)]
pub(in crate::policy) struct Nesting {
    open: Vec<Frame>,
    outermost: Frame,
    /// The last token ends an operand.
    after_operand: bool,
}

impl Nesting {
    /// Nothing seen.
    pub(in crate::policy) const fn new() -> Self {
        Self {
            open: Vec::new(),
            outermost: Frame {
                elements: 0,
                ifs: 0,
                parts: 0,
                ors: 0,
                or_operand: 0,
                ands: 0,
                and_operand: 0,
                operators: 0,
                inner: 0,
            },
            after_operand: false,
        }
    }

    /// Brackets open now.
    pub(in crate::policy) fn brackets(&self) -> usize {
        self.open.len()
    }

    /// The depth of what was taken, with every bracket closed.
    pub(in crate::policy) fn depth(&self) -> usize {
        let inner = self.open.iter().rev().fold(0_usize, |inner, frame| {
            let mut frame = *frame;
            frame.inner = frame.inner.max(inner);
            frame.depth()
        });
        let mut outermost = self.outermost;
        outermost.inner = outermost.inner.max(inner);
        outermost.depth()
    }

    /// Takes the next token.
    pub(in crate::policy) fn take(&mut self, token: &Token<'_>) {
        if token.text == "[" && self.after_operand {
            let frame = self.frame();
            frame.operators = frame.operators.saturating_add(1);
        }
        self.after_operand = match token.kind {
            TokenKind::Word => !BEFORE_OPERANDS.contains(&token.text),
            TokenKind::Text => true,
            TokenKind::Mark => matches!(token.text, ")" | "]" | "}"),
        };
        match token.text {
            "(" | "[" | "{" => self.open.push(Frame::default()),
            ")" | "]" | "}" => {
                if let Some(closed) = self.open.pop() {
                    let depth = closed.depth();
                    let frame = self.frame();
                    frame.inner = frame.inner.max(depth);
                }
            }
            "," => self.frame().end_element(),
            "if" => {
                let frame = self.frame();
                frame.end_part();
                frame.ifs = frame.ifs.saturating_add(1);
            }
            "then" | "else" => self.frame().end_part(),
            "||" => {
                let frame = self.frame();
                frame.end_or_operand();
                frame.ors = frame.ors.saturating_add(1);
            }
            // Cedar joins all `when` and `unless` of a policy as `&&` would.
            "&&" | "when" | "unless" => {
                let frame = self.frame();
                frame.end_and_operand();
                frame.ands = frame.ands.saturating_add(1);
            }
            "." | "!" | "-" | "+" | "*" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "has" | "like" | "is" => {
                let frame = self.frame();
                frame.operators = frame.operators.saturating_add(1);
            }
            _ => {}
        }
    }

    fn frame(&mut self) -> &mut Frame {
        self.open.last_mut().unwrap_or(&mut self.outermost)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::tokens;
    use super::Nesting;
    use crate::portable;

    fn depth(text: &str) -> usize {
        let mut nesting = Nesting::new();
        tokens(text).for_each(|token| nesting.take(&token));
        nesting.depth()
    }

    #[portable]
    fn each_operator_of_a_chain_counts() {
        assert_eq!(depth("a"), 0);
        assert_eq!(depth("a && b && c"), 2);
        assert_eq!(depth("a || b || c || d"), 3);
        assert_eq!(depth("!!!!a"), 4);
        assert_eq!(depth("if a then b else if c then d else e"), 2);
    }

    #[portable]
    fn chains_side_by_side_count_once_and_nested_ones_add_up() {
        assert_eq!(depth("a && b || c && d || e && f"), 3);
        assert_eq!(depth("(a && b) && (c && d)"), 2);
        assert_eq!(depth("[a && b, c && d && e]"), 2);
        assert_eq!(depth("x.y == 1 && x.z == 2"), 3);
    }

    #[portable]
    fn an_index_counts_like_a_member_and_a_set_does_not() {
        assert_eq!(depth(r#"a["b"]["c"]["d"]"#), 3);
        assert_eq!(depth(r#"a.b["c"].d"#), 3);
        assert_eq!(depth(r#"f("x")["b"] && [1]["c"]"#), 2);
        assert_eq!(depth("[[1], [2]]"), 0);
        assert_eq!(depth("if [a] == [b] then [c] else [d]"), 2);
    }

    #[portable]
    fn clauses_count_as_a_chain() {
        assert_eq!(depth("permit (a, b, c) when { x } unless { y } when { z }"), 3);
    }
}
