//! What is wrong with a policy: drawn beside its source for people, as data for programs.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use faramesh_call::{Object, object};
use faramesh_syntax::ast::Span;
use faramesh_syntax::{Diagnostic, LineIndex, Severity};

/// A source and what was found in it.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The name of the file, as the person wrote it.
    pub file: &'a str,
    /// The text of the file.
    pub source: &'a str,
    /// What is wrong with it.
    pub diagnostics: &'a [Diagnostic],
}

impl Found<'_> {
    /// How many messages have this severity.
    pub fn count(&self, severity: Severity) -> u64 {
        let count = self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// `2 errors and 1 warning`, or nothing when there are neither.
    pub fn tally(&self) -> String {
        let parts: Vec<String> = [(Severity::Error, "error"), (Severity::Warning, "warning")]
            .into_iter()
            .map(|(severity, noun)| (self.count(severity), noun))
            .filter(|(count, _)| *count > 0)
            .map(|(count, noun)| super::table::counted(count, noun))
            .collect();
        parts.join(" and ")
    }

    /// The messages as data, one by one.
    pub fn to_list(self) -> Vec<Object> {
        let index = LineIndex::new(self.source);
        self.diagnostics.iter().map(|diagnostic| self.message(&index, diagnostic)).collect()
    }

    fn message(self, index: &LineIndex, diagnostic: &Diagnostic) -> Object {
        let mut message = object! {
            "code" => diagnostic.code.to_string(),
            "severity" => diagnostic.severity.to_string(),
            "file" => self.file,
            "message" => diagnostic.message.as_str(),
            "help" => diagnostic.help.clone(),
        };
        place(index, diagnostic.span, &mut message);
        if let Some(fix) = &diagnostic.fix {
            let mut change =
                object! { "title" => fix.title.as_str(), "replacement" => fix.replacement.as_str() };
            place(index, fix.span, &mut change);
            message.insert("fix", change);
        }
        message
    }

    /// The messages drawn beside the source.
    pub fn draw(self) -> String {
        let renderer = Renderer::styled().decor_style(DecorStyle::Ascii).term_width(super::table::WIDTH);
        let drawn: Vec<String> =
            self.diagnostics.iter().map(|diagnostic| renderer.render(&self.groups(diagnostic))).collect();
        drawn.join("\n\n")
    }

    fn groups<'b>(&'b self, diagnostic: &'b Diagnostic) -> Vec<Group<'b>> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let snippet =
            Snippet::source(self.source)
                .path(self.file)
                .annotation(AnnotationKind::Primary.span(self.range(diagnostic.span)))
                .annotations(diagnostic.labels.iter().map(|(span, text)| {
                    AnnotationKind::Context.span(self.range(*span)).label(text.as_str())
                }));
        let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.to_string());
        let mut first = Group::with_title(title).element(snippet);
        if let Some(help) = &diagnostic.help {
            first = first.element(Level::HELP.message(help.as_str()));
        }
        let mut groups = vec![first];
        if let Some(fix) = &diagnostic.fix {
            let patch = Patch::new(self.range(fix.span), fix.replacement.as_str());
            let title = Level::HELP.secondary_title(fix.title.as_str());
            groups.push(
                Group::with_title(title).element(Snippet::source(self.source).path(self.file).patch(patch)),
            );
        }
        groups
    }

    /// The bytes of a span, inside of the source and on the borders of characters.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let border = |offset: u32| {
            let mut at = usize::try_from(offset).unwrap_or(usize::MAX).min(self.source.len());
            while !self.source.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (border(span.start), border(span.end));
        start..end.max(start)
    }
}

fn place(index: &LineIndex, span: Span, into: &mut Object) {
    let (line, column) = index.line_column(span.start);
    let (end_line, end_column) = index.line_column(span.end);
    for (key, value) in
        [("line", line), ("column", column), ("end_line", end_line), ("end_column", end_column)]
    {
        into.insert(key, u64::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faramesh_call::Value;

    fn drawn(source: &str, diagnostic: Diagnostic) -> String {
        let found = Found { file: "governance.fms", source, diagnostics: &[diagnostic] };
        anstream::adapter::strip_str(&found.draw()).to_string()
    }

    #[test]
    fn a_message_has_code_place_help_and_fix() {
        let source = "agent \"é\" {\n  defautl deny\n}\n";
        let start = u32::try_from(source.find("defautl").unwrap()).unwrap();
        let span = Span { start, end: start + 7 };
        let diagnostic =
            Diagnostic::error(faramesh_syntax::Code(101), span, "there is no `defautl` in `agent`")
                .with_help("did you mean `default`?")
                .with_fix(span, "default", "write `default`");
        let found = Found { file: "governance.fms", source, diagnostics: std::slice::from_ref(&diagnostic) };
        assert_eq!(found.tally(), "1 error");
        let value: Value = found.to_list().into_iter().collect();
        let first = &value.as_list().unwrap()[0];
        assert_eq!(super::super::json::number(first, &["line"]), 2);
        assert_eq!(super::super::json::number(first, &["column"]), 3);
        assert_eq!(super::super::json::text(first, &["fix", "replacement"]), "default");
        let text = drawn(source, diagnostic);
        for part in [
            "error[FPL0101]: there is no `defautl`",
            "governance.fms:2:3",
            "help: did you mean",
            "write `default`",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }

    #[test]
    fn places_outside_of_the_source_are_moved_inside() {
        let span = Span { start: 1, end: 999 };
        let text = drawn("é", Diagnostic::warning(faramesh_syntax::Code(1), span, "odd"));
        assert!(text.contains("warning[FPL0001]: odd"), "{text}");
        let text = drawn("", Diagnostic::error(faramesh_syntax::Code(1), Span::default(), "empty"));
        assert!(text.contains("error[FPL0001]: empty"), "{text}");
    }
}
