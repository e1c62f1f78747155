//! Constructs of the language that this version knows and does not enforce. Each gives one error,
//! however often it occurs: a policy must never promise what nobody keeps.

use faramesh_syntax::Diagnostic;
use faramesh_syntax::ast::Span;

use crate::codes;

/// Most further places that one message shows.
const LABELS: usize = 8;

/// The constructs found so far, in the order of their first occurrence.
#[derive(Debug, Default)]
pub(crate) struct NotYet {
    found: Vec<Construct>,
}

#[derive(Debug)]
struct Construct {
    name: String,
    spans: Vec<Span>,
}

impl NotYet {
    /// Notes one occurrence of a construct, named as its author knows it: `budget`, `runtime.os_tier`.
    pub fn add(&mut self, name: impl Into<String>, span: Span) {
        let name = name.into();
        match self.found.iter_mut().find(|construct| construct.name == name) {
            Some(construct) if construct.spans.len() <= LABELS => construct.spans.push(span),
            Some(_) => {}
            None => self.found.push(Construct { name, spans: vec![span] }),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// One error for each construct.
    pub fn diagnostics(self) -> impl Iterator<Item = Diagnostic> {
        self.found.into_iter().map(|construct| {
            let mut spans = construct.spans.into_iter();
            let first = spans.next().unwrap_or_default();
            let name = construct.name;
            let help = format!(
                "remove `{name}`, or keep this stack from `apply` until a version of faramesh enforces it"
            );
            let error =
                codes::NOT_ENFORCED.at(first, format!("`{name}` is not enforced yet")).with_help(help);
            spans.fold(error, |error, span| error.with_label(span, "here as well"))
        })
    }
}
