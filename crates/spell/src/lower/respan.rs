//! Moves every place of an expression: from the text of a scalar to the source that it stands in.

use faramesh_syntax::ast::{Expr, Span, Spanned, Value};

type Move<'m> = &'m dyn Fn(Span) -> Span;

pub(super) fn respan_value(value: &mut Spanned<Value>, to: Move<'_>) {
    value.span = to(value.span);
    match &mut value.node {
        Value::List(elements) => elements.iter_mut().for_each(|element| respan_value(element, to)),
        Value::Expr(expr) => inner(expr, to),
        _ => {}
    }
}

pub(super) fn respan_expr(expr: &mut Spanned<Expr>, to: Move<'_>) {
    expr.span = to(expr.span);
    inner(&mut expr.node, to);
}

fn inner(expr: &mut Expr, to: Move<'_>) {
    let constant = |value: &mut Value| {
        let mut spanned = Spanned { node: std::mem::replace(value, Value::Null), span: Span::default() };
        respan_value(&mut spanned, to);
        *value = spanned.node;
    };
    match expr {
        Expr::Value(value) => constant(value),
        Expr::Path { root, steps } => {
            root.span = to(root.span);
            steps.iter_mut().for_each(|step| step.span = to(step.span));
        }
        Expr::List(elements) => elements.iter_mut().for_each(|element| respan_expr(element, to)),
        Expr::Not(operand) => respan_expr(operand, to),
        Expr::And(left, right) | Expr::Or(left, right) => {
            respan_expr(left, to);
            respan_expr(right, to);
        }
        Expr::Binary { op, left, right } => {
            op.span = to(op.span);
            respan_expr(left, to);
            respan_expr(right, to);
        }
        Expr::Method { receiver, name, args } => {
            respan_expr(receiver, to);
            name.span = to(name.span);
            args.iter_mut().for_each(|argument| respan_expr(argument, to));
        }
        Expr::Call { function, args, named } => {
            function.span = to(function.span);
            args.iter_mut().for_each(|argument| respan_expr(argument, to));
            for (name, value) in named {
                name.span = to(name.span);
                respan_value(value, to);
            }
        }
        Expr::Tool { .. } => {}
    }
}
