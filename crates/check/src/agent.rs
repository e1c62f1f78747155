//! An agent: its own statements, or those of a file without agent blocks.

use std::collections::BTreeMap;

use faramesh_program::image::RuleEffect;
use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned, Value};

use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, Label, Status};
use crate::members::{Owner, keyword};
use crate::scope::Scope;
use crate::stack::Agent;

const OWNER: Owner = Owner { keyword: "agent", members: AGENT, open: false, status: Status::Enforced };

/// Notes that change nothing, in the order in which a program keeps them.
const METADATA: &[&str] = &["framework", "model", "version"];

impl Checker<'_> {
    /// An agent of these statements; its name is for the caller to set.
    pub fn agent(&mut self, items: &[&Spanned<Item>], outer: &Scope) -> Agent {
        // A flat agent's variables are the file's, which are in `outer` already.
        let scope = if items.iter().any(|item| matches!(item.node, Item::Var { .. })) {
            self.scope(outer, items.iter().copied())
        } else {
            outer.clone()
        };
        let mut agent = Agent {
            name: String::new(),
            anonymous: false,
            span: Span::default(),
            default: None,
            attest: None,
            rules: Vec::new(),
            redactions: Vec::new(),
            metadata: Vec::new(),
        };
        let mut settings: BTreeMap<&str, Span> = BTreeMap::new();
        for item in items {
            let (word, span) = keyword(item);
            let Some(definition) = definitions::find(AGENT, word) else {
                self.unknown(OWNER, item);
                continue;
            };
            if definition.status == Status::NotYet {
                self.refuse(definition, item);
                continue;
            }
            match &item.node {
                Item::Rule(rule) => agent.rules.extend(self.rule(rule, item.span, &scope)),
                Item::Rules(rules) => {
                    for rule in rules {
                        agent.rules.extend(self.rule(&rule.node, rule.span, &scope));
                    }
                }
                Item::Redact { tool, target, paths, seal } => {
                    if *seal {
                        self.not_yet.add("redact … seal", span);
                    }
                    agent.redactions.extend(self.redaction(tool, target, paths));
                }
                Item::Setting { key, value } if self.is_first(&mut settings, key) => {
                    self.agent_setting(&mut agent, definition, item, value);
                }
                Item::Block { keyword, labels, body } if self.is_first(&mut settings, keyword) => {
                    self.agent_block(&mut agent, definition, item, (keyword, labels, body));
                }
                _ => {}
            }
        }
        agent.metadata.sort_by_key(|(key, _)| METADATA.iter().position(|known| known == key));
        agent
    }

    fn is_first<'b>(&mut self, seen: &mut BTreeMap<&'b str, Span>, key: &'b Name) -> bool {
        let Some(first) = seen.insert(&key.node, key.span) else { return true };
        self.report(
            codes::DUPLICATE_KEY
                .at(key.span, format!("`{}` is written twice", key.node))
                .with_help("keep one of the two")
                .with_label(first, "the first one"),
        );
        false
    }

    fn agent_setting(
        &mut self,
        agent: &mut Agent,
        definition: &'static definitions::Definition,
        item: &Spanned<Item>,
        value: &Spanned<Value>,
    ) {
        if !self.spelling(definition, item) {
            return;
        }
        let Some(text) = self.text(Some(value)) else { return };
        if definition.keyword != "default" {
            if METADATA.contains(&definition.keyword) {
                agent.metadata.push((definition.keyword.to_owned(), text.node));
            }
            return;
        }
        agent.default = match text.node.as_str() {
            "permit" | "allow" | "approve" => Some(RuleEffect::Permit),
            "defer" => Some(RuleEffect::Defer),
            "deny" | "block" | "reject" => Some(RuleEffect::Deny),
            other => {
                let message = format!("`default` cannot be `{other}`");
                self.say(codes::WRONG_VALUE, text.span, message, "write `permit`, `defer` or `deny`");
                None
            }
        };
    }

    fn agent_block(
        &mut self,
        agent: &mut Agent,
        definition: &'static definitions::Definition,
        item: &Spanned<Item>,
        (keyword, labels, body): (&Name, &[Spanned<String>], &Body),
    ) {
        if definition.keyword == "attest" {
            self.label(Label::None, keyword, labels);
            agent.attest = self.attest(keyword, body);
        } else {
            self.spelling(definition, item);
        }
    }
}
