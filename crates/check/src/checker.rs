//! What every part of checking shares: the options, the messages, and where lines begin.

use std::collections::BTreeSet;

use faramesh_syntax::ast::Span;
use faramesh_syntax::{Diagnostic, LineIndex, limits};

use crate::Options;
use crate::codes::{self, Finding};
use crate::not_yet::NotYet;

/// Checks one source.
pub(crate) struct Checker<'a> {
    pub source: &'a str,
    pub options: &'a Options<'a>,
    pub not_yet: NotYet,
    /// Whether the file has an `identity` block, of whatever type.
    pub declares_identity: bool,
    /// Regular expressions that compile.
    pub known_regexes: BTreeSet<String>,
    /// Names of variables that rules read.
    pub read_variables: BTreeSet<String>,
    /// Names that were looked for among the variables, each once however many rules read it.
    pub looked_for: BTreeSet<String>,
    /// Names that are read as arguments and are near that of a variable: name, place, variable.
    pub near_variables: Vec<(String, Span, String)>,
    lines: LineIndex,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    pub fn new(source: &'a str, options: &'a Options<'a>) -> Self {
        Self {
            source,
            options,
            not_yet: NotYet::default(),
            declares_identity: false,
            known_regexes: BTreeSet::new(),
            read_variables: BTreeSet::new(),
            looked_for: BTreeSet::new(),
            near_variables: Vec::new(),
            lines: LineIndex::new(source),
            diagnostics: Vec::new(),
        }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports with a remedy.
    pub fn say(&mut self, finding: Finding, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.report(finding.at(span, message).with_help(help));
    }

    pub fn line(&self, span: Span) -> u32 {
        self.lines.line_column(span.start).0
    }

    /// The byte of the source where `span` begins.
    pub fn first_byte(&self, span: Span) -> Option<u8> {
        self.source.as_bytes().get(usize::try_from(span.start).ok()?).copied()
    }

    /// Whether the stack is whole, constructs that are not enforced aside.
    pub fn is_sound(&self) -> bool {
        !self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// All messages in the order of the source, no more than the syntax keeps.
    pub fn finish(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        diagnostics.extend(self.not_yet.diagnostics());
        // Errors stay when a flood of warnings is cut.
        if diagnostics.len() > limits::DIAGNOSTICS {
            diagnostics.sort_by_key(|found| found.severity);
            let surplus = diagnostics.len() - limits::DIAGNOSTICS;
            diagnostics.truncate(limits::DIAGNOSTICS);
            let last = diagnostics.last().map_or(Span::default(), |last| last.span);
            let message = format!("{surplus} more messages follow that are not shown");
            diagnostics.push(
                codes::MESSAGES_BOUNDED.at(last, message).with_help("repair the first ones and check again"),
            );
        }
        diagnostics.sort_by_key(|found| (found.span.start, found.code));
        diagnostics
    }
}
