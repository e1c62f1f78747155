//! What concerns an agent or the stack as a whole: missing defaults, agents without rules, permits
//! for everything.

use faramesh_program::image::RuleEffect;
use faramesh_syntax::ast::Span;

use crate::checker::Checker;
use crate::codes;
use crate::stack::{Agent, Stack};

pub(super) fn check(checker: &mut Checker<'_>, stack: &Stack) {
    if stack.agents.is_empty() && checker.enforces_everything() {
        let (message, help) = if stack.is_pack {
            (
                "this file is a pack: as a stack it governs no agent, and every call would be denied",
                "put it into a catalog; a stack takes its rules with `import` and `use`",
            )
        } else {
            (
                "this file governs no agent: every call would be denied",
                "write `agent \"name\" { rules { … } }`, or a rule such as `permit docs/search`",
            )
        };
        checker.say(codes::NO_AGENTS, Span::default(), message, help);
    }
    misspelt_variables(checker);
    for agent in &stack.agents {
        agent_as_a_whole(checker, agent);
    }
}

/// A budget counts what calls cost, which people take for the money that calls move.
fn budgets_beside_amounts(checker: &mut Checker<'_>, agent: &Agent) {
    let reads_amount = |text: &str| {
        text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "amount")
    };
    let rule = agent.rules.iter().find(|rule| {
        rule.is_own() && rule.condition.as_ref().is_some_and(|condition| reads_amount(&condition.text))
    });
    let Some(rule) = rule else { return };
    for budget in &agent.blocks.budgets {
        let counts_money = budget.max_micros.is_some() || budget.daily_micros.is_some();
        if counts_money && budget.cost.is_none() {
            let message = format!(
                "the budget `{}` counts what calls cost, and not the `amount` that they move",
                budget.id
            );
            checker.say(
                codes::COST_NOT_AMOUNT,
                rule.span,
                message,
                "write `cost = amount` in it to cap the money moved",
            );
        }
    }
}

fn misspelt_variables(checker: &mut Checker<'_>) {
    for (name, span, variable) in std::mem::take(&mut checker.near_variables) {
        if checker.read_variables.contains(&variable) {
            continue;
        }
        let message =
            format!("`{name}` is an argument of the tool here, and nothing reads the variable `{variable}`");
        let help = format!("if the variable is meant, write `{variable}`; if not, remove the variable");
        let diagnostic = codes::MISSPELT_VARIABLE.at(span, message).with_help(help);
        checker.report(diagnostic.with_fix(span, variable.as_str(), format!("write `{variable}`")));
    }
}

/// Where `default deny` can be written, and with which white space: behind the `{` of an agent, or before
/// the first rule of a file without agents.
fn place_of_default(checker: &Checker<'_>, agent: &Agent) -> Option<(Span, &'static str)> {
    let at = |offset: u32| Span { start: offset, end: offset };
    if agent.anonymous {
        let start = usize::try_from(agent.span.start).ok()?;
        let before = checker.source.get(..start)?;
        return (before.is_empty() || before.ends_with('\n'))
            .then(|| (at(agent.span.start), "default deny\n"));
    }
    let rest = checker.source.get(usize::try_from(agent.span.end).ok()?..)?;
    let spaces = rest.len() - rest.trim_start().len();
    let body = rest.get(spaces..)?.strip_prefix('{')?;
    let offset = agent.span.end.checked_add(u32::try_from(spaces).ok()?)?.checked_add(1)?;
    Some((at(offset), if body.starts_with('\n') { "\n  default deny" } else { " default deny" }))
}

fn agent_as_a_whole(checker: &mut Checker<'_>, agent: &Agent) {
    let subject =
        if agent.anonymous { "this file".to_owned() } else { format!("the agent `{}`", agent.name) };
    let default = agent.default.unwrap_or(RuleEffect::Deny);
    if agent.default.is_none() {
        let message = format!("{subject} has no `default`, so a call that no rule matches is denied");
        let mut found =
            codes::MISSING_DEFAULT.at(agent.span, message).with_help("write `default deny` to say so");
        if let Some((place, text)) = place_of_default(checker, agent) {
            found = found.with_fix(place, text, "write `default deny`");
        }
        checker.report(found);
    }
    if agent.rules.is_empty() {
        let message =
            format!("{subject} has no rules, so every call is decided by its default: {}", default.as_str());
        checker.say(codes::NO_RULES, agent.span, message, "write `rules { permit … }`");
    }
    if default == RuleEffect::Permit {
        let message = format!("{subject} permits every call that no rule matches");
        checker.say(
            codes::PERMIT_EVERYTHING,
            agent.span,
            message,
            "write `default deny`, and a `permit` for each tool that is needed",
        );
    }
    budgets_beside_amounts(checker, agent);
    for rule in &agent.rules {
        let unconditional = rule.condition.is_none() && rule.clauses.is_empty();
        if rule.effect == RuleEffect::Permit && rule.pattern == "*" && unconditional {
            let message = "this permits every call of every tool";
            checker.say(
                codes::PERMIT_EVERYTHING,
                rule.span,
                message,
                "name the tools that are needed, or add a condition",
            );
        }
    }
}
