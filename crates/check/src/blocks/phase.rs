//! `phase`: without a duration a stage of work that limits which tools are visible, with one a rollout
//! whose rules apply to `tools` until it ends.

use faramesh_program::image::{NextPhase, Phase, RuleEffect};
use faramesh_syntax::ast::{Item, Spanned, Value};

use super::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::scope::Scope;
use crate::stack::Rule;

impl Checker<'_> {
    pub(super) fn phase(
        &mut self,
        block: Block<'_>,
        names: &mut Names,
        scope: &Scope,
    ) -> Option<Phase<Rule>> {
        let (settings, label) = self.block(block);
        let mut rules = Vec::new();
        for item in &block.body.items {
            match &item.node {
                Item::Rule(rule) => rules.extend(self.rule(rule, item.span, scope)),
                Item::Rules(found) => {
                    for rule in found {
                        rules.extend(self.rule(&rule.node, rule.span, scope));
                    }
                }
                _ => {}
            }
        }
        let duration_ms = self.duration("duration", settings.get("duration"));
        let next = settings.get("next");
        let followed = self.next_phase(next);
        if let (None, None, Some(next)) = (settings.get("duration"), duration_ms, next) {
            let message = "a phase without `duration` is a stage of work, which nothing follows by itself";
            self.say(codes::WRONG_VALUE, next.span, message, "write `duration = 48h`, or remove `next`");
        }
        let tools = self.patterns("tools", settings.get("tools")).unwrap_or_default();
        let default = settings.get("default").and_then(|value| self.effect_setting("default", value));
        let label = label?;
        let phase = Phase { name: label.node.clone(), duration_ms, next: followed, tools, default, rules };
        self.is_new(names, "phase", &phase.name, label.span).then_some(phase)
    }

    /// Whether a phase of that name exists is looked up when the whole agent is read.
    fn next_phase(&mut self, value: Option<&Spanned<Value>>) -> Option<NextPhase> {
        let name = self.filled_text("next", value)?;
        if name == "enforce" {
            return Some(NextPhase::Enforce);
        }
        let span = value.map(|value| value.span).unwrap_or_default();
        self.next_phases.push(Spanned { node: name.clone(), span });
        Some(NextPhase::Phase(name))
    }

    /// One of the effects of a `default`.
    pub(crate) fn effect_setting(&mut self, key: &str, value: &Spanned<Value>) -> Option<RuleEffect> {
        let text = self.text(Some(value))?;
        match text.node.as_str() {
            "permit" | "allow" | "approve" => Some(RuleEffect::Permit),
            "defer" => Some(RuleEffect::Defer),
            "deny" | "block" | "reject" => Some(RuleEffect::Deny),
            other => {
                let message = format!("`{key}` cannot be `{other}`");
                self.say(codes::WRONG_VALUE, text.span, message, "write `permit`, `defer` or `deny`");
                None
            }
        }
    }
}
