//! Providers of type `price-table`: a file of prices in the place of the bundled ones.

use faramesh_program::image::{Setting, SettingValue, TextSource};
use faramesh_syntax::ast::Item;
use faramesh_syntax::nearest;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::{Settings, with_nearest};

/// The type.
pub(crate) const PRICE_TABLE: &str = "price-table";
const KEYS: &[&str] = &["type", "path"];

impl Checker<'_> {
    /// The settings of a table of prices. There is one, or nobody could say which counts.
    pub fn price_table(&mut self, block: Block<'_>, settings: &Settings<'_>) -> Vec<(String, Setting)> {
        if let Some(first) = self.price_table.replace(block.keyword.span) {
            let message = "there are two tables of prices";
            let found =
                codes::CONFLICTING_KEYS.at(block.keyword.span, message).with_help("keep one of the two");
            self.report(found.with_label(first, "the other one"));
        }
        let mut misspelt = false;
        for item in &block.body.items {
            let Item::Setting { key, .. } = &item.node else { continue };
            if KEYS.contains(&key.node.as_str()) {
                continue;
            }
            let near = nearest(&key.node, KEYS.iter().copied());
            misspelt |= near == Some("path");
            let found = codes::UNKNOWN_KEY.at(key.span, format!("a {PRICE_TABLE} has no key `{}`", key.node));
            self.report(with_nearest(found, near, key.span, || format!("it takes {}", one_of(KEYS))));
        }
        if settings.get("path").is_none() && !misspelt {
            let message = format!("this {PRICE_TABLE} has no `path`");
            self.say(codes::MISSING_KEY, block.keyword.span, message, "write `path = \"prices.json\"`");
        }
        let path = self.filled_text("path", settings.get("path"));
        let path = path.map(|path| Setting::One(SettingValue::Text(TextSource::Literal(path))));
        path.map(|path| ("path".to_owned(), path)).into_iter().collect()
    }
}
