//! How many functions and types a module has.

use wasmparser::{BinaryReaderError, Parser, Payload, TypeRef};

/// The counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Types.
    pub types: u32,
    /// Functions that it imports. Their numbers come before those of its own.
    pub imported: u32,
    /// Functions of its own.
    pub functions: u32,
}

impl Outline {
    /// Counts.
    ///
    /// # Errors
    /// The module cannot be read.
    pub fn of(module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::TypeSection(types) => outline.types = types.count(),
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        outline.imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(functions) => outline.functions = functions.count(),
                _ => {}
            }
        }
        Ok(outline)
    }
}
