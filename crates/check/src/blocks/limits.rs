//! Bounds without money: `rate_limit`, `session`, `ambient`, `completion_gate`.

use faramesh_call::Number;
use faramesh_program::image::{Ambient, RateLimit, Requirement, SessionLimits, Sharing};
use faramesh_syntax::ast::{Item, Name, Spanned, Value};
use faramesh_syntax::nearest;

use super::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::with_nearest;
use crate::scope::Scope;
use crate::stack::Operand;
use crate::values::duration_ms;

/// Most customers that are counted in a day: each is remembered until the day after.
const MAX_CUSTOMERS: u64 = 10_000;
/// What follows the period of a `rate_limit`.
const OPTIONS: &[&str] = &["burst", "scope"];
const FORM: &str = "rate_limit \"stripe/*\": 10 per minute burst 5 scope = \"fleet\"";

impl Checker<'_> {
    /// `rate_limit "stripe/*": 10 per minute burst 5`
    pub(crate) fn rate_limit(
        &mut self,
        pattern: &Spanned<String>,
        count: &Spanned<String>,
        period: &Spanned<String>,
        options: &[(Name, Spanned<Value>)],
    ) -> Option<RateLimit> {
        self.pattern(pattern);
        let number = Number::parse(&count.node).ok().and_then(|number| number.to_i64());
        let number = number.and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        if number.is_none() {
            let message = format!("`{}` is no number of calls above zero", count.node);
            self.say(
                codes::WRONG_VALUE,
                count.span,
                message,
                "write a whole number; `deny` the tool for none",
            );
        }
        let period_ms = self.period(period);
        let mut burst: Option<(u32, &Name)> = None;
        let mut scope: Option<(Sharing, &Name)> = None;
        for (name, value) in options {
            let first = match name.node.as_str() {
                "burst" => burst.map(|(_, first)| first),
                "scope" => scope.map(|(_, first)| first),
                _ => {
                    let near = nearest(&name.node, OPTIONS.iter().copied());
                    let message = format!("a `rate_limit` has no `{}`", name.node);
                    let diagnostic = codes::UNKNOWN_KEY.at(name.span, message);
                    self.report(with_nearest(diagnostic, near, name.span, || format!("write `{FORM}`")));
                    continue;
                }
            };
            if let Some(first) = first {
                let message = format!("`{}` is written twice", name.node);
                let diagnostic = codes::DUPLICATE_KEY.at(name.span, message).with_help("keep one of the two");
                self.report(diagnostic.with_label(first.span, "the first one"));
                continue;
            }
            if name.node == "burst" {
                burst = self.count("burst", Some(value)).map(|burst| (burst, name));
            } else {
                scope = self.rate_scope(value).map(|scope| (scope, name));
            }
        }
        let count = number?;
        Some(RateLimit {
            pattern: pattern.node.clone(),
            count,
            period_ms: period_ms?,
            burst: burst.map_or(count, |(burst, _)| burst),
            scope: scope.map_or(Sharing::Instance, |(scope, _)| scope),
        })
    }

    fn rate_scope(&mut self, value: &Spanned<Value>) -> Option<Sharing> {
        let text = self.text(Some(value))?;
        match text.node.as_str() {
            "instance" => Some(Sharing::Instance),
            "fleet" => {
                self.shared.push(("rate_limit", text.span));
                Some(Sharing::Fleet)
            }
            other => {
                let message = format!("`scope` takes `instance` or `fleet`, and found `{other}`");
                self.say(codes::WRONG_VALUE, text.span, message, format!("write `{FORM}`"));
                None
            }
        }
    }

    fn period(&mut self, period: &Spanned<String>) -> Option<u64> {
        const WORDS: &[&str] = &["second", "minute", "hour", "day"];
        let found = match period.node.as_str() {
            "second" => Some(1_000),
            "minute" => Some(60_000),
            "hour" => Some(3_600_000),
            "day" => Some(86_400_000),
            other => duration_ms(other).filter(|length| *length > 0),
        };
        if found.is_none() {
            let message = format!("`{}` is no period", period.node);
            let near = nearest(&period.node, WORDS.iter().copied());
            let diagnostic = codes::WRONG_VALUE.at(period.span, message);
            self.report(with_nearest(diagnostic, near, period.span, || {
                format!("write {}, or a duration such as `30s`", one_of(WORDS))
            }));
        }
        found
    }

    pub(super) fn session_limits(&mut self, block: Block<'_>) -> SessionLimits {
        let (settings, _) = self.block(block);
        self.needs(block, &["max_duration", "idle_timeout", "max_calls"], "max_duration = 1h");
        SessionLimits {
            max_duration_ms: self.duration("max_duration", settings.get("max_duration")),
            idle_timeout_ms: self.duration("idle_timeout", settings.get("idle_timeout")),
            max_calls: self.count("max_calls", settings.get("max_calls")),
        }
    }

    pub(super) fn ambient(&mut self, block: Block<'_>, scope: &Scope) -> Option<Ambient<Operand>> {
        let (settings, _) = self.block(block);
        let keys = ["max_customers_per_day", "max_data_volume", "max_calls_per_day"];
        let bounded = self.needs(block, &keys, "max_calls_per_day = 1000");
        let customer = settings.get("customer").and_then(|written| {
            let typed = self.value_of_call(written, scope)?;
            if settings.get("max_customers_per_day").is_none() {
                let message = "`customer` says whom a call touches, and nothing counts them";
                self.say(
                    codes::MISSING_KEY,
                    written.span,
                    message,
                    "write `max_customers_per_day = 100` beside it",
                );
            }
            Some(typed.operand)
        });
        let most =
            self.bounded("max_customers_per_day", &settings, (1, MAX_CUSTOMERS), "1000", |checker, value| {
                checker.count("max_customers_per_day", value).map(u64::from)
            });
        bounded.then(|| Ambient {
            customer,
            max_customers_per_day: most.and_then(|most| u32::try_from(most).ok()),
            max_data_volume_bytes: self.bytes("max_data_volume", settings.get("max_data_volume")),
            max_calls_per_day: self.count("max_calls_per_day", settings.get("max_calls_per_day")),
            on_exceed: self.on_exceed(&settings),
        })
    }

    pub(super) fn completion_gate(&mut self, block: Block<'_>) -> Vec<Requirement> {
        const KNOWN: &[&str] =
            &["no_pending_approvals", "budget_under_limit", "no_uncommitted_writes", "called"];
        self.block(block);
        let mut requirements = Vec::new();
        for item in &block.body.items {
            let Item::Require { condition, argument } = &item.node else { continue };
            match (condition.node.as_str(), argument) {
                ("no_pending_approvals", None) => requirements.push(Requirement::NoPendingApprovals),
                ("budget_under_limit", None) => requirements.push(Requirement::BudgetUnderLimit),
                ("no_uncommitted_writes", None) => requirements.push(Requirement::NoUncommittedWrites),
                ("called", Some(tool)) => {
                    self.pattern(tool);
                    requirements.push(Requirement::Called(tool.node.clone()));
                }
                (other, _) => {
                    let near = nearest(other, KNOWN.iter().copied());
                    let message = format!("nothing is known as `{other}` that could be required");
                    let diagnostic = codes::WRONG_VALUE.at(condition.span, message);
                    let quoted = self.first_byte(condition.span) == Some(b'"');
                    self.report(match near {
                        Some(near) => {
                            let replacement = if quoted { format!("\"{near}\"") } else { near.to_owned() };
                            diagnostic.with_help(format!("did you mean `{near}`?")).with_fix(
                                condition.span,
                                replacement,
                                format!("write `{near}`"),
                            )
                        }
                        None => diagnostic.with_help(format!("write {}", one_of(KNOWN))),
                    });
                }
            }
        }
        if block.body.items.is_empty() {
            let message = "this `completion_gate` requires nothing";
            self.say(
                codes::MISSING_KEY,
                block.keyword.span,
                message,
                "write `require \"no_pending_approvals\"`",
            );
        }
        requirements
    }
}
