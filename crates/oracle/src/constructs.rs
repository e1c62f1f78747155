//! Which constructs of the language a rule uses, so that a run can show what it tried.

use std::collections::BTreeSet;

use faramesh_syntax::ast::{BinaryOp, Expr, Rule, Spanned, Step, Value};

/// Operators, methods, functions and clauses that a comparison of two interpreters must exercise.
pub const ALL: &[&str] = &[
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "in",
    "not in",
    "contains",
    "matches",
    "and",
    "or",
    "not",
    ".starts_with",
    ".ends_with",
    ".lower",
    ".length",
    ".domain",
    "has",
    "within",
    "truth",
    "list of reads",
    "time",
    "host",
    "port",
    "method",
    "path",
    "query",
    "header",
];

/// The constructs of a rule's condition and clauses.
#[must_use]
pub fn of_rule(rule: &Rule) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    if let Some(condition) = &rule.condition {
        condition_of(condition, &mut found);
    }
    for clause in &rule.clauses {
        found.extend(known(&clause.node.keyword.node));
    }
    found
}

fn known(name: &str) -> Option<&'static str> {
    ALL.iter().find(|known| **known == name).copied()
}

fn condition_of(expr: &Spanned<Expr>, found: &mut BTreeSet<&'static str>) {
    let is_value = match &expr.node {
        Expr::Value(Value::Bool(_)) => false,
        Expr::Value(_) | Expr::Path { .. } | Expr::List(_) => true,
        Expr::Method { name, .. } => !matches!(name.node.as_str(), "starts_with" | "ends_with"),
        _ => false,
    };
    if is_value {
        found.extend(known("truth"));
    }
    walk(expr, found);
}

fn walk(expr: &Spanned<Expr>, found: &mut BTreeSet<&'static str>) {
    match &expr.node {
        Expr::Not(inner) => {
            found.extend(known("not"));
            condition_of(inner, found);
        }
        Expr::And(left, right) | Expr::Or(left, right) => {
            found.extend(known(if matches!(expr.node, Expr::And(..)) { "and" } else { "or" }));
            condition_of(left, found);
            condition_of(right, found);
        }
        Expr::Binary { op, left, right } => {
            found.extend(known(operator(op.node)));
            walk(left, found);
            walk(right, found);
        }
        Expr::Method { receiver, name, args } => {
            found.extend(known(&format!(".{}", name.node)));
            walk(receiver, found);
            args.iter().for_each(|arg| walk(arg, found));
        }
        Expr::Call { function, args, .. } => {
            found.extend(known(&function.node));
            args.iter().for_each(|arg| walk(arg, found));
        }
        Expr::List(items) => {
            found.extend(known("list of reads"));
            items.iter().for_each(|item| walk(item, found));
        }
        Expr::Path { root, steps } => {
            if root.node == "time" {
                found.extend(known("time"));
            }
            for step in steps {
                if let Step::Key(key) = &step.node {
                    found.extend(known(&format!(".{key}")));
                }
            }
        }
        Expr::Value(_) | Expr::Tool { .. } => {}
    }
}

fn operator(op: BinaryOp) -> &'static str {
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
