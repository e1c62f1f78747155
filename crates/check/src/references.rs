//! Names that must be declared elsewhere: agents and providers of the stack, looked up when the whole
//! file is read, and whatever else the caller knows the names of.

use faramesh_syntax::ast::Span;
use faramesh_syntax::nearest;

use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;

/// Most names that one message lists.
const LISTED: usize = 8;

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Referred {
    Agent,
    Provider,
}

/// A name that must be declared somewhere.
#[derive(Debug)]
pub(crate) struct Reference {
    what: Referred,
    name: String,
    span: Span,
}

impl Checker<'_> {
    /// Notes a name to be looked up at the end.
    pub fn refer(&mut self, what: Referred, name: &str, span: Span) {
        self.references.push(Reference { what, name: name.to_owned(), span });
    }

    /// Reports names that nothing declares.
    pub fn look_up_references(&mut self, agents: &[&str], providers: &[&str]) {
        for reference in std::mem::take(&mut self.references) {
            let (what, form, known) = match reference.what {
                Referred::Agent => ("agent", "agent \"…\" { … }", agents),
                Referred::Provider => ("provider", "provider \"…\" { … }", providers),
            };
            let form =
                form.replace('…', &reference.name).replacen(&format!("{{ {} }}", reference.name), "{ … }", 1);
            let help = format!("declare it: `{form}`");
            self.look_up(what, &reference.name, reference.span, known, &help);
        }
    }

    /// Reports a name that is not among those that are known; gives whether it is.
    pub fn look_up(&mut self, what: &str, name: &str, span: Span, known: &[&str], otherwise: &str) -> bool {
        if known.contains(&name) {
            return true;
        }
        let near = nearest(name, known.iter().copied());
        let diagnostic = codes::UNKNOWN_REFERENCE.at(span, format!("there is no {what} `{name}`"));
        let quoted = self.first_byte(span) == Some(b'"');
        self.report(match near {
            Some(near) => {
                let replacement = if quoted { format!("\"{near}\"") } else { near.to_owned() };
                diagnostic.with_help(format!("did you mean `{near}`?")).with_fix(
                    span,
                    replacement,
                    format!("write `{near}`"),
                )
            }
            None if known.is_empty() || known.len() > LISTED => diagnostic.with_help(otherwise),
            None => diagnostic.with_help(format!("{otherwise}, or write {}", one_of(known))),
        });
        false
    }
}
