//! Sources as the checks see them: the paths that the code of a file names, and the modules that it declares.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A file and its text.
pub struct Source {
    /// Its path from the project's root, with `/`.
    pub file: String,
    /// Its path from the crate's root, with `/`.
    pub inside: String,
    /// Its text.
    pub text: String,
}

impl Source {
    /// All Rust files below a folder, sorted by path.
    pub fn read_folder(root: &Path, folder: &Path) -> Vec<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.join(folder)];
        while let Some(next) = folders.pop() {
            let entries = fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
            for path in entries.map(|entry| entry.expect("an entry").path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                    let name = |base: &Path| path.strip_prefix(base).expect("below it").to_string_lossy().into_owned();
                    files.push(Self { file: name(root), inside: name(&root.join(folder)), text });
                }
            }
        }
        files.sort_by(|one, other| one.file.cmp(&other.file));
        files
    }
}

/// A path that the code of a file names, such as `crate::jose::KeySet`; an import of several names is several paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// Its segments, as written.
    pub segments: Vec<String>,
    /// Its line, from 1.
    pub line: usize,
}

/// A file that is a module of a crate.
pub struct Module {
    /// The file, from the project's root.
    pub file: String,
    /// Its place in the crate; empty for the root.
    pub path: Vec<String>,
    /// The modules that it declares, in order, without those for tests.
    pub children: Vec<String>,
    /// The paths that its code names, without code for tests.
    pub names: Vec<NamedPath>,
}

impl Module {
    /// What a path means in this module, from the crate's root; `None` for another crate, or for a name that was imported.
    pub fn resolve(&self, segments: &[String]) -> Option<Vec<String>> {
        let (first, rest) = segments.split_first()?;
        let mut absolute = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.path.clone(),
            "super" => self.path.split_last()?.1.to_vec(),
            child if self.children.iter().any(|own| own == child) => {
                [self.path.as_slice(), &[child.to_owned()]].concat()
            }
            _ => return None,
        };
        for segment in rest {
            match segment.as_str() {
                "super" => drop(absolute.pop()?),
                "self" => {}
                name => absolute.push(name.to_owned()),
            }
        }
        Some(absolute)
    }
}

/// The modules of one crate, without those for tests.
pub struct Crate {
    /// The modules.
    pub modules: Vec<Module>,
}

impl Crate {
    /// Reads the sources of a crate. The build script is not a part of it.
    pub fn new(sources: Vec<Source>) -> Self {
        let mut for_tests: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut modules = Vec::new();
        for source in sources.into_iter().filter(|source| source.inside != "build.rs") {
            let path = module_path(&source.inside);
            let code = without_tests(tokens(&source.text));
            for_tests.extend(code.test_modules.into_iter().map(|name| [path.as_slice(), &[name]].concat()));
            let (children, names) = (declared(&code.tokens), named_paths(&code.tokens));
            modules.push(Module { file: source.file, path, children, names });
        }
        modules.retain(|module| !(1..=module.path.len()).any(|length| for_tests.contains(&module.path[..length])));
        Self { modules }
    }
}

/// `request/path.rs` is `request::path`, `request/mod.rs` is `request`, and `lib.rs` is the root.
fn module_path(inside: &str) -> Vec<String> {
    let stem = inside.strip_suffix(".rs").unwrap_or(inside);
    let mut path: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&stem) {
        path.pop();
    }
    path
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    PathSeparator,
    Mark(char),
}

