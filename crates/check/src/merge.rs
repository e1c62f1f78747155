//! `use`: a pack's rules become the agent's, after its own. `deny!` stays mandatory wherever it comes
//! from. Of a pack nothing but rules, redactions and selectors takes effect; a pack that has anything
//! else is refused, so that nothing in it is silently without effect.

use std::collections::BTreeMap;

use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned, Value};

use crate::blocks::{Block, Names};
use crate::checker::Checker;
use crate::codes;
use crate::definitions::{self, AGENT, FILE, Label, PACK};
use crate::imports::{Kind, Pack, name_of};
use crate::members::{Owner, keyword};
use crate::scope::{Scope, Written};
use crate::stack::{Agent, Redaction, Rule, Selector};

/// Version of the language that `requires = ["fpl@1"]` asks for.
const LANGUAGE: u32 = 1;
/// Most `use` statements of a stack, those in packs included.
const USES: u32 = 1_000;
/// Statements of a pack's agents that say what the pack is for, or are read elsewhere.
const READ: &[&str] =
    &["default", "model", "framework", "version", "var", "rules", "redact", "selector", "use"];

/// What a pack brings to an agent.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub rules: Vec<Rule>,
    pub redactions: Vec<Redaction>,
    pub selectors: Vec<Selector>,
}

/// A pack's parts: its agents and flat statements, in order.
pub(crate) struct Parts<'b> {
    /// The body of the `pack` block, or of the file.
    pub outer: &'b Body,
    pub agents: Vec<&'b Body>,
}

impl<'b> Parts<'b> {
    pub fn of(body: &'b Body) -> Self {
        let block = |item: &'b Spanned<Item>, word: &str| match &item.node {
            Item::Block { keyword, body, .. } if keyword.node == word => Some(body),
            _ => None,
        };
        let outer = body.items.iter().find_map(|item| block(item, "pack")).unwrap_or(body);
        let agents = outer.items.iter().filter_map(|item| block(item, "agent")).collect();
        Self { outer, agents }
    }

    fn setting(&self, key: &str) -> Option<&'b Spanned<Value>> {
        setting(self.outer, key)
    }
}

fn setting<'b>(body: &'b Body, wanted: &str) -> Option<&'b Spanned<Value>> {
    body.items.iter().find_map(|item| match &item.node {
        Item::Setting { key, value } if key.node == wanted => Some(value),
        _ => None,
    })
}

impl Pack {
    /// The framework that a profile is of.
    pub fn framework(&self) -> Option<String> {
        if self.kind != Kind::Framework {
            return None;
        }
        let parts = Parts::of(&self.body);
        let written = parts.agents.iter().find_map(|agent| setting(agent, "framework"));
        Some(match written.map(|value| &value.node) {
            Some(Value::String(text) | Value::Word(text)) => text.clone(),
            _ => name_of(&self.path).to_owned(),
        })
    }
}

