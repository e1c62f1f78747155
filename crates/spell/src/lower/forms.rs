//! Statements that have a form of their own in FPL, as lists and maps.

use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned, Value};
use faramesh_syntax::{Diagnostic, parse};

use super::{Items, Lower, from_key};
use crate::codes;
use crate::names::{Mode, is_identifier};
use crate::tree::{Data, Entry, Node};

/// The parts of each form: the keys that mean it, the first as it is written.
pub(crate) const IMPORT: &[&[&str]] = &[&["path"], &["as", "alias"]];
pub(crate) const USE: &[&[&str]] = &[&["pack", "name"], &["vars", "var", "with"]];
pub(crate) const RATE_LIMIT: &[&[&str]] =
    &[&["pattern", "tool"], &["limit", "count"], &["window", "per"], &["burst"], &["scope"]];
pub(crate) const REDACTION: &[&[&str]] =
    &[&["tool", "pattern"], &["paths", "args", "fields"], &["target"], &["seal"], &["seal_by"]];
pub(crate) const TRUST_KEY: &[&[&str]] = &[&["owner"], &["key"]];
pub(crate) const MANIFEST: &[&[&str]] = &[&["orchestrators", "orchestrator"], &["grants", "grant"]];
pub(crate) const ORCHESTRATOR: &[&[&str]] = &[&["agent"], &["undeclared"]];
pub(crate) const GRANT: &[&[&str]] = &[&["from"], &["to"], &["max"], &["approval"]];
pub(crate) const REQUIREMENT: &[&[&str]] = &[&["called"]];

