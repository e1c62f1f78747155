//! Checked rules as the prover takes them.

use faramesh_program::image::{Constant, Root};
use faramesh_prove as prove;

use crate::desugar;
use crate::stack::{Expression, Operand, Rule};

/// A rule with its clauses and its condition as one condition.
pub(super) fn rule(rule: &Rule) -> prove::Rule {
    prove::Rule {
        effect: rule.effect,
        pattern: rule.pattern.clone(),
        condition: desugar::rule_condition(rule).as_ref().map(condition),
    }
}

/// Whether a condition is one test of one argument, which some argument meets and another does not.
pub(super) fn is_plain(condition: &prove::Condition) -> bool {
    use prove::{Condition, Operand};
    let is_argument = |operand: &Operand| matches!(operand, Operand::Path(path) if matches!(path.root, Root::Args | Root::Field));
    let is_constant = |operand: &Operand| matches!(operand, Operand::Constant(Constant::Scalar(_)));
    match condition {
        Condition::Compare(_, left, right)
        | Condition::StartsWith(left, right)
        | Condition::EndsWith(left, right)
        | Condition::Contains(left, right) => is_argument(left) && is_constant(right),
        _ => false,
    }
}

fn condition(expression: &Expression) -> prove::Condition {
    let mut reads_facts = false;
    if !matches!(expression, Expression::Not(_) | Expression::All(_) | Expression::Any(_)) {
        super::skipped::each_operand(expression, &mut |operand| reads_facts |= is_fact(operand));
    }
    if reads_facts {
        return Condition::Outside("what the session, its history or a selector says".to_owned());
    }
    use prove::Condition;
    let all = |parts: &[Expression]| parts.iter().map(condition).collect();
    match expression {
        Expression::Constant(value) => Condition::Constant(*value),
        Expression::Not(inner) => Condition::Not(Box::new(condition(inner))),
        Expression::All(parts) => Condition::All(all(parts)),
        Expression::Any(parts) => Condition::Any(all(parts)),
        Expression::Compare { comparison, left, right } => {
            Condition::Compare(*comparison, operand(left), operand(right))
        }
        Expression::In { item, list } => Condition::In(operand(item), operand(list)),
        Expression::Contains { whole, part } => Condition::Contains(operand(whole), operand(part)),
        Expression::Matches { text, regex } => Condition::Matches(operand(text), regex.clone()),
        Expression::StartsWith { text, affix } => Condition::StartsWith(operand(text), operand(affix)),
        Expression::EndsWith { text, affix } => Condition::EndsWith(operand(text), operand(affix)),
        Expression::Has(path) => Condition::Has(path.clone()),
        Expression::Within { path, folder } => Condition::Within(operand(path), operand(folder)),
        Expression::Truth(value) => Condition::Truth(operand(value)),
    }
}

fn is_fact(operand: &Operand) -> bool {
    match operand {
        Operand::Fact(_) => true,
        Operand::List(items) => items.iter().any(is_fact),
        Operand::Lower(of) | Operand::Length(of) | Operand::Domain(of) => is_fact(of),
        Operand::Constant(_) | Operand::Path(_) => false,
    }
}

fn operand(written: &Operand) -> prove::Operand {
    let boxed = |of: &Operand| Box::new(operand(of));
    match written {
        Operand::Constant(constant) => prove::Operand::Constant(constant.clone()),
        Operand::Path(path) => prove::Operand::Path(path.clone()),
        // Conditions that read one are outside, and never get here.
        Operand::Fact(_) => prove::Operand::List(Vec::new()),
        Operand::List(items) => prove::Operand::List(items.iter().map(operand).collect()),
        Operand::Lower(of) => prove::Operand::Lower(boxed(of)),
        Operand::Length(of) => prove::Operand::Length(boxed(of)),
        Operand::Domain(of) => prove::Operand::Domain(boxed(of)),
    }
}
