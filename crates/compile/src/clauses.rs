//! Clauses of rules as conditions. The values of a clause are alternatives.

use faramesh_call::path::normalise;
use faramesh_check::stack::{Clause, ClauseKind};
use faramesh_program::image::{Comparison, Constant, Expression, Operand, Path, Root, Scalar, Step};

use crate::CompileError;
use crate::globs;
use crate::intern::Interner;

impl Interner {
    /// A clause as an expression.
    pub fn clause(&mut self, clause: &Clause) -> Result<u32, CompileError> {
        let path = place(&clause.kind);
        let texts: Vec<&str> = clause
            .values
            .iter()
            .filter_map(|value| match value {
                Scalar::String(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        if texts.contains(&"*") {
            let path = self.bare_path(path)?;
            return self.add(Expression::Has(path));
        }
        let subject = self.path(path)?;
        if clause.kind == ClauseKind::Port {
            return self.one_of(subject, clause.values.clone());
        }
        // The case of letters counts for nothing here, in the same way with a `*` and without.
        let folds = matches!(clause.kind, ClauseKind::Host | ClauseKind::Method);
        let subject = if folds { self.add_operand(Operand::Lower(subject))? } else { subject };
        let (globs, exact): (Vec<&str>, Vec<&str>) =
            texts.into_iter().partition(|text| is_glob(&clause.kind, text));
        let mut alternatives = Vec::with_capacity(globs.len() + 1);
        if !exact.is_empty() {
            let values = exact.into_iter().flat_map(|text| spellings(&clause.kind, text));
            alternatives.push(self.one_of(subject, values.map(Scalar::String).collect())?);
        }
        for glob in globs {
            let regex = match clause.kind {
                ClauseKind::Host => globs::host(&glob.to_lowercase()),
                ClauseKind::Method => globs::method(&glob.to_lowercase()),
                ClauseKind::Path => globs::path(&normalise(glob)),
                _ => globs::text(glob),
            };
            let regex = self.regex(regex)?;
            alternatives.push(self.add(Expression::Matches { text: subject, regex })?);
        }
        match alternatives.as_slice() {
            [only] => Ok(*only),
            _ => self.add(Expression::Any(alternatives)),
        }
    }

    fn one_of(&mut self, subject: u32, mut values: Vec<Scalar>) -> Result<u32, CompileError> {
        if let [_] = values.as_slice()
            && let Some(value) = values.pop()
        {
            let right = self.constant(Constant::Scalar(value))?;
            return self.add(Expression::Compare { comparison: Comparison::Equal, left: subject, right });
        }
        let list = self.constant(Constant::List(values))?;
        self.add(Expression::In { item: subject, list })
    }
}

fn place(kind: &ClauseKind) -> Path {
    let (root, text, key) = match kind {
        ClauseKind::Host => (Root::Host, "host", None),
        ClauseKind::Port => (Root::Port, "port", None),
        ClauseKind::Method => (Root::Method, "method", None),
        ClauseKind::Path => (Root::Path, "path", None),
        ClauseKind::Query(key) => (Root::Query, "query", Some(key)),
        ClauseKind::Header(key) => (Root::Headers, "headers", Some(key)),
    };
    let text = key.map_or_else(|| text.to_owned(), |key| format!("{text}.{key}"));
    Path { root, steps: key.map(|key| Step::Key(key.clone())).into_iter().collect(), text }
}

/// Whether a value needs a regular expression. A text that begins with `@` would be a domain in a comparison.
fn is_glob(kind: &ClauseKind, text: &str) -> bool {
    let is_text = matches!(kind, ClauseKind::Query(_) | ClauseKind::Header(_));
    text.contains('*') || is_text && text.starts_with('@')
}

/// Every form in which a call may write the same thing.
fn spellings(kind: &ClauseKind, text: &str) -> Vec<String> {
    match kind {
        ClauseKind::Host => {
            let host = text.to_lowercase();
            vec![format!("{host}."), host]
        }
        ClauseKind::Method => vec![text.to_lowercase()],
        ClauseKind::Path => {
            let path = normalise(text).trim_end_matches('/').to_owned();
            if path.is_empty() { vec!["/".to_owned()] } else { vec![format!("{path}/"), path] }
        }
        _ => vec![text.to_owned()],
    }
}
