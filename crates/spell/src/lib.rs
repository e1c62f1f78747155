//! YAML and JSON as two further spellings of FPL: `governance.fms.yaml` and `governance.fms.json` are read
//! to the same typed view as `governance.fms`, with every place in their own text, and each is written
//! from it.
//!
//! Stands between the file and `check`; nothing here runs when a call is decided.
//! INVARIANT one tree: which keys exist comes from `faramesh_check::definitions`, never from here.
//! INVARIANT no guessing: what YAML readers disagree about is an error.
//! It leaves out what a policy means.

pub mod codes;
mod comments;
mod convert;
mod fms;
mod json;
mod lower;
mod names;
mod normal;
mod places;
mod raise;
mod reading;
mod schema;
mod tree;
mod yaml;

use std::fmt;

use faramesh_check::{Checked, Options};
use faramesh_syntax::ast::{Body, Span};
use faramesh_syntax::{Diagnostic, codes as syntax_codes, limits};

pub use convert::{Converted, convert, means_the_same, write};
pub use schema::schema;

/// A way to write a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spelling {
    /// FPL.
    Fms,
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
}

impl Spelling {
    /// Every spelling, the usual one first.
    pub const ALL: [Self; 3] = [Self::Fms, Self::Yaml, Self::Json];

    /// The name of the file that governs a stack.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Fms => "governance.fms",
            Self::Yaml => "governance.fms.yaml",
            Self::Json => "governance.fms.json",
        }
    }

    /// The spelling of a file, by its name; FPL unless the name says otherwise.
    #[must_use]
    pub fn of_file(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            Self::Yaml
        } else if name.ends_with(".json") {
            Self::Json
        } else {
            Self::Fms
        }
    }
}

impl fmt::Display for Spelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fms => "FPL",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        })
    }
}

/// A policy that was read.
#[derive(Debug, Clone)]
pub struct Document {
    /// The typed view. It lacks everything of which a part could not be read; use it to decide anything
    /// only if there are no errors.
    pub body: Body,
    /// What is wrong with the text, in its order.
    pub diagnostics: Vec<Diagnostic>,
    /// The value of `$schema`.
    schema: Option<String>,
    comments: Vec<comments::Comment>,
}

impl Document {
    /// Whether any diagnostic is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// How many comments the text has.
    #[must_use]
    pub fn comments(&self) -> usize {
        self.comments.len()
    }
}

/// Reads any text, which never fails: what is wrong is in [`Document::diagnostics`].
#[must_use]
pub fn read(source: &str, spelling: Spelling) -> Document {
    let empty =
        |diagnostics| Document { body: Body::default(), diagnostics, schema: None, comments: Vec::new() };
    let reading = match spelling {
        Spelling::Fms => {
            let parsed = faramesh_syntax::parse(source);
            let comments = fms::find_comments(source, &parsed.tree());
            let (body, diagnostics) = parsed.into_parts();
            return Document { body, diagnostics, schema: None, comments };
        }
        _ if source.len() > limits::SOURCE_BYTES => return empty(vec![too_large()]),
        Spelling::Yaml => yaml::read(source),
        Spelling::Json => json::read(source),
    };
    let mut diagnostics = invisible(source);
    diagnostics.extend(reading.diagnostics);
    let mut document = empty(Vec::new());
    if let Some(root) = &reading.root {
        let lowered = lower::lower(source, root);
        diagnostics.extend(lowered.diagnostics);
        document.body = lowered.body;
        document.schema = lowered.schema;
    }
    diagnostics.sort_by_key(|found| found.span.start);
    Document { comments: reading.comments, diagnostics: bounded(diagnostics), ..document }
}

/// Reads and checks a policy.
#[must_use]
pub fn check(source: &str, spelling: Spelling, options: &Options<'_>) -> Checked {
    if spelling == Spelling::Fms {
        return faramesh_check::check(source, options);
    }
    let document = read(source, spelling);
    let mut checked = faramesh_check::check_body(source, &document.body, document.diagnostics, options);
    for found in &mut checked.diagnostics {
        // A change that is written in FPL cannot be made in another spelling; a word can.
        let range =
            |span: Span| usize::try_from(span.start).unwrap_or(0)..usize::try_from(span.end).unwrap_or(0);
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-!".contains(&byte))
        };
        if let Some(fix) = &mut found.fix
            && let word = fix.replacement.trim_matches('"').to_owned()
            && is_word(&word)
            && source.get(range(fix.span)).is_some_and(is_word)
        {
            fix.replacement = word;
        } else if !(found.code.0 >= 170 && found.code.0 < 180) {
            found.fix = None;
        }
    }
    checked
}

fn too_large() -> Diagnostic {
    let message = format!("this file is larger than {} MiB", limits::SOURCE_BYTES / (1024 * 1024));
    Diagnostic::error(syntax_codes::SOURCE_TOO_LARGE, Span::default(), message)
        .with_help("split it into packs and import them")
}

/// Characters that a reader does not see; what is seen must be what is decided.
fn invisible(source: &str) -> Vec<Diagnostic> {
    if source
        .bytes()
        .all(|byte| byte == b'\n' || byte == b'\r' || byte == b'\t' || (b' '..0x7f).contains(&byte))
    {
        return Vec::new();
    }
    let found = source.char_indices().filter(|&(at, character)| {
        faramesh_syntax::is_invisible(character) && !(at == 0 && character == '\u{feff}')
    });
    let message = |(at, character): (usize, char)| {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let span = Span { start: offset(at), end: offset(at + character.len_utf8()) };
        let number = u32::from(character);
        let message = format!("there is an invisible character here, U+{number:04X}");
        let escape = if number > 0xffff { format!("\\U{number:08X}") } else { format!("\\u{number:04X}") };
        Diagnostic::error(syntax_codes::INVISIBLE_CHARACTER, span, message)
            .with_help(format!("remove it; in double quotes it can be written as `{escape}`"))
            .with_fix(span, "", "remove the invisible character")
    };
    found.map(message).take(limits::DIAGNOSTICS).collect()
}

/// No more messages than the limit.
fn bounded(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let surplus = diagnostics.len().saturating_sub(limits::DIAGNOSTICS);
    if surplus > 0 {
        diagnostics.truncate(limits::DIAGNOSTICS);
        let span = diagnostics.last().map_or(Span::default(), |last| last.span);
        let message = format!("{surplus} more messages follow that are not shown");
        diagnostics.push(
            Diagnostic::note(syntax_codes::TOO_MANY_DIAGNOSTICS, span, message)
                .with_help("repair the first ones and check again"),
        );
    }
    diagnostics
}