impl Lower<'_> {
    pub(super) fn statement(&mut self, entry: &Entry, keyword: &str, items: &mut Items) {
        match keyword {
            "import" => self.each(entry, "`- path: …`", items, Self::import),
            "use" => self.uses(entry, items),
            "var" => self.vars(entry, items),
            "rules" => self.rules(entry, items),
            "rate_limit" => self.each(entry, "`- pattern: …`", items, Self::rate_limit),
            "redact" => self.each(entry, "`- tool: …`", items, Self::redaction),
            "require" => self.each(entry, "`- no_pending_approvals`", items, Self::requirement),
            "manifest" => self.manifest(entry, items),
            _ => {
                let what = format!("`{keyword}`");
                self.wrong(
                    &entry.value,
                    &what,
                    "something that only FPL can say",
                    "write it in governance.fms",
                )
                .unwrap_or_default()
            }
        }
    }

    fn each(
        &mut self,
        entry: &Entry,
        form: &str,
        items: &mut Items,
        read: fn(&mut Self, &Node) -> Option<Item>,
    ) {
        let what = format!("`{}`", entry.key.node);
        let elements = self.elements(&entry.value, &what, &format!("write {form}")).unwrap_or_default();
        for (index, element) in elements.iter().enumerate() {
            if let Some(node) = read(self, element) {
                items.push(Spanned { node, span: from_key(entry, index, element.span) });
            }
        }
    }

    /// The parts of a map under their keys; nothing if it is no map or has others.
    fn parts<'n, const N: usize>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &'static [&'static [&'static str]],
        form: &str,
    ) -> Option<[Option<&'n Entry>; N]> {
        let entries = self.map(node, what, &format!("write {form}"))?;
        let known = || keys.iter().flat_map(|keys| keys.iter().copied());
        let mut unknown = entries.iter().filter(|entry| !known().any(|key| key == entry.key.node)).peekable();
        let sound = unknown.peek().is_none();
        for entry in unknown {
            self.unknown_key(&entry.key, known(), what);
        }
        let mut parts = [None; N];
        for (part, keys) in parts.iter_mut().zip(keys) {
            *part = self.one_of(entries, keys);
        }
        sound.then_some(parts)
    }

    fn required<'n>(
        &mut self,
        part: Option<&'n Entry>,
        node: &Node,
        what: &str,
        key: &str,
    ) -> Option<&'n Node> {
        if part.is_none() {
            let message = format!("{what} has no `{key}`");
            let help = format!("write `{key}: …`");
            self.report(Diagnostic::error(codes::WRONG_SHAPE, node.span, message).with_help(help));
        }
        part.map(|entry| &entry.value)
    }

    fn required_text(
        &mut self,
        part: Option<&Entry>,
        node: &Node,
        what: &str,
        key: &str,
    ) -> Option<Spanned<String>> {
        let value = self.required(part, node, what, key)?;
        self.text(value, &format!("`{key}`"), "write a text")
    }

    fn flag(&mut self, part: Option<&Entry>) -> Option<bool> {
        match part.map(|entry| &entry.value) {
            None => Some(false),
            Some(Node { data: Data::Bool(value), .. }) => Some(*value),
            Some(other) => self.wrong(other, "this", "`true` or `false`", "write `true`, or remove the key"),
        }
    }

    fn whole_number(&mut self, node: &Node, what: &str) -> Option<Spanned<String>> {
        match &node.data {
            Data::Number(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(Spanned { node: text.clone(), span: node.span })
            }
            _ => self.wrong(node, what, "a whole number", "write a number such as `10`, without quotes"),
        }
    }

    /// A name that FPL writes without quotes.
    fn identifier(&mut self, text: Spanned<String>, what: &str) -> Option<Name> {
        if is_identifier(&text.node) {
            return Some(text);
        }
        let message = format!("`{}` cannot be {what}", text.node);
        let help = "begin with a letter, and use letters, digits, `_` and `-`";
        self.report(Diagnostic::error(codes::WRONG_SHAPE, text.span, message).with_help(help));
        None
    }

    fn import(&mut self, node: &Node) -> Option<Item> {
        if let Data::Text(path, _) = &node.data {
            return Some(Item::Import { path: Spanned { node: path.clone(), span: node.span }, alias: None });
        }
        let [path, alias] =
            self.parts(node, "an import", IMPORT, "`- path: host/path@1.2.3` and below `as: name`")?;
        let path = self.required_text(path, node, "this import", "path")?;
        let alias = match alias {
            None => None,
            Some(entry) => {
                let text = self.text(&entry.value, "the name of an import", "write a text")?;
                Some(self.identifier(text, "the name of an import")?)
            }
        };
        Some(Item::Import { path, alias })
    }

    fn uses(&mut self, entry: &Entry, items: &mut Items) {
        // `use: {stripe: {refund_threshold: 500}}`, unless its only map is that of one pack.
        let by_name = match &entry.value.data {
            Data::Map(entries) => !entries.iter().any(|entry| matches!(entry.value.data, Data::Text(..))),
            _ => false,
        };
        let Data::Map(entries) = &entry.value.data else {
            return self.each(entry, "`- pack: name` and below `vars:`", items, Self::use_pack);
        };
        if !by_name {
            return self.each(entry, "`- pack: name` and below `vars:`", items, Self::use_pack);
        }
        for (index, named) in entries.iter().enumerate() {
            let overrides = if matches!(named.value.data, Data::Null) { None } else { Some(&named.value) };
            if let Some(alias) = self.identifier(named.key.clone(), "the name of an import")
                && let Some(node) = self.use_of(alias, overrides)
            {
                items.push(Spanned { node, span: from_key(entry, index, named.span()) });
            }
        }
    }

    fn use_pack(&mut self, node: &Node) -> Option<Item> {
        if let Data::Text(name, _) = &node.data {
            let alias =
                self.identifier(Spanned { node: name.clone(), span: node.span }, "the name of an import")?;
            return Some(Item::Use { alias, overrides: None });
        }
        let [pack, vars] = self.parts(node, "`use`", USE, "`- pack: name` and below `vars:`")?;
        let alias = self.required_text(pack, node, "this `use`", "pack")?;
        let alias = self.identifier(alias, "the name of an import")?;
        self.use_of(alias, vars.map(|entry| &entry.value))
    }

    fn use_of(&mut self, alias: Name, overrides: Option<&Node>) -> Option<Item> {
        let Some(node) = overrides else { return Some(Item::Use { alias, overrides: None }) };
        let mut items = Vec::new();
        for entry in self.map(node, "what a pack is given", "write `name: value` for each variable")? {
            let name = self.identifier(entry.key.clone(), "the name of a variable")?;
            self.setting(&name, &name.node, &entry.value, entry.span(), Mode::Literal, &mut items);
        }
        Some(Item::Use { alias, overrides: Some(Body { items }) })
    }

    fn vars(&mut self, entry: &Entry, items: &mut Items) {
        let what = format!("`{}`", entry.key.node);
        let variables = self.map(&entry.value, &what, "write `name: value` for each variable");
        for (index, variable) in variables.unwrap_or_default().iter().enumerate() {
            let Some(name) = self.identifier(variable.key.clone(), "the name of a variable") else {
                continue;
            };
            let what = format!("the variable `{}`", name.node);
            if let Some(value) = self.value(&variable.value, Mode::Literal, &what) {
                items.push(Spanned {
                    node: Item::Var { name, value },
                    span: from_key(entry, index, variable.span()),
                });
            }
        }
    }

    fn rate_limit(&mut self, node: &Node) -> Option<Item> {
        const FORM: &str = "`- pattern: stripe/*` and below `limit: 10` and `window: minute`";
        let [pattern, count, window, burst, scope] = self.parts(node, "a rate limit", RATE_LIMIT, FORM)?;
        let pattern = self.required_text(pattern, node, "this rate limit", "pattern");
        let count = self.required(count, node, "this rate limit", "limit");
        let count = count.and_then(|node| self.whole_number(node, "`limit`"));
        let period = self.required_text(window, node, "this rate limit", "window");
        let mut options = Vec::new();
        for entry in [burst, scope].into_iter().flatten() {
            let value = self.value(&entry.value, Mode::Text, &format!("`{}`", entry.key.node))?;
            options.push((entry.key.clone(), value));
        }
        Some(Item::RateLimit { pattern: pattern?, count: count?, period: period?, options })
    }

    fn redaction(&mut self, node: &Node) -> Option<Item> {
        const FORM: &str = "`- tool: refund` and below `paths: [card.number]`";
        let [tool, paths, target, seal, by] = self.parts(node, "a redaction", REDACTION, FORM)?;
        let tool = self.required_text(tool, node, "this redaction", "tool")?;
        let paths = self.required(paths, node, "this redaction", "paths")?;
        let mut fields = Vec::new();
        for element in self.elements(paths, "`paths`", "write a list of fields")? {
            fields.push(self.text(element, "a field to redact", "write a text such as `card.number`")?);
        }
        let target = match target {
            None => Spanned { node: "args".to_owned(), span: tool.span },
            Some(entry) => {
                let text = self.text(&entry.value, "`target`", "write `args`")?;
                self.identifier(text, "what a redaction is about")?
            }
        };
        let by = match by {
            None => None,
            Some(entry) => {
                Some(self.text(&entry.value, "`seal_by`", "write a text such as `customer.id`")?)
            }
        };
        // Whoever says under whose key a field is sealed has said that it is.
        let seal = if seal.is_none() && by.is_some() { true } else { self.flag(seal)? };
        Some(Item::Redact { tool, target, paths: fields, seal, by })
    }

    /// `require: [no_pending_approvals, {called: tests/run}]`
    fn requirement(&mut self, node: &Node) -> Option<Item> {
        if let Data::Text(text, _) = &node.data {
            let condition = Spanned { node: text.clone(), span: node.span };
            return Some(Item::Require { condition, argument: None });
        }
        let [called] =
            self.parts(node, "a requirement", REQUIREMENT, "`- no_pending_approvals` or `- called: tool`")?;
        let tool = self.required_text(called, node, "this requirement", "called")?;
        let condition =
            Spanned { node: "called".to_owned(), span: called.map_or(node.span, |entry| entry.key.span) };
        Some(Item::Require { condition, argument: Some(tool) })
    }

    fn manifest(&mut self, entry: &Entry, items: &mut Items) {
        const FORM: &str = "`orchestrators:` and `grants:`, each with a list below";
        let Some([orchestrators, grants]) = self.parts(&entry.value, "`manifest`", MANIFEST, FORM) else {
            return;
        };
        // What stands before `manifest` stands before the first of its lists.
        let first = [orchestrators, grants].into_iter().flatten().map(|list| list.key.span.start).min();
        let placed = |list: &Entry| {
            let mut list = list.clone();
            if Some(list.key.span.start) == first {
                list.key.span.start = entry.key.span.start;
            }
            list
        };
        if let Some(list) = orchestrators {
            self.each(
                &placed(list),
                "`- agent: name` and below `undeclared: deny`",
                items,
                Self::orchestrator,
            );
        }
        if let Some(list) = grants {
            self.each(&placed(list), "`- from: a` and below `to: b` and `max: 10`", items, Self::grant);
        }
    }

    fn orchestrator(&mut self, node: &Node) -> Option<Item> {
        if let Data::Text(name, _) = &node.data {
            let agent = Spanned { node: name.clone(), span: node.span };
            return Some(Item::ManifestOrchestrator { agent, undeclared: None });
        }
        let [agent, undeclared] = self.parts(node, "an orchestrator", ORCHESTRATOR, "`- agent: name`")?;
        let agent = self.required_text(agent, node, "this orchestrator", "agent")?;
        let undeclared = match undeclared {
            None => None,
            Some(entry) => {
                let text = self.text(&entry.value, "`undeclared`", "write `deny` or `defer`")?;
                Some(self.identifier(text, "what happens to agents that are not declared")?)
            }
        };
        Some(Item::ManifestOrchestrator { agent, undeclared })
    }

    fn grant(&mut self, node: &Node) -> Option<Item> {
        let [from, to, max, approval] =
            self.parts(node, "a grant", GRANT, "`- from: a` and below `to: b`")?;
        let from = self.required_text(from, node, "this grant", "from")?;
        let to = self.required_text(to, node, "this grant", "to")?;
        let max = match max {
            None => None,
            Some(entry) => Some(self.whole_number(&entry.value, "`max`")?),
        };
        let approval = self.flag(approval)?;
        Some(Item::ManifestGrant { from, to, max, approval })
    }

    /// Keys of `trust`: `OWNER ALGORITHM:KEY`, or maps with the two parts; other texts stay a setting.
    pub(super) fn trust_keys(&mut self, entry: &Entry, items: &mut Items) {
        const FORM: &str = "`- github.com/owner/repository ed25519:…`";
        let mut others = Vec::new();
        for element in self.elements(&entry.value, "`keys`", &format!("write {FORM}")).unwrap_or_default() {
            if let Data::Text(text, _) = &element.data {
                match trust_key(text, element.span) {
                    Some(node) => items.push(Spanned { node, span: element.span }),
                    None => others.push(Spanned { node: Value::String(text.clone()), span: element.span }),
                }
                continue;
            }
            let Some([owner, key]) = self.parts(element, "a trusted key", TRUST_KEY, FORM) else { continue };
            let owner = self.required_text(owner, element, "this key", "owner");
            let key = self.required_text(key, element, "this key", "key");
            let (Some(owner), Some(key)) = (owner, key) else { continue };
            match trust_key(&format!("{} {}", owner.node, key.node), element.span) {
                Some(node) => items.push(Spanned { node, span: element.span }),
                None => {
                    let message = format!("`{}` is no key", key.node);
                    let help = "write the algorithm, a `:` and the key in base64: `ed25519:…`";
                    self.report(Diagnostic::error(codes::WRONG_SHAPE, key.span, message).with_help(help));
                }
            }
        }
        if !others.is_empty() {
            let key = Spanned { node: "keys".to_owned(), span: entry.key.span };
            let value = Spanned { node: Value::List(others), span: entry.value.span };
            items.push(Spanned { node: Item::Setting { key, value }, span: entry.span() });
        }
    }
}

