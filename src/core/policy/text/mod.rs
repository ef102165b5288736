//! Policy text as statements: cut at each `;`, measured, parsed one by one, named.
//!
//! It trusts nothing in the text, and decides nothing about what a policy means.

pub(in crate::policy) mod lexer;
pub(in crate::policy) mod source;

mod nesting;