/// The tokens of a text, each with its line. A comment is none; a literal is one mark.
fn tokens(text: &str) -> Vec<(Token, usize)> {
    let characters: Vec<char> = text.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut found = Vec::new();
    let (mut index, mut line) = (0, 1);
    while index < characters.len() {
        let begin = index;
        let mut token = None;
        match (at(index), at(index + 1)) {
            ('/', '/') => index = (index..).find(|&end| matches!(at(end), '\n' | '\0')).unwrap_or(index),
            ('/', '*') => index = comment_end(&characters, index),
            ('r' | 'b' | 'c', _) if string_start(&characters, index).is_some() => {
                let (quote, hashes) = string_start(&characters, index).unwrap_or_default();
                index = string_end(&characters, quote, hashes);
                token = Some(Token::Mark('"'));
            }
            ('"', _) => {
                index = string_end(&characters, index, None);
                token = Some(Token::Mark('"'));
            }
            ('\'', '\\') => {
                index = (index + 3..).find(|&end| matches!(at(end), '\'' | '\0')).unwrap_or(index) + 1;
                token = Some(Token::Mark('\''));
            }
            ('\'', _) if at(index + 2) == '\'' => {
                index += 3;
                token = Some(Token::Mark('\''));
            }
            (':', ':') => {
                index += 2;
                token = Some(Token::PathSeparator);
            }
            (first, _) if is_word(first) => {
                index = (index..).find(|&end| !is_word(at(end))).unwrap_or(index);
                token = Some(Token::Word(characters[begin..index].iter().collect()));
            }
            (first, _) => {
                index += 1;
                token = (!first.is_whitespace()).then_some(Token::Mark(first));
            }
        }
        found.extend(token.map(|token| (token, line)));
        let end = index.min(characters.len());
        line += characters[begin..end].iter().filter(|&&character| character == '\n').count();
    }
    found
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// The quote and the number of `#` of a string with a prefix, such as `br#"..."#`; no number where escapes count.
fn string_start(characters: &[char], begin: usize) -> Option<(usize, Option<usize>)> {
    let prefix = characters[begin..].iter().take_while(|character| matches!(character, 'r' | 'b' | 'c')).count();
    let hashes = characters[begin + prefix..].iter().take_while(|&&character| character == '#').count();
    let raw = characters[begin..begin + prefix].contains(&'r');
    let quote = begin + prefix + hashes;
    let is_string = prefix <= 2 && characters.get(quote) == Some(&'"') && (raw || hashes == 0);
    is_string.then_some((quote, raw.then_some(hashes)))
}

/// The index behind the string whose quote is at `quote`.
fn string_end(characters: &[char], quote: usize, raw: Option<usize>) -> usize {
    let mut index = quote + 1;
    while let Some(&character) = characters.get(index) {
        index += 1;
        match (character, raw) {
            ('\\', None) => index += 1,
            ('"', None) => break,
            ('"', Some(hashes)) => {
                let behind = characters[index..].iter().take_while(|&&character| character == '#').count();
                if behind >= hashes {
                    index += hashes;
                    break;
                }
            }
            _ => {}
        }
    }
    index
}

/// The index behind a block comment; such comments nest.
fn comment_end(characters: &[char], begin: usize) -> usize {
    let (mut index, mut depth) = (begin, 0_usize);
    while index < characters.len() {
        match (characters[index], characters.get(index + 1)) {
            ('/', Some('*')) => (depth, index) = (depth + 1, index + 2),
            ('*', Some('/')) => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
        if depth == 0 {
            break;
        }
    }
    index
}

/// The code without items under `#[cfg(test)]`, and the names of the modules among those.
struct Code {
    tokens: Vec<(Token, usize)>,
    test_modules: Vec<String>,
}

fn without_tests(tokens: Vec<(Token, usize)>) -> Code {
    let mut code = Code { tokens: Vec::new(), test_modules: Vec::new() };
    let mut index = 0;
    while index < tokens.len() {
        match attribute_end(&tokens, index) {
            Some(end) if is_for_tests(&tokens[index..end]) => {
                let item_end = item_end(&tokens, end);
                code.test_modules.extend(declared(&tokens[end..item_end]));
                index = item_end;
            }
            _ => {
                code.tokens.push(tokens[index].clone());
                index += 1;
            }
        }
    }
    code
}

/// The index behind the attribute that begins here, if one does.
fn attribute_end(tokens: &[(Token, usize)], begin: usize) -> Option<usize> {
    let is = |index: usize, mark: char| tokens.get(index).is_some_and(|(token, _)| *token == Token::Mark(mark));
    (is(begin, '#') && is(begin + 1, '[')).then(|| group_end(tokens, begin + 1))
}

/// The index behind the bracket that closes the one at `begin`.
fn group_end(tokens: &[(Token, usize)], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (index, (token, _)) in tokens.iter().enumerate().skip(begin) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// Whether an attribute is `#[cfg(test)]` or `#[cfg(all(test, ...))]`.
fn is_for_tests(attribute: &[(Token, usize)]) -> bool {
    let words: Vec<&str> = attribute
        .iter()
        .filter_map(|(token, _)| if let Token::Word(word) = token { Some(word.as_str()) } else { None })
        .collect();
    matches!(words.as_slice(), ["cfg", "test"] | ["cfg", "all", "test", ..])
}

/// The index behind the item that begins here, with its further attributes.
fn item_end(tokens: &[(Token, usize)], begin: usize) -> usize {
    let mut index = begin;
    while let Some(end) = attribute_end(tokens, index) {
        index = end;
    }
    let is_import = tokens[index..].iter().take(5).any(|(token, _)| *token == Token::Word("use".to_owned()));
    while let Some((token, _)) = tokens.get(index) {
        match token {
            Token::Mark(';') => return index + 1,
            Token::Mark('{') if !is_import => return group_end(tokens, index),
            Token::Mark('(' | '[' | '{') => index = group_end(tokens, index),
            _ => index += 1,
        }
    }
    tokens.len()
}

/// The names of `mod name;`, in order.
fn declared(tokens: &[(Token, usize)]) -> Vec<String> {
    tokens
        .windows(3)
        .filter_map(|window| match window {
            [(Token::Word(keyword), _), (Token::Word(name), _), (Token::Mark(';'), _)] if keyword == "mod" => {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}

fn named_paths(tokens: &[(Token, usize)]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        index = match tokens[index].0 {
            Token::Word(_) => read_path(tokens, index, Vec::new(), &mut found),
            _ => index + 1,
        };
    }
    found
}

/// Reads the path that begins at a word, with all that it imports; returns the index behind it.
fn read_path(tokens: &[(Token, usize)], begin: usize, prefix: Vec<String>, found: &mut Vec<NamedPath>) -> usize {
    let line = tokens[begin].1;
    let mut segments = prefix;
    let mut index = begin;
    while let Some((Token::Word(word), _)) = tokens.get(index) {
        segments.push(word.clone());
        index += 1;
        if !matches!(tokens.get(index), Some((Token::PathSeparator, _))) {
            break;
        }
        index += 1;
        if matches!(tokens.get(index), Some((Token::Mark('{'), _))) {
            return read_group(tokens, index, &segments, found);
        }
    }
    found.push(NamedPath { segments, line });
    index
}

/// Reads what stands in the braces of an import.
fn read_group(tokens: &[(Token, usize)], begin: usize, prefix: &[String], found: &mut Vec<NamedPath>) -> usize {
    let end = group_end(tokens, begin);
    let mut index = begin + 1;
    while index < end {
        index = match &tokens[index].0 {
            Token::Word(word) if word == "as" => index + 2,
            Token::Word(_) => read_path(tokens, index, prefix.to_vec(), found),
            Token::Mark('*') => {
                found.push(NamedPath { segments: prefix.to_vec(), line: tokens[index].1 });
                index + 1
            }
            _ => index + 1,
        };
    }
    end
}
