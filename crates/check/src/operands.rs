//! Operands of conditions: constants, lists, and methods on values. Names are resolved in `names`.

use faramesh_program::image::{Constant, Scalar};
use faramesh_syntax::ast::{Expr, Name, Span, Spanned, Value};
use faramesh_syntax::{nearest, quote, render_expr};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, FUNCTIONS, METHODS, one_of};
use crate::facts::is_fact;
use crate::members::with_nearest;
use crate::rules::Reading;
use crate::stack::Operand;
use crate::types::{Type, Typed};

/// Methods that need no parentheses.
pub(crate) const COMPUTED: &[&str] = &["lower", "length", "domain"];

/// Words that people write for methods and operators.
const MEANT: &[(&str, &str)] = &[
    ("startswith", "starts_with"),
    ("has_prefix", "starts_with"),
    ("endswith", "ends_with"),
    ("has_suffix", "ends_with"),
    ("len", "length"),
    ("size", "length"),
    ("count", "length"),
    ("lowercase", "lower"),
    ("to_lower", "lower"),
    ("tolowercase", "lower"),
];

impl Checker<'_> {
    /// A value in a condition.
    pub fn operand(&mut self, expr: &Spanned<Expr>, reading: &mut Reading<'_>) -> Option<Typed> {
        let text = || render_expr(&expr.node);
        match &expr.node {
            Expr::Value(value) => self.value_operand(value, expr.span, reading),
            Expr::Path { root, steps } => self.path_operand(root, steps, expr.span, reading),
            Expr::List(items) => self.list_operand(items, expr.span, text(), reading),
            Expr::Method { receiver, name, args } => self.method_operand(receiver, name, args, expr, reading),
            Expr::Call { function, args, named } if is_fact(function) => {
                self.fact(function, args, named, expr)
            }
            Expr::Call { function, .. } if definitions::word(FUNCTIONS, &function.node).is_none() => {
                self.unknown_function(function);
                None
            }
            Expr::Tool { .. } => {
                let help = "a text stands in quotes";
                self.say(
                    codes::NOT_A_CONDITION,
                    expr.span,
                    format!("`{}` has no meaning here", text()),
                    help,
                );
                None
            }
            _ => {
                let message = format!("`{}` is true or false, and cannot be compared", text());
                self.say(
                    codes::NOT_A_CONDITION,
                    expr.span,
                    message,
                    "join conditions with `and`, `or` and `not`",
                );
                None
            }
        }
    }

    fn value_operand(&mut self, value: &Value, span: Span, reading: &mut Reading<'_>) -> Option<Typed> {
        let written = self.constant(&Spanned { node: value.clone(), span })?;
        let mut text = written.text;
        if let Value::Env { name, .. } = value {
            let name = format!("env({})", quote(name));
            reading.resolved.insert(name.clone(), std::mem::replace(&mut text, name));
        }
        Some(Typed {
            kind: Type::of_constant(&written.constant),
            operand: Operand::Constant(written.constant),
            span,
            text,
        })
    }

    fn list_operand(
        &mut self,
        items: &[Spanned<Expr>],
        span: Span,
        text: String,
        reading: &mut Reading<'_>,
    ) -> Option<Typed> {
        let mut operands = Vec::with_capacity(items.len());
        let mut intact = true;
        for item in items {
            let Some(typed) = self.operand(item, reading) else {
                intact = false;
                continue;
            };
            if typed.kind == Type::List {
                let message = "a list cannot stand in a list";
                self.say(
                    codes::TYPE_MISMATCH,
                    typed.span,
                    message,
                    "write two conditions with `or` between them",
                );
                intact = false;
            }
            operands.push(typed.operand);
        }
        if !intact {
            return None;
        }
        let constants: Option<Vec<_>> = operands
            .iter()
            .map(|operand| match operand {
                Operand::Constant(Constant::Scalar(scalar)) => Some(scalar.clone()),
                _ => None,
            })
            .collect();
        let operand = match constants {
            Some(scalars) => Operand::Constant(Constant::List(scalars)),
            None => Operand::List(operands),
        };
        Some(Typed { operand, kind: Type::List, span, text })
    }

    /// A method on what is no path, or a call of one with parentheses.
    fn method_operand(
        &mut self,
        receiver: &Spanned<Expr>,
        name: &Name,
        args: &[Spanned<Expr>],
        expr: &Spanned<Expr>,
        reading: &mut Reading<'_>,
    ) -> Option<Typed> {
        if COMPUTED.contains(&name.node.as_str()) && args.is_empty() {
            let typed = self.operand(receiver, reading)?;
            return self.computed(&name.node, typed, expr.span);
        }
        let word = name.node.as_str();
        let value = render_expr(&receiver.node);
        let (finding, message, help) = if COMPUTED.contains(&word) {
            (codes::WRONG_ARGUMENTS, format!("`{word}` takes no argument"), format!("write `{value}.{word}`"))
        } else if definitions::word(METHODS, word).is_some() {
            let message = format!("`{value}.{word}(…)` is true or false, and cannot be compared");
            (codes::NOT_A_CONDITION, message, "join conditions with `and`, `or` and `not`".to_owned())
        } else if matches!(word, "contains" | "matches" | "in") {
            let argument = args.first().map_or("…".to_owned(), |argument| render_expr(&argument.node));
            (
                codes::UNKNOWN_METHOD,
                format!("`{word}` is an operator, not a method"),
                format!("write `{value} {word} {argument}`"),
            )
        } else {
            let folded = word.to_ascii_lowercase();
            let meant = MEANT.iter().find(|(written, _)| *written == folded).map(|(_, meant)| *meant);
            let near = meant.or_else(|| nearest(word, METHODS.iter().map(|method| method.name)));
            let diagnostic = codes::UNKNOWN_METHOD.at(name.span, format!("there is no method `{word}`"));
            self.report(with_nearest(diagnostic, near, name.span, || {
                format!(
                    "the methods are {}",
                    one_of(&METHODS.iter().map(|method| method.name).collect::<Vec<_>>())
                )
            }));
            return None;
        };
        self.say(finding, name.span, message, help);
        None
    }

    /// `value.lower` and its like.
    pub fn computed(&mut self, method: &str, value: Typed, span: Span) -> Option<Typed> {
        let text = format!("{}.{method}", value.text);
        if method == "length" {
            if !matches!(value.kind, Type::Text | Type::List | Type::Any) {
                let message =
                    format!("`length` needs a text or a list, and `{}` is {}", value.text, value.kind.name());
                self.say(codes::TYPE_MISMATCH, span, message, "use it on a text or a list");
                return None;
            }
            // A list of constants has no place in the call to measure; its length is a constant as well.
            if let Operand::Constant(Constant::List(items)) = &value.operand {
                let operand = Operand::Constant(Constant::Scalar(Scalar::Number(items.len().to_string())));
                return Some(Typed { operand, kind: Type::Number, span, text });
            }
            return Some(Typed {
                operand: Operand::Length(Box::new(value.operand)),
                kind: Type::Number,
                span,
                text,
            });
        }
        if !self.is_text(method, &value) {
            return None;
        }
        let of = Box::new(value.operand);
        let operand = if method == "lower" { Operand::Lower(of) } else { Operand::Domain(of) };
        Some(Typed { operand, kind: Type::Text, span, text })
    }
}
