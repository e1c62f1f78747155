//! What every part of checking shares: the options, the messages, and where lines begin.

use std::collections::BTreeSet;

use faramesh_program::image::Enforcement;
use faramesh_syntax::ast::{Span, Spanned};
use faramesh_syntax::{Diagnostic, LineIndex, limits};

use crate::codes::{self, Finding};
use crate::imports::{Imports, Library};
use crate::not_yet::NotYet;
use crate::references::Reference;
use crate::{Options, Unenforced};

/// Checks one source.
pub(crate) struct Checker<'a> {
    pub source: &'a str,
    pub options: &'a Options<'a>,
    /// The number of the file at hand: 0 is the stack's own.
    pub file: u32,
    /// What its imports are known as.
    pub imports: Imports,
    /// What the files of the stack share.
    pub library: Library,
    /// Names that must be declared somewhere.
    pub references: Vec<Reference>,
    /// Budgets that delegations of the agent at hand charge.
    pub inherited_budgets: Vec<Spanned<String>>,
    /// Phases that follow phases of the agent at hand.
    pub next_phases: Vec<Spanned<String>>,
    /// Keys of `enforcement` that may loosen the sandbox of `runtime`.
    pub sandbox_keys: Vec<(&'static str, Enforcement, Span)>,
    /// Listeners that are not on the loopback interface.
    /// Ceilings that daemons share.
    pub shared: Vec<(&'static str, Span)>,
    pub open_listeners: Vec<(&'static str, String, Span)>,
    /// The witnesses, which cosign what the ledger must have.
    pub witness_blocks: Vec<Span>,
    /// Where a table of prices is named.
    pub price_table: Option<Span>,
    /// Files that sinks write to.
    pub sink_files: Vec<(String, Span)>,
    /// A text of the source that is read as a source of its own: where it stands, and what is in it.
    pub part: Option<(Span, String)>,
    not_yet: NotYet,
    /// Whether the file has an `identity` block, of whatever type.
    pub declares_identity: bool,
    /// Whether one of them proves callers on other machines.
    pub proves_from_afar: bool,
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
            file: 0,
            imports: Imports::new(),
            library: Library::default(),
            references: Vec::new(),
            inherited_budgets: Vec::new(),
            next_phases: Vec::new(),
            sandbox_keys: Vec::new(),
            shared: Vec::new(),
            open_listeners: Vec::new(),
            witness_blocks: Vec::new(),
            price_table: None,
            sink_files: Vec::new(),
            part: None,
            not_yet: NotYet::default(),
            declares_identity: false,
            proves_from_afar: false,
            known_regexes: BTreeSet::new(),
            read_variables: BTreeSet::new(),
            looked_for: BTreeSet::new(),
            near_variables: Vec::new(),
            lines: LineIndex::new(source),
            diagnostics: Vec::new(),
        }
    }

    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        // Places inside of a text are no places of the file.
        if let Some((span, _)) = self.part {
            diagnostic.span = span;
            diagnostic.fix = None;
            diagnostic.labels.clear();
        }
        self.diagnostics.push(diagnostic);
    }

    /// Reports with a remedy.
    pub fn say(&mut self, finding: Finding, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.report(finding.at(span, message).with_help(help));
    }

    /// Notes a construct that this version does not enforce.
    pub fn not_yet(&mut self, name: impl Into<String>, span: Span) {
        if self.options.unenforced == Unenforced::Refuse {
            let span = self.part.as_ref().map_or(span, |(span, _)| *span);
            self.not_yet.add(name, span);
        }
    }

    /// Whether nothing that is not enforced was found.
    pub fn enforces_everything(&self) -> bool {
        self.not_yet.is_empty()
    }

    pub fn line(&self, span: Span) -> u32 {
        self.lines.line_column(span.start).0
    }

    /// The byte of the source where `span` begins.
    pub fn first_byte(&self, span: Span) -> Option<u8> {
        let source = self.part.as_ref().map_or(self.source, |(_, text)| text);
        source.as_bytes().get(usize::try_from(span.start).ok()?).copied()
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
