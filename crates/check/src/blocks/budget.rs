//! `budget` in its three forms, which mean the same: `budget daily { max $5 }`,
//! `budget "refunds" { max $5 window = "daily" }`, `budget { id = "daily" usd = 5 }`.

use std::collections::BTreeMap;

use faramesh_program::image::{Budget, OnExceed, Sharing, Window};
use faramesh_syntax::ast::{Expr, Name, Span, Spanned, Value};

use super::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::members::Settings;
use crate::rules::Reading;
use crate::scope::Scope;
use crate::stack::Operand;
use crate::types::{Type, Typed};
use crate::values::duration_ms;

/// The name of a budget that has none.
const UNNAMED: &str = "default";

impl Checker<'_> {
    pub(super) fn budget(
        &mut self,
        block: Block<'_>,
        names: &mut Names,
        scope: &Scope,
    ) -> Option<Budget<Operand>> {
        let (settings, label) = self.block(block);
        let (id, id_span) = self.budget_id(block, &settings, label);
        self.needs(block, &["max", "usd", "daily", "max_calls"], "max = $10");
        let mut max_micros = self.budget_max(&settings);
        let mut daily_micros = self.micros("daily", settings.get("daily"));
        let max_calls = self.count("max_calls", settings.get("max_calls"));
        let implied = window_of(&id);
        let stated = self.window(&settings);
        if let (Some(implied), Some((stated, span))) = (implied, stated)
            && implied != stated
        {
            self.conflict((&id, id_span), ("window", span));
        }
        let only_daily = max_micros.is_none() && max_calls.is_none() && daily_micros.is_some();
        let window = match stated.map(|(window, _)| window).or(implied) {
            Some(window) => window,
            // `daily` alone is a window of its own.
            None if only_daily => Window::Daily,
            None => Window::Session,
        };
        if window == Window::Daily {
            if let (Some(max), Some(daily), Some(written)) = (max_micros, daily_micros, settings.get("daily"))
                && max != daily
            {
                self.conflict(("max", block.keyword.span), ("daily", written.span));
            }
            max_micros = max_micros.or(daily_micros.take());
            daily_micros = None;
        }
        let sharing = self.sharing(settings.get("scope"));
        if let (Sharing::Fleet, Window::Rolling(_), Some((_, span))) = (sharing, window, stated) {
            let message = "a budget that daemons share takes no window of a duration";
            self.say(codes::WRONG_VALUE, span, message, "write `daily`, `monthly` or `session`");
        }
        let budget = Budget {
            id,
            max_micros,
            daily_micros,
            max_calls,
            window,
            warn_at_millionths: self.millionths("warn_at", settings.get("warn_at")),
            on_exceed: self.on_exceed(&settings),
            tools: self.patterns("tools", settings.get("tools")).unwrap_or_default(),
            cost: settings.get("cost").and_then(|cost| self.cost(cost, scope)),
            scope: sharing,
        };
        self.is_new(names, "budget", &budget.id, id_span).then_some(budget)
    }

    fn budget_id(
        &mut self,
        block: Block<'_>,
        settings: &Settings<'_>,
        label: Option<&Spanned<String>>,
    ) -> (String, Span) {
        let id = settings.get("id").and_then(|id| {
            let text = self.filled_text("id", Some(id))?;
            Some(Spanned { node: text, span: id.span })
        });
        match (label, id) {
            (Some(label), Some(id)) => {
                if label.node != id.node {
                    self.conflict((&label.node, label.span), ("id", id.span));
                }
                (id.node, id.span)
            }
            (Some(name), None) => (name.node.clone(), name.span),
            (None, Some(id)) => (id.node, id.span),
            (None, None) => (UNNAMED.to_owned(), block.keyword.span),
        }
    }

    fn budget_max(&mut self, settings: &Settings<'_>) -> Option<u64> {
        let (max, usd) = (settings.get("max"), settings.get("usd"));
        let (first, second) = (self.micros("max", max), self.micros("usd", usd));
        if let (Some(max), Some(usd)) = (max, usd)
            && first != second
        {
            self.conflict(("max", max.span), ("usd", usd.span));
        }
        first.or(second)
    }

    fn window(&mut self, settings: &Settings<'_>) -> Option<(Window, Span)> {
        let written = settings.get("window")?;
        let text = self.text(Some(written))?;
        let window = window_named(&text.node)
            .or_else(|| duration_ms(&text.node).filter(|length| *length > 0).map(Window::Rolling));
        if window.is_none() {
            let message = format!("`window` cannot be `{}`", text.node);
            self.say(
                codes::WRONG_VALUE,
                text.span,
                message,
                "write `session`, `daily`, `monthly` or a duration",
            );
        }
        window.map(|window| (window, text.span))
    }

    /// What happens to a call beyond a ceiling.
    pub(super) fn on_exceed(&mut self, settings: &Settings<'_>) -> OnExceed {
        let written = settings.get("on_exceed");
        match self
            .choice("on_exceed", &["deny", "defer", "audit"], written)
            .as_ref()
            .map(|text| text.node.as_str())
        {
            Some("defer") => OnExceed::Defer,
            Some("audit") => OnExceed::Audit,
            _ => OnExceed::Deny,
        }
    }

    /// Whether daemons share a ceiling.
    pub(super) fn sharing(&mut self, value: Option<&Spanned<Value>>) -> Sharing {
        let fleet = self.choice("scope", &["instance", "fleet"], value).filter(|text| text.node == "fleet");
        let Some(fleet) = fleet else { return Sharing::Instance };
        self.shared.push(("budget", fleet.span));
        Sharing::Fleet
    }

    /// A value of the call, or one that is always the same.
    pub(super) fn value_of_call(&mut self, value: &Spanned<Value>, scope: &Scope) -> Option<Typed> {
        let expr = match &value.node {
            Value::Word(name) => {
                let root = Name { node: name.clone(), span: value.span };
                Expr::Path { root, steps: Vec::new() }
            }
            Value::Expr(expr) => (**expr).clone(),
            constant => Expr::Value(constant.clone()),
        };
        let mut reading = Reading { scope, resolved: BTreeMap::new(), widens: false };
        let typed = self.operand(&Spanned { node: expr, span: value.span }, &mut reading)?;
        self.read_variables.extend(reading.resolved.into_keys());
        Some(typed)
    }

    /// A number of the call, or one that is always the same.
    fn cost(&mut self, value: &Spanned<Value>, scope: &Scope) -> Option<Operand> {
        let typed = self.value_of_call(value, scope)?;
        if typed.kind.may_be(Type::Number) {
            return Some(typed.operand);
        }
        let message = format!("`cost` takes a number, and `{}` is {}", typed.text, typed.kind.name());
        self.say(
            codes::WRONG_VALUE,
            value.span,
            message,
            "write a number of the call, as in `cost = amount`",
        );
        None
    }
}

/// The window that a word names.
/// The window that a budget's name says: `daily`, or the last word of `global-daily`.
fn window_of(id: &str) -> Option<Window> {
    window_named(id.rsplit(['-', '_', ' ']).next().unwrap_or_default())
}

fn window_named(word: &str) -> Option<Window> {
    match word {
        "session" => Some(Window::Session),
        "daily" => Some(Window::Daily),
        "monthly" => Some(Window::Monthly),
        _ => None,
    }
}
