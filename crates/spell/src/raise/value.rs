//! Values in the shortest form that is read back as the same value.

use faramesh_syntax::ast::{Expr, Span, Spanned, Value};
use faramesh_syntax::render_expr_of;

use super::Raise;
use crate::lower::literal;
use crate::names::Mode;
use crate::tree::{Data, Entry, Node, is_json_number};

impl Raise<'_> {
    /// The value of a key whose texts are read in `mode`. A bare word of a setting is a text.
    pub(super) fn value(&mut self, value: &Spanned<Value>, mode: Mode) -> Node {
        let span = value.span;
        match &value.node {
            Value::String(text) => self.string(text, mode, span),
            Value::Number(text) if is_json_number(text) => Node::number(text.clone(), span),
            Value::Bool(value) => Node::new(Data::Bool(*value), span),
            Value::Null => Node::new(Data::Null, span),
            Value::List(items) => {
                let nodes = items.iter().map(|item| self.value(item, mode)).collect();
                Node::list(nodes, span)
            }
            Value::Env { name, default } => {
                let mut entries = vec![Entry::new("env", Node::text(name.clone(), span), span)];
                entries.extend(
                    default.iter().map(|text| Entry::new("default", Node::text(text.clone(), span), span)),
                );
                Node::form(entries, span)
            }
            Value::Word(word) if mode == Mode::Expression => Node::text(word.clone(), span),
            Value::Word(word) => self.string(word, mode, span),
            other @ (Value::Money(_) | Value::Duration(_) | Value::Size(_))
                if matches!(mode, Mode::Literal | Mode::Measure) =>
            {
                Node::text(self.written(other), span)
            }
            other if mode == Mode::Expression => Node::text(self.written(other), span),
            other => one("expr", &self.written(other), span),
        }
    }

    /// The value of a clause, where a bare word names a variable.
    pub(super) fn clause_value(&mut self, value: &Spanned<Value>, mode: Mode) -> Node {
        match &value.node {
            Value::Word(word) => one("var", word, value.span),
            Value::List(items) => {
                let nodes = items.iter().map(|item| self.clause_value(item, mode)).collect();
                Node::list(nodes, value.span)
            }
            _ => self.value(value, mode),
        }
    }

    /// The value as FPL writes it.
    fn written(&self, value: &Value) -> String {
        render_expr_of(&Expr::Value(value.clone()), self.source)
    }

    fn string(&mut self, text: &str, mode: Mode, span: Span) -> Node {
        let is_plain = match mode {
            Mode::Words => true,
            Mode::Text | Mode::Measure => !text.starts_with("env("),
            Mode::Literal => !text.starts_with("env(") && literal(text).is_none(),
            Mode::Expression => return Node::text(faramesh_syntax::quote(text), span),
        };
        if is_plain { Node::text(text, span) } else { one("text", text, span) }
    }
}

fn one(key: &str, text: &str, span: Span) -> Node {
    Node::form(vec![Entry::new(key, Node::text(text, span), span)], span)
}