/// The key that a text such as `host/path ed25519:…` is.
pub(crate) fn trust_key(text: &str, span: Span) -> Option<Item> {
    let (owner, key) = text.rsplit_once(' ')?;
    let (algorithm, material) = key.split_once(':')?;
    let spanned = |node: &str| Spanned { node: node.to_owned(), span };
    // What FPL cannot write as a key is none.
    let written = format!("trust {{ key {} {key} }}", faramesh_syntax::quote(owner));
    let parsed = parse(&written);
    (!parsed.has_errors() && owner.trim() == owner && is_identifier(algorithm)).then(|| Item::TrustKey {
        owner: spanned(owner),
        algorithm: spanned(algorithm),
        key: spanned(material),
    })
}

#[cfg(test)]
mod tests {
    use faramesh_check::definitions::{AGENT, Definition, FILE, Shape};

    /// Statements that this module and `rule` read.
    const STATEMENTS: &[&str] =
        &["import", "use", "var", "rules", "rate_limit", "redact", "key", "require", "manifest"];

    #[test]
    fn every_statement_of_the_language_has_a_form() {
        fn each(members: &[Definition], found: &mut Vec<&'static str>) {
            for definition in members {
                match definition.shape {
                    Shape::Statement(_) => found.push(definition.keyword),
                    Shape::Block { members, .. } => each(members, found),
                    Shape::Setting { .. } => {}
                }
            }
        }
        let mut found = Vec::new();
        each(FILE, &mut found);
        each(AGENT, &mut found);
        for keyword in found {
            assert!(STATEMENTS.contains(&keyword), "`{keyword}` has no form in YAML");
        }
    }
}
