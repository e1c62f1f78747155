//! A condition back to text, in the one way it is written: for explanations and plans.

use std::fmt::{self, Write};

use crate::ast::{BinaryOp, Expr, Name, Span, Spanned, Step, Value};
use crate::literal::quote;

/// The canonical text of a condition, such as `amount < $500`. Its tree is at most
/// [`NESTING`](crate::limits::NESTING) high if it was parsed, which bounds the recursion.
pub fn render_expr(expr: &Expr) -> String {
    render_expr_of(expr, "")
}

/// The same for a condition that was read from `source`: a member that is written there in quotes, as in
/// `a["lower"]`, stays so, because `a.lower` may be computed from `a`.
pub fn render_expr_of(expr: &Expr, source: &str) -> String {
    let mut rendered = Rendered { text: String::new(), source };
    // Writing to a string does not fail.
    let _ = write_expr(&mut rendered, expr, Binding::Or);
    rendered.text
}

/// The text under way, and the source of what is written.
struct Rendered<'s> {
    text: String,
    source: &'s str,
}

impl Rendered<'_> {
    fn push(&mut self, character: char) {
        self.text.push(character);
    }

    fn push_str(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Whether what stands at `span` is in quotes.
    fn is_quoted(&self, span: Span) -> bool {
        let at = usize::try_from(span.start).ok();
        at.and_then(|at| self.source.as_bytes().get(at)) == Some(&b'"')
    }
}

impl Write for Rendered<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

/// How tightly an expression holds together; parentheses go around what is looser than its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Comparison,
    Operand,
}

fn binding(expr: &Expr) -> Binding {
    match expr {
        Expr::Or(..) => Binding::Or,
        Expr::And(..) => Binding::And,
        Expr::Not(_) => Binding::Not,
        Expr::Binary { .. } => Binding::Comparison,
        Expr::Value(Value::Expr(inner)) => binding(inner),
        _ => Binding::Operand,
    }
}

fn write_expr(out: &mut Rendered<'_>, expr: &Expr, place: Binding) -> fmt::Result {
    if binding(expr) < place {
        out.push('(');
        write_bare(out, expr)?;
        out.push(')');
        return Ok(());
    }
    write_bare(out, expr)
}

fn write_bare(out: &mut Rendered<'_>, expr: &Expr) -> fmt::Result {
    match expr {
        Expr::Value(value) => write_value(out, value),
        Expr::Path { root, steps } => {
            out.push_str(&root.node);
            steps.iter().try_for_each(|step| write_step(out, step))
        }
        Expr::List(elements) => {
            out.push('[');
            write_all(out, elements)?;
            out.push(']');
            Ok(())
        }
        Expr::Not(inner) => {
            out.push_str("not ");
            write_expr(out, &inner.node, Binding::Not)
        }
        Expr::And(left, right) => {
            write_pair(out, &left.node, " and ", &right.node, Binding::And, Binding::And)
        }
        Expr::Or(left, right) => write_pair(out, &left.node, " or ", &right.node, Binding::Or, Binding::Or),
        Expr::Binary { op, left, right } => {
            let sign = format!(" {} ", operator_text(op.node));
            write_pair(out, &left.node, &sign, &right.node, Binding::Operand, Binding::Operand)
        }
        Expr::Method { receiver, name, args } => {
            write_expr(out, &receiver.node, Binding::Operand)?;
            write!(out, ".{}(", name.node)?;
            write_all(out, args)?;
            out.push(')');
            Ok(())
        }
        Expr::Call { function, args, named } => write_call(out, function, args, named),
        Expr::Tool { pattern, field } => {
            write_pattern(out, pattern);
            field.iter().try_for_each(|field| write!(out, ".{field}"))
        }
    }
}

fn write_pair(
    out: &mut Rendered<'_>,
    left: &Expr,
    sign: &str,
    right: &Expr,
    left_place: Binding,
    right_place: Binding,
) -> fmt::Result {
    write_expr(out, left, left_place)?;
    out.push_str(sign);
    write_expr(out, right, right_place)
}

fn write_all(out: &mut Rendered<'_>, elements: &[Spanned<Expr>]) -> fmt::Result {
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write_expr(out, &element.node, Binding::Or)?;
    }
    Ok(())
}

