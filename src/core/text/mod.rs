//! Small rules about strings that several modules share.

mod ascii;
mod byte_set;
mod equal;
mod identifier;
mod pointer;
#[cfg(feature = "policy")]
mod suggest;

pub use ascii::{escape_json, push_json_string};
pub use byte_set::ByteSet;
pub use equal::are_equal;
pub use identifier::is_identifier;
pub use pointer::push_token;
#[cfg(feature = "policy")]
pub(crate) use suggest::nearest;
#[cfg(feature = "cedar")]
pub(crate) use suggest::suggestion;
