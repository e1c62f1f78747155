//! Rules: effect, pattern, condition and clauses, and the variables that they read.

use std::collections::BTreeMap;

use faramesh_call::call::MAX_TOOL_BYTES;
use faramesh_program::image::RuleEffect;
use faramesh_syntax::ast::{self, Span, Spanned};

use crate::checker::Checker;
use crate::codes;
use crate::scope::Scope;
use crate::stack::{Condition, Rule};

/// What reading one rule needs and notes.
pub(crate) struct Reading<'s> {
    /// Variables that the rule sees.
    pub scope: &'s Scope,
    /// Variables and environment that it reads, with their values as they would be written.
    pub resolved: BTreeMap<String, String>,
    /// Whether making the part at hand true lets more calls through.
    pub widens: bool,
}

impl Checker<'_> {
    pub fn rule(&mut self, rule: &ast::Rule, span: Span, scope: &Scope) -> Option<Rule> {
        let effect = effect(rule.effect.node);
        let widens = effect == RuleEffect::Permit;
        let mut reading = Reading { scope, resolved: BTreeMap::new(), widens };
        self.pattern(&rule.pattern);
        let condition = match &rule.condition {
            Some(condition) => self.condition(condition, &mut reading).map(Some),
            None => Some(None),
        };
        let mut checked = Rule {
            file: self.file,
            span,
            line: self.line(span),
            effect,
            pattern: rule.pattern.node.clone(),
            pattern_span: rule.pattern.span,
            condition: None,
            clauses: Vec::new(),
            reason: None,
            notify: Vec::new(),
            explain: true,
            reeval: false,
            approvals_required: 1,
            resolved: BTreeMap::new(),
        };
        self.clauses(&rule.clauses, &mut checked, &mut reading);
        self.read_variables.extend(reading.resolved.keys().cloned());
        checked.condition = condition?;
        checked.resolved = reading.resolved;
        Some(checked)
    }

    fn condition(&mut self, condition: &Spanned<ast::Expr>, reading: &mut Reading<'_>) -> Option<Condition> {
        let expression = self.expression(condition, reading)?;
        self.height(&expression, condition.span)?;
        let text = faramesh_syntax::render_expr(&condition.node);
        Some(Condition { expression, text, span: condition.span })
    }

    /// Reports a tool pattern that cannot match as its author means.
    pub fn pattern(&mut self, pattern: &Spanned<String>) {
        let text = &pattern.node;
        let (message, help) = if text.is_empty() {
            (
                "a tool pattern cannot be empty".to_owned(),
                "write a tool's name, or `*` for every tool".to_owned(),
            )
        } else if text.len() > MAX_TOOL_BYTES {
            let message = format!("this tool pattern is longer than {MAX_TOOL_BYTES} bytes");
            (message, "no tool has so long a name; shorten it".to_owned())
        } else if text.contains("**") {
            let message = format!("`{text}` has two `*` side by side");
            (message, "one `*` at the end, as in `stripe/*`, covers every level below".to_owned())
        } else if text.split('/').any(str::is_empty) {
            let message = format!("`{text}` has an empty segment");
            (
                message,
                "write the segments of a tool with one `/` between them, as in `stripe/refund`".to_owned(),
            )
        } else if text.chars().any(char::is_control) || text.trim() != text {
            let message =
                "this tool pattern has white space around it or characters that cannot be seen".to_owned();
            (message, "remove them".to_owned())
        } else {
            return;
        };
        let mut found = codes::BAD_PATTERN.at(pattern.span, message).with_help(help);
        // After a last `/`, a tool or every tool below may be meant.
        let segments: Vec<&str> = text.split('/').filter(|segment| !segment.is_empty()).collect();
        let fixed = segments.join("/").replace("**", "*");
        if !text.ends_with('/')
            && !fixed.is_empty()
            && fixed != *text
            && fixed.trim() == fixed
            && !fixed.contains("**")
        {
            let is_quoted = self.first_byte(pattern.span) == Some(b'"');
            let written = if is_quoted { faramesh_syntax::quote(&fixed) } else { fixed.clone() };
            found = found.with_fix(pattern.span, written, format!("write `{fixed}`"));
        }
        self.report(found);
    }
}

fn effect(effect: ast::Effect) -> RuleEffect {
    match effect {
        ast::Effect::Permit => RuleEffect::Permit,
        ast::Effect::Defer => RuleEffect::Defer,
        ast::Effect::Deny => RuleEffect::Deny,
        ast::Effect::DenyAlways => RuleEffect::DenyAlways,
    }
}