fn write_call(
    out: &mut Rendered<'_>,
    function: &Name,
    args: &[Spanned<Expr>],
    named: &[(Name, Spanned<Value>)],
) -> fmt::Result {
    write!(out, "{}(", function.node)?;
    write_all(out, args)?;
    for (index, (name, value)) in named.iter().enumerate() {
        if index > 0 || !args.is_empty() {
            out.push_str(", ");
        }
        write!(out, "{}=", name.node)?;
        write_value(out, &value.node)?;
    }
    out.push(')');
    Ok(())
}

fn write_step(out: &mut Rendered<'_>, step: &Spanned<Step>) -> fmt::Result {
    match &step.node {
        Step::Key(key) if is_word(key) && !out.is_quoted(step.span) => write!(out, ".{key}"),
        Step::Key(key) => write!(out, "[{}]", quote(key)),
        Step::Index(index) => write!(out, "[{index}]"),
    }
}

fn write_value(out: &mut Rendered<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) => out.push_str(&quote(text)),
        Value::Number(text) | Value::Duration(text) | Value::Size(text) | Value::Word(text) => {
            out.push_str(text)
        }
        Value::Money(text) => match text.strip_prefix('-') {
            Some(digits) => write!(out, "-${digits}")?,
            None => write!(out, "${text}")?,
        },
        Value::Bool(value) => write!(out, "{value}")?,
        Value::Null => out.push_str("null"),
        Value::List(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_value(out, &element.node)?;
            }
            out.push(']');
        }
        Value::Env { name, default: None } => write!(out, "env({})", quote(name))?,
        Value::Env { name, default: Some(default) } => {
            write!(out, "env({}, {})", quote(name), quote(default))?
        }
        Value::Expr(expr) => write_bare(out, expr)?,
    }
    Ok(())
}

fn write_pattern(out: &mut Rendered<'_>, pattern: &str) {
    let plain = !pattern.is_empty()
        && !pattern.starts_with('/')
        && pattern.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-*/".contains(&byte));
    if plain { out.push_str(pattern) } else { out.push_str(&quote(pattern)) }
}

fn is_word(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

fn operator_text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::In => "in",
        BinaryOp::NotIn => "not in",
        BinaryOp::Contains => "contains",
        BinaryOp::Matches => "matches",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ast::Item;

    fn round(condition: &str) -> String {
        let parse = crate::parse(&format!("permit x if {condition}"));
        assert_eq!(parse.diagnostics(), [], "{condition}");
        match &parse.ast().items.first().unwrap().node {
            Item::Rule(rule) => render_expr(&rule.condition.as_ref().unwrap().node),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn conditions_are_rendered_in_one_way() {
        for (written, rendered) in [
            ("amount<$500", "amount < $500"),
            ("(amount > -$5.00)", "amount > -$5.00"),
            ("a && (b || !c)", "a and (b or not c)"),
            ("a and b and c and d or e", "a and b and c and d or e"),
            ("not (a or b)", "not (a or b)"),
            ("not a == b", "not a == b"),
            ("(not a) == b", "(not a) == b"),
            ("args[\"card\"][\"odd key\"][0].x-y == null", "args.card[\"odd key\"][0].x-y == null"),
            ("email.to not in [ \"@corp.example\", x, ]", "email.to not in [\"@corp.example\", x]"),
            ("a in [1, 2.50, 1e3, 30s, 10mb, true]", "a in [1, 2.50, 1e3, 30s, 10mb, true]"),
            ("url.lower.starts_with( \"a\\\"\" )", "url.lower.starts_with(\"a\\\"\")"),
            (
                "session.sum(stripe/refund.amount,window=1h)>=$5",
                "session.sum(stripe/refund.amount, window=1h) >= $5",
            ),
            (
                "history.contains(\"odd name:v1\", within = 2w)",
                "history.contains(\"odd name:v1\", within=2w)",
            ),
            ("session.count(stripe/*) < 3", "session.count(stripe/*) < 3"),
            ("within(path, env(\"ROOT\", \"./d\"))", "within(path, env(\"ROOT\", \"./d\"))"),
        ] {
            assert_eq!(round(written), rendered);
            assert_eq!(round(rendered), rendered, "what is rendered is canonical");
        }
    }
}
