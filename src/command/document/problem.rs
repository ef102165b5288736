//! Problems with their place in a file, and what documents are refused for.

use std::io::{self, Write};

use countersign_core::codes;
use countersign_core::config_error::TextPosition;

/// How deep lists and objects may nest in a file; an Envoy bootstrap around a configuration needs about 40.
pub const MAX_DEPTH: usize = 100;

/// How many values a file may hold, aliases written out: a few lines of YAML can name billions.
pub const MAX_NODES: usize = 100_000;

/// How serious a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The configuration is rejected, the plugin is not in use, or a request could bypass it.
    Error,
    /// The configuration works, but should be reviewed.
    Warning,
    /// Something was not checked.
    Note,
}

impl Level {
    /// The level in output and in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

codes! {
    /// A problem of a file or of one of its documents. The sentence says what to do.
    pub enum DocumentCode(level: Level, help);

    /// The bytes are not UTF-8.
    NotUtf8 = "not-utf-8", Level::Error, "save the file as UTF-8";
    /// The strict JSON parser rejected the text.
    JsonSyntax = "json-syntax", Level::Error, "fix the JSON here, or just before";
    /// The YAML parser rejected the text.
    YamlSyntax = "yaml-syntax", Level::Error, "fix the YAML here or on the line above";
    /// A tag other than `!!str`.
    YamlTag = "yaml-tag", Level::Error, "remove the tag";
    /// An alias inside the value that it names.
    YamlAlias = "yaml-alias", Level::Error, "write the value out";
    /// The key `<<`.
    YamlMergeKey = "yaml-merge-key", Level::Error, "write the members out, or use an alias for the whole object";
    /// A key that is not a string.
    YamlKey = "yaml-key", Level::Error, "write the key as a plain string";
    /// A number that JSON cannot express.
    YamlNumber = "yaml-number", Level::Error, "write a number, or put the value in quotes";
    /// Two members of one object with the same name.
    DuplicateMember = "duplicate-member", Level::Error, "keep one of them";
    /// More nesting than [`MAX_DEPTH`].
    TooDeep = "too-deep", Level::Error, "make the document flatter";
    /// More values than [`MAX_NODES`].
    TooLarge = "too-large", Level::Error, "split the document";
    /// The plugin's configuration must be a string of JSON and is something else.
    NotAText = "not-a-text", Level::Error, "write the configuration as a string of JSON";
    /// A plugin without a configuration that can be read.
    PluginConfiguration = "plugin-configuration", Level::Error, "write the plugin's configuration here";
    /// A file for `eval` without exactly one plugin configuration.
    OneConfiguration = "one-configuration", Level::Error, "name a file with exactly one plugin configuration";
    /// A file that `prepare --check` compares is not what the configuration is prepared as.
    NotPrepared = "not-prepared", Level::Error, "run `countersign prepare` again, and deploy what it writes";
    /// A scalar that readers of YAML understand differently.
    YamlAmbiguousScalar = "yaml-ambiguous-scalar", Level::Warning, "put it in quotes, or write the value that you mean";
    /// A document that is neither a plugin configuration nor anything that can surround the plugin.
    Skipped = "skipped", Level::Note, "it was not checked";
    /// A part of an Envoy configuration that does not concern the plugin.
    NoPlugin = "no-plugin", Level::Note, "it was not checked; give it together with the files that run the plugin";
}

/// A problem at its place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How serious it is.
    pub level: Level,
    /// The place in the file.
    pub at: TextPosition,
    /// The place inside a policy text whose characters do not appear in the file one by one.
    pub inside: Option<TextPosition>,
    /// A stable code.
    pub code: &'static str,
    /// A JSON pointer into the configuration, for a problem of one part of it.
    pub pointer: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do; it can be empty or have several lines.
    pub help: Box<str>,
}

impl Problem {
    /// A problem of the file itself.
    #[must_use]
    pub fn new(at: TextPosition, code: DocumentCode, message: impl Into<String>) -> Self {
        Self {
            level: code.level(),
            at,
            inside: None,
            code: code.code(),
            pointer: None,
            message: message.into(),
            help: code.help().into(),
        }
    }

    /// Prints it as `FILE:LINE:COLUMN: level[code] at POINTER: message`, and its help below.
    ///
    /// # Errors
    /// The output is closed.
    pub fn print(&self, file: &str, output: &mut impl Write) -> io::Result<()> {
        let Self { level, at, inside, code, pointer, message, help } = self;
        write!(output, "{file}:{}:{}: {}[{code}]", at.line, at.column, level.word())?;
        if let Some(pointer) = pointer.as_ref().filter(|pointer| !pointer.is_empty()) {
            write!(output, " at {pointer}")?;
        }
        if let Some(inside) = inside {
            write!(output, " (policy {}:{})", inside.line, inside.column)?;
        }
        writeln!(output, ": {message}")?;
        for (index, line) in help.lines().enumerate() {
            writeln!(output, "  {}{line}", if index == 0 { "help: " } else { "  " })?;
        }
        Ok(())
    }

    /// Nesting beyond [`MAX_DEPTH`].
    pub(super) fn too_deep(at: TextPosition) -> Self {
        Self::new(at, DocumentCode::TooDeep, format!("lists and objects nest more than {MAX_DEPTH} deep"))
    }

    /// More values than [`MAX_NODES`].
    pub(super) fn too_many(at: TextPosition) -> Self {
        Self::new(at, DocumentCode::TooLarge, format!("more than {MAX_NODES} values, aliases written out"))
    }
}
