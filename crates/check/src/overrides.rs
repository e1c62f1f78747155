//! `use alias { var = value }`: the values that an agent gives to the variables of a pack. Each must be a
//! variable of the pack and have the type that it has there.

use std::collections::BTreeMap;

use faramesh_syntax::ast::{Body, Item, Name, Spanned, Value};
use faramesh_syntax::nearest;

use crate::checker::Checker;
use crate::codes;
use crate::definitions;
use crate::imports::Pack;
use crate::members::{keyword, with_nearest};
use crate::merge::Parts;
use crate::scope::{Scope, Written};
use crate::types::Type;

impl Checker<'_> {
    /// The values of variables that a `use` gives.
    pub fn overrides(
        &mut self,
        pack: &Pack,
        alias: &Name,
        body: Option<&Body>,
        scope: &Scope,
    ) -> Option<BTreeMap<String, Written>> {
        let parts = Parts::of(&pack.body);
        let (declared, _) = self.in_pack(&pack.text, pack.file, |inner| {
            let bodies = [&pack.body, parts.outer].into_iter().chain(parts.agents.iter().copied());
            let mut known = BTreeMap::new();
            for item in bodies.flat_map(|body| &body.items) {
                if let Item::Var { name, value } = &item.node
                    && let Some(written) = inner.constant(value)
                {
                    known.insert(name.node.clone(), written);
                }
            }
            known
        });
        let mut values = BTreeMap::new();
        let mut intact = true;
        for item in body.into_iter().flat_map(|body| &body.items) {
            let (name, value) = match &item.node {
                Item::Setting { key, value } => (key, value),
                Item::Var { name, value } => (name, value),
                _ => {
                    let (word, span) = keyword(item);
                    let message = format!("`{word}` does not belong in `use`");
                    self.say(
                        codes::MISPLACED,
                        span,
                        message,
                        format!("write `use {} {{ name = value }}`", alias.node),
                    );
                    intact = false;
                    continue;
                }
            };
            intact &= self.one_override(&declared, alias, name, value, scope, &mut values).is_some();
        }
        intact.then_some(values)
    }

    fn one_override(
        &mut self,
        declared: &BTreeMap<String, Written>,
        alias: &Name,
        name: &Name,
        value: &Spanned<Value>,
        scope: &Scope,
        values: &mut BTreeMap<String, Written>,
    ) -> Option<()> {
        let Some(default) = declared.get(&name.node) else {
            let near = nearest(&name.node, declared.keys().map(String::as_str));
            let message = format!("the pack `{}` has no variable `{}`", alias.node, name.node);
            let diagnostic = codes::UNKNOWN_OVERRIDE.at(name.span, message);
            self.report(with_nearest(diagnostic, near, name.span, || {
                let known: Vec<&str> = declared.keys().map(String::as_str).collect();
                if known.is_empty() {
                    "remove it: this pack has none".to_owned()
                } else {
                    format!("it has {}", definitions::one_of(&known))
                }
            }));
            return None;
        };
        let written = match &value.node {
            Value::Word(word) if scope.get(word).is_some() => {
                self.read_variables.insert(word.clone());
                scope.get(word).cloned()
            }
            _ => self.constant(value),
        }?;
        let (wanted, found) = (Type::of_constant(&default.constant), Type::of_constant(&written.constant));
        if wanted != found {
            let message = format!(
                "`{}` is {} in the pack `{}`, and not {}",
                name.node,
                wanted.name(),
                alias.node,
                found.name()
            );
            self.say(
                codes::WRONG_VALUE,
                value.span,
                message,
                format!("write it as in the pack: `{} = {}`", name.node, default.text),
            );
            return None;
        }
        if values.insert(name.node.clone(), written).is_some() {
            let message = format!("`{}` is written twice", name.node);
            self.say(codes::DUPLICATE_KEY, name.span, message, "keep one of the two");
            return None;
        }
        Some(())
    }
}
