//! The messages about rules that never decide, or whose conditions say less than they seem to.

use faramesh_program::image::RuleEffect;
use faramesh_syntax::ast::Span;

use super::reach::Finding;
use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Rule};

/// Most earlier rules that a message names.
const NAMED: usize = 6;

/// An earlier rule that decides first.
pub(super) struct Blame<'a> {
    rule: &'a Rule,
}

impl<'a> Blame<'a> {
    pub fn of(rule: &'a Rule) -> Self {
        Self { rule }
    }
}

/// Reports a finding; says whether it was a permit for everything.
pub(super) fn report(checker: &mut Checker<'_>, rule: &Rule, finding: &Finding<'_>) -> bool {
    let condition = rule.condition.as_ref().map_or(rule.span, |condition| condition.span);
    let pattern = &rule.pattern;
    match finding {
        Finding::Unreached(blamed) => unreached(checker, rule, blamed),
        Finding::OnlyUnknown(blamed) => {
            let message = format!(
                "this {} decides only calls on which its condition is unknown: {}",
                rule.effect.as_str(),
                deciding(checker, blamed, "first on every call of which it is true")
            );
            let help = "move it up, or remove it";
            labelled(checker, codes::ONLY_UNKNOWN.at(rule.span, message).with_help(help), blamed);
        }
        Finding::NeverTrue => {
            let message = format!("no call of `{pattern}` makes this condition true");
            checker.say(codes::NEVER_TRUE, condition, message, "correct it, or remove the rule");
        }
        Finding::AlwaysTrue if rule.effect == RuleEffect::Permit && pattern == "*" => {
            let message = "this permits every call of every tool, since its condition is always true";
            let help = "name the tools that are needed, or correct the condition";
            checker.say(codes::PERMIT_EVERYTHING, rule.span, message, help);
            return true;
        }
        Finding::AlwaysTrue => {
            let message = format!("every call of `{pattern}` makes this condition true");
            checker.say(codes::ALWAYS_TRUE, condition, message, "remove it, or correct it");
        }
    }
    false
}

fn unreached(checker: &mut Checker<'_>, rule: &Rule, blamed: &[Blame<'_>]) {
    let effect = rule.effect.as_str();
    let is_mandatory = |blame: &Blame<'_>| blame.rule.effect == RuleEffect::DenyAlways;
    let undone = matches!(rule.effect, RuleEffect::Permit | RuleEffect::Defer);
    let diagnostic = if undone && blamed.iter().all(is_mandatory) {
        let what = match blamed {
            [only] => format!("`deny! {}` in {} overrides it", only.rule.pattern, lines(checker, blamed)),
            _ => format!("the `deny!` rules in {} override it", lines(checker, blamed)),
        };
        codes::UNDER_MANDATORY_DENY
            .at(rule.span, format!("this {effect} never applies: {what}"))
            .with_help("remove one of the two, or narrow the `deny!`")
    } else {
        let what = match blamed {
            [only] if only.rule.condition.is_none() && only.rule.clauses.is_empty() => {
                format!("every call of `{}` first", rule.pattern)
            }
            _ => "first on every call that it matches".to_owned(),
        };
        let message = format!("this rule is never reached: {}", deciding(checker, blamed, &what));
        let same = blamed.iter().all(|blame| blame.rule.effect == rule.effect);
        let help = match (same, blamed) {
            (true, _) => "remove it",
            (false, [only]) if only.rule.condition.is_none() && only.rule.clauses.is_empty() => {
                "move it up, or give the earlier rule a condition"
            }
            (false, _) => "move it up, or correct the conditions",
        };
        codes::UNREACHABLE_RULE.at(rule.span, message).with_help(help)
    };
    labelled(checker, diagnostic, blamed);
}

fn labelled(checker: &mut Checker<'_>, diagnostic: faramesh_syntax::Diagnostic, blamed: &[Blame<'_>]) {
    let text = if blamed.len() == 1 { "this rule decides first" } else { "this one decides some of them" };
    let named = blamed.iter().take(NAMED);
    let diagnostic = named.fold(diagnostic, |diagnostic, blame| diagnostic.with_label(blame.rule.span, text));
    checker.report(diagnostic);
}

/// `line 2 decides every call …`, `lines 2 and 3 together decide every call …`
fn deciding(checker: &Checker<'_>, blamed: &[Blame<'_>], what: &str) -> String {
    let lines = lines(checker, blamed);
    if blamed.len() == 1 {
        format!("{lines} decides {what}")
    } else {
        format!("{lines} together decide {what}")
    }
}

/// `line 2`, `lines 2, 3 and 5`
fn lines(checker: &Checker<'_>, blamed: &[Blame<'_>]) -> String {
    let numbers: Vec<String> = blamed.iter().map(|blame| checker.line(blame.rule.span).to_string()).collect();
    match numbers.as_slice() {
        [] => "earlier rules".to_owned(),
        [only] => format!("line {only}"),
        [start @ .., last] if numbers.len() <= NAMED => format!("lines {} and {last}", start.join(", ")),
        [first, ..] => format!("{} rules from line {first} on", numbers.len()),
    }
}

fn subject(agent: &Agent) -> String {
    if agent.anonymous { "this file".to_owned() } else { format!("the agent `{}`", agent.name) }
}

pub(super) fn permits_everything(checker: &mut Checker<'_>, agent: &Agent) {
    let message = format!("the rules of {} together permit every call of every tool", subject(agent));
    let help = "name the tools that are needed, or correct the conditions";
    checker.say(codes::PERMIT_EVERYTHING, agent.span, message, help);
}

pub(super) fn default_unreachable(checker: &mut Checker<'_>, agent: &Agent, default: RuleEffect) {
    let message = format!(
        "the `default {}` of {} never applies: its rules decide every call",
        default.as_str(),
        subject(agent)
    );
    let span: Span = agent.span;
    checker.say(codes::DEFAULT_UNREACHABLE, span, message, "remove it, or correct the rules");
}
