//! What conditions read that no call holds: sums and counts of a session, its history and purpose, and
//! the values of selectors. They are carried as they are written; the daemon gives them their values.

use faramesh_program::image::{Fact, Step};
use faramesh_syntax::ast::{self, Expr, Name, Span, Spanned, Value};
use faramesh_syntax::{nearest, render_expr};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, FUNCTIONS, Status};
use crate::members::with_nearest;
use crate::stack::Operand;
use crate::types::{Type, Typed};
use crate::values::duration_ms;

/// Functions whose value comes from the daemon.
const FACTS: &[&str] =
    &["purpose", "session.calls", "session.cost", "session.sum", "session.count", "history.contains"];

/// Whether a function reads what no call holds.
pub(crate) fn is_fact(function: &Name) -> bool {
    FACTS.contains(&function.node.as_str())
}

impl Typed {
    /// A value that the daemon knows.
    pub fn fact(fact: Fact, span: Span, text: String) -> Self {
        let kind = match fact {
            Fact::SessionCalls | Fact::SessionCost | Fact::SessionSum { .. } | Fact::SessionCount { .. } => {
                Type::Number
            }
            Fact::HistoryContains { .. } | Fact::Purpose(_) => Type::Bool,
            Fact::Selector { .. } => Type::Any,
        };
        Self { operand: Operand::Fact(Box::new(fact)), kind, span, text }
    }
}

impl Checker<'_> {
    /// A call of a function that [`is_fact`].
    pub fn fact(
        &mut self,
        function: &Name,
        args: &[Spanned<Expr>],
        named: &[(Name, Spanned<Value>)],
        expr: &Spanned<Expr>,
    ) -> Option<Typed> {
        let name = function.node.as_str();
        self.note_function(name, function.span);
        let bound = self.fact_window(function, named)?;
        let fact = match (name, args) {
            ("session.calls", []) => Fact::SessionCalls,
            ("session.cost", []) => Fact::SessionCost,
            ("purpose", [purpose]) => Fact::Purpose(self.purpose(purpose)?),
            ("session.sum", [tool]) => {
                let (pattern, field) = self.fact_tool(function, tool)?;
                let Some(field) = field else {
                    let message = "`session.sum` adds up a field, and this names none";
                    self.say(codes::WRONG_ARGUMENTS, tool.span, message, form(name));
                    return None;
                };
                Fact::SessionSum { pattern, field: steps(&field), window_ms: bound }
            }
            ("session.count" | "history.contains", [tool]) => {
                let (pattern, field) = self.fact_tool(function, tool)?;
                if let Some(field) = field {
                    let message =
                        format!("`{name}` takes a tool, and `.{field}` is a field of its arguments");
                    self.say(codes::WRONG_ARGUMENTS, tool.span, message, form(name));
                    return None;
                }
                if name == "session.count" {
                    Fact::SessionCount { pattern, window_ms: bound }
                } else {
                    Fact::HistoryContains { pattern, within_ms: bound }
                }
            }
            _ => {
                let wanted = usize::from(!matches!(name, "session.calls" | "session.cost"));
                let form = definitions::word(FUNCTIONS, name).map_or("", |word| word.form);
                self.wrong_count(function, wanted, args.len(), &format!("`{form}`"));
                return None;
            }
        };
        Some(Typed::fact(fact, expr.span, render_expr(&expr.node)))
    }

    /// Notes a function that this version does not enforce.
    pub fn note_function(&mut self, name: &str, span: Span) {
        if definitions::word(FUNCTIONS, name).is_some_and(|word| word.status == Status::NotYet) {
            self.not_yet(name, span);
        }
    }

    /// The value of a selector, or of a member of it.
    pub fn selector_operand(
        &mut self,
        name: &str,
        fields: &[Spanned<ast::Step>],
        span: Span,
        text: String,
    ) -> Typed {
        let steps = fields.iter().map(|step| match &step.node {
            ast::Step::Key(key) => Step::Key(key.clone()),
            ast::Step::Index(index) => Step::Index(*index),
        });
        Typed::fact(Fact::Selector { name: name.to_owned(), steps: steps.collect() }, span, text)
    }

    fn purpose(&mut self, purpose: &Spanned<Expr>) -> Option<String> {
        if let Expr::Value(Value::String(text)) = &purpose.node
            && !text.trim().is_empty()
        {
            return Some(text.clone());
        }
        let message = "`purpose` takes a text";
        self.say(codes::WRONG_ARGUMENTS, purpose.span, message, form("purpose"));
        None
    }

    fn fact_tool(&mut self, function: &Name, tool: &Spanned<Expr>) -> Option<(String, Option<String>)> {
        if let Expr::Tool { pattern, field } = &tool.node {
            self.pattern(&Spanned { node: pattern.clone(), span: tool.span });
            return Some((pattern.clone(), field.clone()));
        }
        let message = format!("`{}` takes a tool pattern", function.node);
        self.say(codes::WRONG_ARGUMENTS, tool.span, message, form(&function.node));
        None
    }

    /// `window=1h`, `within=10m`; the outer `None` when it is wrong.
    fn fact_window(&mut self, function: &Name, named: &[(Name, Spanned<Value>)]) -> Option<Option<u64>> {
        let wanted: &[&str] = match function.node.as_str() {
            "session.sum" | "session.count" => &["window"],
            "history.contains" => &["within"],
            _ => &[],
        };
        let mut bound = None;
        for (name, value) in named {
            if !wanted.contains(&name.node.as_str()) {
                let near = nearest(&name.node, wanted.iter().copied());
                let message = format!("`{}` has no argument `{}`", function.node, name.node);
                let diagnostic = codes::WRONG_ARGUMENTS.at(name.span, message);
                self.report(with_nearest(diagnostic, near, name.span, || form(&function.node)));
                return None;
            }
            let duration = match &value.node {
                Value::Duration(text) | Value::String(text) => duration_ms(text).filter(|length| *length > 0),
                _ => None,
            };
            if duration.is_none() || bound.is_some() {
                let message = format!("`{}` takes one duration above zero", name.node);
                self.say(codes::WRONG_ARGUMENTS, value.span, message, form(&function.node));
                return None;
            }
            bound = duration;
        }
        Some(bound)
    }
}

fn form(function: &str) -> String {
    let form = definitions::word(FUNCTIONS, function).map_or("", |word| word.form);
    format!("write `{form}`")
}

fn steps(field: &str) -> Vec<Step> {
    field.split('.').map(|name| Step::Key(name.to_owned())).collect()
}
