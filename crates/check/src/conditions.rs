//! Conditions: what is true or false, and which operands may stand where.

use faramesh_program::image::{Comparison, Constant};
use faramesh_syntax::ast::{BinaryOp, Expr, Name, Span, Spanned, Value};

use crate::checker::Checker;
use crate::codes;
use crate::facts::is_fact;
use crate::rules::Reading;
use crate::stack::{Expression, MAX_HEIGHT, Operand};
use crate::types::{Type, Typed, comparison_misfit, impossible};

impl Checker<'_> {
    /// A condition or a part of one. Its parser bounds the recursion.
    pub fn expression(&mut self, expr: &Spanned<Expr>, reading: &mut Reading<'_>) -> Option<Expression> {
        match &expr.node {
            Expr::Value(Value::Bool(value)) => Some(Expression::Constant(*value)),
            Expr::Not(inner) => {
                reading.widens = !reading.widens;
                let inner = self.expression(inner, reading);
                reading.widens = !reading.widens;
                Some(Expression::Not(Box::new(inner?)))
            }
            Expr::And(..) => self.joined(expr, reading, true).map(Expression::All),
            Expr::Or(..) => self.joined(expr, reading, false).map(Expression::Any),
            Expr::Binary { op, left, right } => {
                let left = self.operand(left, reading);
                let right = self.operand(right, reading);
                self.binary(op, left?, right?, expr.span, reading)
            }
            Expr::Method { receiver, name, args }
                if matches!(name.node.as_str(), "starts_with" | "ends_with") =>
            {
                self.affix(receiver, name, args, reading)
            }
            Expr::Call { function, args, named } if is_fact(function) => {
                let typed = self.fact(function, args, named, expr)?;
                self.truth(typed)
            }
            Expr::Call { function, args, .. } => self.call(function, args, reading),
            Expr::Value(_) | Expr::List(_) | Expr::Path { .. } | Expr::Method { .. } | Expr::Tool { .. } => {
                let typed = self.operand(expr, reading)?;
                self.truth(typed)
            }
        }
    }

    /// The terms of a chain of `and` or of `or`.
    fn joined(
        &mut self,
        expr: &Spanned<Expr>,
        reading: &mut Reading<'_>,
        all: bool,
    ) -> Option<Vec<Expression>> {
        let mut terms = Vec::new();
        let mut rest = vec![expr];
        let mut intact = true;
        while let Some(expr) = rest.pop() {
            match &expr.node {
                Expr::And(left, right) if all => rest.extend([right.as_ref(), left.as_ref()]),
                Expr::Or(left, right) if !all => rest.extend([right.as_ref(), left.as_ref()]),
                _ => match self.expression(expr, reading) {
                    Some(term) => terms.push(term),
                    None => intact = false,
                },
            }
        }
        intact.then_some(terms)
    }

    fn truth(&mut self, typed: Typed) -> Option<Expression> {
        if typed.kind.may_be(Type::Bool) {
            return Some(Expression::Truth(typed.operand));
        }
        let message = format!("`{}` is {}, not a condition", typed.text, typed.kind.name());
        let help = match typed.kind {
            Type::List => format!("compare something with it, as in `amount in {}`", typed.text),
            _ if typed.constant().is_some() => {
                format!("compare something with it, as in `amount == {}`", typed.text)
            }
            Type::Object => format!("compare one of its members, or write `has({})`", typed.text),
            _ => format!("compare it with something, as in `{} == …`", typed.text),
        };
        self.say(codes::NOT_A_CONDITION, typed.span, message, help);
        None
    }

    fn binary(
        &mut self,
        op: &Spanned<BinaryOp>,
        left: Typed,
        right: Typed,
        span: Span,
        reading: &Reading<'_>,
    ) -> Option<Expression> {
        let comparison = match op.node {
            BinaryOp::In => return self.is_in(left, right),
            BinaryOp::NotIn => {
                return self.is_in(left, right).map(|found| Expression::Not(Box::new(found)));
            }
            BinaryOp::Contains => return self.contains(left, right),
            BinaryOp::Matches => return self.matches(left, &right, reading),
            BinaryOp::Equal => Comparison::Equal,
            BinaryOp::NotEqual => Comparison::NotEqual,
            BinaryOp::Less => Comparison::Less,
            BinaryOp::LessEqual => Comparison::LessEqual,
            BinaryOp::Greater => Comparison::Greater,
            BinaryOp::GreaterEqual => Comparison::GreaterEqual,
        };
        if let Some(misfit) = comparison_misfit(comparison, &left, &right, span) {
            self.report(misfit);
            return None;
        }
        Some(Expression::Compare { comparison, left: left.operand, right: right.operand })
    }

    fn is_in(&mut self, item: Typed, list: Typed) -> Option<Expression> {
        if !list.kind.may_be(Type::List) {
            let message = format!("`in` needs a list, and `{}` is {}", list.text, list.kind.name());
            let help = match list.kind {
                Type::Text if list.constant().is_some() => {
                    format!(
                        "write `{} in [{}]`, or `{} contains {}` for a part of it",
                        item.text, list.text, list.text, item.text
                    )
                }
                Type::Text => format!("write `{} contains {}` for a part of it", list.text, item.text),
                _ if list.constant().is_some() => format!("write `{} in [{}]`", item.text, list.text),
                _ => "write a list such as `[\"a\", \"b\"]`".to_owned(),
            };
            let mut found = codes::TYPE_MISMATCH.at(list.span, message).with_help(help);
            if list.kind == Type::Number && list.constant().is_some() {
                let written = format!("[{}]", list.text);
                found = found.with_fix(list.span, written.as_str(), format!("write `{written}`"));
            }
            self.report(found);
            return None;
        }
        if matches!(item.kind, Type::List | Type::Object) {
            let message = format!("`{}` is {}, and a list has single values", item.text, item.kind.name());
            self.say(codes::TYPE_MISMATCH, item.span, message, "compare each value by itself");
            return None;
        }
        if let Some(diagnostic) = impossible(&item, &list) {
            self.report(diagnostic);
            return None;
        }
        Some(Expression::In { item: item.operand, list: list.operand })
    }

    fn contains(&mut self, whole: Typed, part: Typed) -> Option<Expression> {
        // `["a", "b"] contains x` says the same as `x in ["a", "b"]`.
        if matches!(whole.operand, Operand::List(_) | Operand::Constant(Constant::List(_))) {
            return self.is_in(part, whole);
        }
        let misfit = if !matches!(whole.kind, Type::Text | Type::List | Type::Any) {
            Some((&whole, "a text or a list"))
        } else if matches!(part.kind, Type::List | Type::Object) {
            Some((&part, "a single value"))
        } else if whole.kind == Type::Text && !part.kind.may_be(Type::Text) {
            Some((&part, "a text"))
        } else {
            None
        };
        if let Some((side, wanted)) = misfit {
            let message =
                format!("`contains` needs {wanted} here, and `{}` is {}", side.text, side.kind.name());
            self.say(
                codes::TYPE_MISMATCH,
                side.span,
                message,
                "write `text contains \"part\"` or `list contains element`",
            );
            return None;
        }
        Some(Expression::Contains { whole: whole.operand, part: part.operand })
    }

    fn matches(&mut self, text: Typed, regex: &Typed, reading: &Reading<'_>) -> Option<Expression> {
        let Some(pattern) = regex.text_constant() else {
            let message =
                format!("`matches` needs a regular expression in quotes, and found `{}`", regex.text);
            self.say(
                codes::BAD_REGEX,
                regex.span,
                message,
                "write it as a text, as in `id matches \"^[0-9]+$\"`",
            );
            return None;
        };
        let fits = self.is_text("matches", &text);
        self.regex(pattern, regex.span)?;
        self.open_regex(&text, pattern, regex.span, reading);
        fits.then(|| Expression::Matches { text: text.operand, regex: pattern.to_owned() })
    }

    fn affix(
        &mut self,
        receiver: &Spanned<Expr>,
        name: &Name,
        args: &[Spanned<Expr>],
        reading: &mut Reading<'_>,
    ) -> Option<Expression> {
        let text = self.operand(receiver, reading);
        let [argument] = args else {
            self.wrong_count(name, 1, args.len(), &format!("`.{}(\"…\")`", name.node));
            return None;
        };
        let (text, affix) = (text?, self.operand(argument, reading)?);
        if !self.is_text(&name.node, &text) || !self.is_text(&name.node, &affix) {
            return None;
        }
        let (text, affix) = (text.operand, affix.operand);
        Some(if name.node == "starts_with" {
            Expression::StartsWith { text, affix }
        } else {
            Expression::EndsWith { text, affix }
        })
    }

    /// Whether an operand may be a text; reports if not.
    pub fn is_text(&mut self, what: &str, typed: &Typed) -> bool {
        let fits = typed.kind.may_be(Type::Text);
        if !fits {
            let message = format!("`{what}` needs a text, and `{}` is {}", typed.text, typed.kind.name());
            self.say(
                codes::TYPE_MISMATCH,
                typed.span,
                message,
                "use it on a text, or write a text in quotes",
            );
        }
        fits
    }

    /// Reports a wrong number of arguments.
    pub fn wrong_count(&mut self, name: &Name, wanted: usize, found: usize, form: &str) {
        let plural = if wanted == 1 { "" } else { "s" };
        let message = format!("`{}` takes {wanted} argument{plural}, and has {found}", name.node);
        self.say(codes::WRONG_ARGUMENTS, name.span, message, format!("write {form}"));
    }

    /// Reports a condition that is higher than the program's loader takes.
    pub fn height(&mut self, expression: &Expression, span: Span) -> Option<()> {
        if expression_height(expression) <= MAX_HEIGHT {
            return Some(());
        }
        let message = format!("this condition is nested more than {MAX_HEIGHT} levels deep");
        self.say(codes::TOO_DEEP, span, message, "split it into several rules");
        None
    }
}

fn expression_height(expression: &Expression) -> u32 {
    let operands = match expression {
        Expression::Constant(_) | Expression::Has(_) => 0,
        Expression::Not(inner) => expression_height(inner),
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().map(expression_height).max().unwrap_or(0)
        }
        Expression::Compare { left, right, .. } => operand_height(left).max(operand_height(right)),
        Expression::In { item, list } => operand_height(item).max(operand_height(list)),
        Expression::Contains { whole, part } => operand_height(whole).max(operand_height(part)),
        Expression::StartsWith { text, affix } | Expression::EndsWith { text, affix } => {
            operand_height(text).max(operand_height(affix))
        }
        Expression::Within { path, folder } => operand_height(path).max(operand_height(folder)),
        Expression::Matches { text, .. } => operand_height(text),
        Expression::Truth(operand) => operand_height(operand),
    };
    operands + 1
}

fn operand_height(operand: &Operand) -> u32 {
    match operand {
        Operand::Constant(_) | Operand::Path(_) | Operand::Fact(_) => 1,
        Operand::List(items) => items.iter().map(operand_height).max().unwrap_or(0) + 1,
        Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of) => operand_height(of) + 1,
    }
}
