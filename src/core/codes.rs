//! One way to declare stable codes: reasons, findings and errors are rows of tables made by [`codes!`](crate::codes).

/// Declares an enum whose variants are the rows of a table: a stable kebab-case code, a class and a sentence.
///
/// The code is for programs and never changes its meaning. The class says how serious the row is, or what kind of row it is.
/// The sentence is for people, without a value from outside.
///
/// ```
/// #[derive(Clone, Copy, Debug, PartialEq, Eq)]
/// pub enum Level {
///     Error,
///     Warning,
/// }
///
/// countersign_core::codes! {
///     /// A fault of a lamp.
///     pub enum Fault(level: Level, sentence);
///
///     /// The filament is broken.
///     Broken = "broken", Level::Error, "the lamp gives no light";
///     /// The bulb is old.
///     Dim = "dim", Level::Warning, "the lamp gives little light";
/// }
///
/// assert_eq!(Fault::ALL, [Fault::Broken, Fault::Dim]);
/// assert_eq!(Fault::Dim.code(), "dim");
/// assert_eq!(Fault::Dim.level(), Level::Warning);
/// assert_eq!(Fault::Broken.sentence(), "the lamp gives no light");
/// ```
#[macro_export]
macro_rules! codes {
    (
        $(#[$meta:meta])* $visibility:vis enum $name:ident($class:ident: $class_type:ty, $sentence:ident);
        $($(#[$doc:meta])* $variant:ident = $code:literal, $class_value:expr, $sentence_value:literal;)+
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $visibility enum $name {
            $($(#[$doc])* #[doc = concat!("\n\nCode `", $code, "`: ", $sentence_value)] $variant,)+
        }

        impl $name {
            /// All rows, in the order of the table.
            $visibility const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable code, in kebab case.
            #[must_use]
            $visibility const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The class of the row.
            #[must_use]
            $visibility const fn $class(self) -> $class_type {
                match self { $(Self::$variant => $class_value,)+ }
            }

            /// One sentence for people.
            #[must_use]
            $visibility const fn $sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence_value,)+ }
            }
        }
    };
}
