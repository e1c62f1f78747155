//! Handing work on: `spawn`, and `delegate` in its three forms, which mean the same.

use std::collections::BTreeMap;

use faramesh_program::image::{Ceiling, Delegate, DelegatedTool, Spawn};
use faramesh_syntax::ast::{Item, Spanned};

use super::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::lists::sorted;
use crate::members::Settings;
use crate::references::Referred;
use crate::rules::Reading;
use crate::scope::Scope;
use crate::stack::Condition;

impl Checker<'_> {
    pub(super) fn spawn(&mut self, block: Block<'_>) -> Option<Spawn> {
        let (settings, _) = self.block(block);
        self.needs(block, &["allow", "allowed_types"], "allow = [\"…\"]");
        let allow = self.agent_names("allow", settings.get("allow")).map(sorted);
        let types = self.agent_names("allowed_types", settings.get("allowed_types")).map(sorted);
        if let (Some(first), Some(second)) = (settings.get("allow"), settings.get("allowed_types"))
            && allow != types
        {
            self.conflict(("allow", first.span), ("allowed_types", second.span));
        }
        let max_concurrent = self.count("max_concurrent", settings.get("max_concurrent"));
        Some(Spawn { allow: allow.or(types)?, max_concurrent })
    }

    /// One delegation for each agent that may receive it.
    pub(super) fn delegate(
        &mut self,
        block: Block<'_>,
        names: &mut Names,
        scope: &Scope,
    ) -> Vec<Delegate<Condition>> {
        let (settings, label) = self.block(block);
        let receivers = self.receivers(block, &settings, label);
        let tools = self.texts("scope", settings.get("scope"));
        let mut tools: Option<Vec<DelegatedTool<Condition>>> =
            tools.map(|tools| tools.iter().filter_map(|tool| self.delegated(tool, scope)).collect());
        if let Some(tools) = &mut tools {
            tools.sort_by(|left, right| left.text.cmp(&right.text));
            tools.dedup_by(|left, right| left.text == right.text);
        }
        let ttl_ms = self.duration("ttl", settings.get("ttl"));
        let ceiling = self.choice("ceiling", &["inherited", "permit", "defer"], settings.get("ceiling"));
        let ceiling = match ceiling.as_ref().map(|text| text.node.as_str()) {
            Some("permit") => Ceiling::Permit,
            Some("defer") => Ceiling::Defer,
            _ => Ceiling::Inherited,
        };
        let inherits = self.inherited(&settings);
        let mut delegates = Vec::with_capacity(receivers.len());
        for receiver in receivers {
            if self.is_new(names, "delegate", &receiver.node, receiver.span) {
                delegates.push(Delegate {
                    to: receiver.node,
                    scope: tools.clone(),
                    ttl_ms,
                    ceiling,
                    inherits: inherits.clone(),
                });
            }
        }
        delegates
    }

    fn receivers(
        &mut self,
        block: Block<'_>,
        settings: &Settings<'_>,
        label: Option<&Spanned<String>>,
    ) -> Vec<Spanned<String>> {
        let to = self.agent_names("to", settings.get("to"));
        let target = self.agent_names("target_agent", settings.get("target_agent"));
        let label = label.map(|label| {
            self.refer(Referred::Agent, &label.node, label.span);
            vec![label.clone()]
        });
        let mut given = [("name", label), ("to", to), ("target_agent", target)].into_iter();
        let mut receivers: Option<(&str, Vec<Spanned<String>>)> = None;
        for (key, found) in given.by_ref() {
            let Some(found) = found else { continue };
            if let Some((other, first)) = &receivers
                && sorted(first.clone()) != sorted(found.clone())
                && let (Some(first), Some(second)) = (first.first(), found.first())
            {
                self.conflict((other, first.span), (key, second.span));
            }
            receivers = receivers.or(Some((key, found)));
        }
        let receivers = receivers.map(|(_, found)| found).unwrap_or_default();
        if receivers.is_empty() {
            let message = "this `delegate` names no agent that may receive authority";
            self.say(codes::MISSING_KEY, block.keyword.span, message, "write `to = [\"…\"]`");
        }
        receivers
    }

    /// Budgets of the agent, written `budget.daily` or `daily`; whether they exist is looked up when the
    /// whole agent is read.
    fn inherited(&mut self, settings: &Settings<'_>) -> Vec<String> {
        let texts = self.texts("inherits", settings.get("inherits")).unwrap_or_default();
        let budgets: Vec<Spanned<String>> = texts
            .into_iter()
            .map(|text| {
                let node = text.node.strip_prefix("budget.").unwrap_or(&text.node).to_owned();
                Spanned { node, span: text.span }
            })
            .collect();
        self.inherited_budgets.extend(budgets.iter().cloned());
        sorted(budgets)
    }

    /// `stripe/*`, or `stripe/refund if amount < 100`.
    fn delegated(&mut self, text: &Spanned<String>, scope: &Scope) -> Option<DelegatedTool<Condition>> {
        let conditional = [" if ", " when "].iter().any(|word| text.node.contains(word));
        if !conditional {
            self.pattern(text);
            return Some(DelegatedTool {
                pattern: text.node.clone(),
                condition: None,
                text: text.node.clone(),
            });
        }
        let source = format!("permit {}", text.node);
        let (body, diagnostics) = faramesh_syntax::parse(&source).into_parts();
        let rule = match body.items.as_slice() {
            [Spanned { node: Item::Rule(rule), .. }] if diagnostics.is_empty() && rule.clauses.is_empty() => {
                rule
            }
            _ => {
                let why =
                    diagnostics.first().map_or("it is no tool with a condition", |found| &found.message);
                let message = format!("`scope` cannot have `{}`: {why}", text.node);
                let help = "write a tool pattern, or `\"stripe/refund if amount < 100\"`";
                self.say(codes::WRONG_VALUE, text.span, message, help);
                return None;
            }
        };
        self.pattern(&Spanned { node: rule.pattern.node.clone(), span: text.span });
        let condition = rule.condition.as_ref()?;
        let outer = self.part.replace((text.span, source));
        let mut reading = Reading { scope, resolved: BTreeMap::new(), widens: true };
        let expression: Option<_> = self.expression(condition, &mut reading);
        let high = expression.as_ref().and_then(|expression| self.height(expression, text.span));
        self.part = outer;
        high?;
        self.read_variables.extend(reading.resolved.keys().cloned());
        let written = faramesh_syntax::render_expr(&condition.node);
        let values: Vec<String> =
            reading.resolved.iter().map(|(name, value)| format!(" [{name} = {value}]")).collect();
        Some(DelegatedTool {
            pattern: rule.pattern.node.clone(),
            text: format!("{} if {written}{}", rule.pattern.node, values.concat()),
            condition: Some(Condition { expression: expression?, text: written, span: text.span }),
        })
    }
}