impl Checker<'_> {
    /// Checks a pack by itself: its spelling, what it requires, and its rules with their own variables.
    pub fn pack_as_written(&mut self, body: &Body, path: &str) {
        let parts = Parts::of(body);
        let in_block = !std::ptr::eq(parts.outer, body);
        for item in &body.items {
            let (word, span) = keyword(item);
            let fits = if in_block {
                matches!(word, "pack" | "import")
            } else {
                matches!(word, "import" | "agent" | "var" | "selector" | "requires")
            };
            if fits {
                if let (Item::Block { keyword, labels, .. }, "pack") = (&item.node, word) {
                    self.label(Label::Required, keyword, labels);
                }
                continue;
            }
            let known = definitions::find(FILE, word).or_else(|| definitions::find(AGENT, word)).is_some();
            if known {
                self.without_effect(word, span);
            } else {
                self.unknown(Owner::of("", FILE), item);
            }
        }
        if in_block {
            self.pack_statements(&parts, path);
        }
        self.requires(&parts);
        for agent in &parts.agents {
            for item in &agent.items {
                let (word, span) = keyword(item);
                match definitions::find(AGENT, word) {
                    Some(_) if READ.contains(&word) => {}
                    Some(_) => self.without_effect(word, span),
                    None => self.unknown(Owner::of("agent", AGENT), item),
                }
            }
        }
        self.brought(body, &BTreeMap::new());
    }

    fn without_effect(&mut self, word: &str, span: Span) {
        let message = format!("`{word}` has no effect in a pack");
        let help = "a pack brings rules, redactions and selectors; everything else stands in the stack";
        self.say(codes::BAD_PACK, span, message, help);
    }

    fn pack_statements(&mut self, parts: &Parts<'_>, path: &str) {
        for item in &parts.outer.items {
            let (word, span) = keyword(item);
            match definitions::find(PACK, word) {
                Some(definition) if matches!(item.node, Item::Setting { .. }) => {
                    self.spelling(definition, item);
                }
                Some(_) => {}
                None if definitions::find(AGENT, word).is_some() => self.without_effect(word, span),
                None => self.unknown(Owner::of("pack", PACK), item),
            }
        }
        let Some((_, wanted)) = path.rsplit_once('@') else { return };
        if let Some(version) = parts.setting("version")
            && let Some(text) = self.text(Some(version))
            && text.node != wanted
        {
            let message = format!("this pack has version `{}`, and was imported as `{wanted}`", text.node);
            self.say(
                codes::BAD_PACK,
                version.span,
                message,
                format!("write `version = \"{wanted}\"`, or import the other version"),
            );
        }
    }

    fn requires(&mut self, parts: &Parts<'_>) {
        let Some(written) = parts.setting("requires") else { return };
        for text in self.texts("requires", Some(written)).unwrap_or_default() {
            let (name, version) = text.node.split_once('@').unwrap_or((&text.node, ""));
            let met = if name == "fpl" {
                version.parse::<u32>().is_ok_and(|version| (1..=LANGUAGE).contains(&version))
            } else {
                // A pack that is not read yet may still come; the stack looks again at the end.
                self.library.required.push((self.file, text.clone()));
                true
            };
            if !met {
                let message =
                    format!("this pack requires `{}`, and this version reads `fpl@{LANGUAGE}`", text.node);
                self.say(codes::REQUIREMENT_UNMET, text.span, message, "use another version of the pack");
            }
        }
    }

    /// Reports packs that require others which the stack does not import.
    pub fn look_up_requirements(&mut self) {
        for (file, text) in std::mem::take(&mut self.library.required) {
            if self.library.has(&text.node) {
                continue;
            }
            let at = usize::try_from(file).ok();
            let pack = at.and_then(|at| self.library.files.get(at)).cloned().unwrap_or_default();
            let span = self.imports.values().find(|found| found.pack.file == file);
            let span = span.map_or(Span::default(), |found| found.span);
            let message = format!("`{pack}` requires `{}`, which this stack does not import", text.node);
            self.say(
                codes::REQUIREMENT_UNMET,
                span,
                message,
                format!("import it: `import \"…/policies/{}\"`", text.node),
            );
        }
    }

    /// `use alias { var = value }` in an agent.
    pub fn use_pack(
        &mut self,
        agent: &mut Agent,
        alias: &Name,
        overrides: Option<&Body>,
        span: Span,
        scope: &Scope,
    ) {
        self.library.uses += 1;
        if self.library.uses > USES {
            if self.library.uses == USES + 1 {
                let message = format!("a stack has at most {USES} `use` statements, those of packs included");
                self.say(codes::IMPORT_TOO_DEEP, span, message, "write the rules into the stack");
            }
            return;
        }
        let Some(pack) = self.imported(alias) else { return };
        if pack.kind == Kind::Provider {
            let message = format!("`{}` is a provider, which has no rules", alias.node);
            self.say(codes::BAD_PACK, alias.span, message, "name it as the `type` of a `provider` block");
            return;
        }
        let Some(overrides) = self.overrides(&pack, alias, overrides, scope) else { return };
        let known_errors = self.library.findings.len();
        let (brought, found) = self.in_pack(&pack.text, pack.file, |inner| {
            inner.imports.clone_from(&pack.imports);
            inner.brought(&pack.body, &overrides)
        });
        self.library.findings.truncate(known_errors);
        // By itself the pack is sound, so what is wrong now comes from the values of the overrides.
        if let Some(error) =
            found.iter().find(|found| found.is_error() && found.code != codes::NOT_ENFORCED.code)
        {
            let message = format!("`{}` cannot be used with these values: {}", alias.node, error.message);
            let help = error.help.clone().unwrap_or_else(|| "change the values".to_owned());
            self.say(codes::BAD_PACK, span, message, help);
            return;
        }
        agent.rules.extend(brought.rules.into_iter().map(|rule| rule.moved_to(span)));
        agent.redactions.extend(brought.redactions);
        for selector in brought.selectors {
            if agent.blocks.selectors.iter().all(|own| own.name != selector.name) {
                agent.blocks.selectors.push(selector);
            }
        }
    }

    /// What a pack brings, with these values for its variables.
    pub fn brought(&mut self, body: &Body, overrides: &BTreeMap<String, Written>) -> Brought {
        let parts = Parts::of(body);
        let mut brought = Brought::default();
        let mut names = Names::default();
        let flat = parts.outer.items.iter().filter(|item| !is_block(item, "agent"));
        let file_scope = self.scope(&Scope::default(), body.items.iter());
        let mut scope = if std::ptr::eq(parts.outer, body) {
            file_scope
        } else {
            self.scope(&file_scope, parts.outer.items.iter())
        };
        scope.override_with(overrides);
        for item in flat {
            self.brought_by(item, &scope, &mut names, &mut brought);
        }
        for agent in parts.agents {
            let mut inner = self.scope(&scope, agent.items.iter());
            inner.override_with(overrides);
            for item in &agent.items {
                self.brought_by(item, &inner, &mut names, &mut brought);
            }
        }
        brought
    }

    fn brought_by(&mut self, item: &Spanned<Item>, scope: &Scope, names: &mut Names, brought: &mut Brought) {
        match &item.node {
            Item::Rule(rule) => brought.rules.extend(self.rule(rule, item.span, scope)),
            Item::Rules(rules) => {
                for rule in rules {
                    brought.rules.extend(self.rule(&rule.node, rule.span, scope));
                }
            }
            Item::Redact { tool, target, paths, seal, by } => {
                brought.redactions.extend(self.redaction(tool, target, paths, *seal, by.as_ref()));
            }
            Item::Use { alias, overrides } => {
                let mut agent = Agent::empty();
                self.use_pack(&mut agent, alias, overrides.as_ref(), item.span, scope);
                brought.rules.extend(agent.rules);
                brought.redactions.extend(agent.redactions);
                brought.selectors.extend(agent.blocks.selectors);
            }
            Item::Block { keyword, .. } if keyword.node == "selector" => {
                if let Some(block) =
                    definitions::find(AGENT, "selector").and_then(|found| Block::of(found, item))
                {
                    brought.selectors.extend(self.selector(block, names));
                }
            }
            _ => {}
        }
    }
}

fn is_block(item: &Spanned<Item>, word: &str) -> bool {
    matches!(&item.node, Item::Block { keyword, .. } if keyword.node == word)
}
