//! What an agent may hand on and start, ready for deciding.

use crate::image::{Ceiling, Delegate, Spawn};
use crate::tools::ToolIndex;

/// Authority that an agent may hand on to another.
#[derive(Debug)]
pub struct HandedOn {
    /// Who may receive it.
    pub to: Box<str>,
    /// How long it lasts at most, in milliseconds.
    pub ttl_ms: Option<u64>,
    /// The loosest effect.
    pub ceiling: Ceiling,
    /// Names of the agent's budgets that are charged.
    pub inherits: Vec<Box<str>>,
    /// The conditions of the tools in `scope`, by their numbers there.
    conditions: Vec<Option<u32>>,
    scope: Option<ToolIndex>,
}

/// What one agent may hand on and start.
#[derive(Debug, Default)]
pub struct HandsOn {
    delegates: Vec<HandedOn>,
    spawn: Option<Spawn>,
}

impl HandedOn {
    fn new(image: Delegate<u32>) -> Self {
        let tools = image.scope.as_deref().unwrap_or_default();
        let mut scope = ToolIndex::default();
        for (at, tool) in tools.iter().enumerate() {
            scope.add(&tool.pattern, u32::try_from(at).unwrap_or(u32::MAX));
        }
        let budget = |name: &String| Box::from(name.strip_prefix("budget.").unwrap_or(name));
        Self {
            to: image.to.into(),
            ttl_ms: image.ttl_ms,
            ceiling: image.ceiling,
            inherits: image.inherits.iter().map(budget).collect(),
            conditions: tools.iter().map(|tool| tool.condition).collect(),
            scope: image.scope.is_some().then(|| scope.finished()),
        }
    }

    /// Whether a call of a tool is in scope, where `holds` tells whether a condition does. Without a scope
    /// every tool is.
    pub fn covers(&self, tool: &str, mut holds: impl FnMut(u32) -> bool) -> bool {
        let Some(scope) = &self.scope else { return true };
        let mut candidates = scope.candidates(tool);
        while let Some(number) = candidates.next_rule() {
            let at = usize::try_from(number).unwrap_or(usize::MAX);
            match self.conditions.get(at) {
                Some(None) => return true,
                Some(Some(condition)) if holds(*condition) => return true,
                _ => {}
            }
        }
        false
    }
}

impl HandsOn {
    pub(crate) fn new(delegates: Vec<Delegate<u32>>, spawn: Option<Spawn>) -> Self {
        Self { delegates: delegates.into_iter().map(HandedOn::new).collect(), spawn }
    }

    /// Whether there is anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.delegates.is_empty() && self.spawn.is_none()
    }

    /// What may be handed on to an agent.
    #[must_use]
    pub fn delegate(&self, to: &str) -> Option<&HandedOn> {
        self.delegates.iter().find(|found| *found.to == *to)
    }

    /// Which agents may be started.
    #[must_use]
    pub fn spawn(&self) -> Option<&Spawn> {
        self.spawn.as_ref()
    }
}
