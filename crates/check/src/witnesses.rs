//! Providers of type `witness`: another host's process that cosigns the ledger's checkpoints.

use faramesh_program::image::{LedgerBackend, Runtime, Setting, SettingValue, Signing, TextSource};
use faramesh_syntax::ast::Item;
use faramesh_syntax::nearest;

use crate::blocks::Block;
use crate::checker::Checker;
use crate::codes;
use crate::definitions::one_of;
use crate::members::{Settings, with_nearest};

/// The type.
pub(crate) const WITNESS: &str = "witness";
const KEYS: &[&str] = &["type", "url", "key"];

impl Checker<'_> {
    /// The settings of a witness, sorted by key.
    pub fn witness(&mut self, block: Block<'_>, settings: &Settings<'_>) -> Vec<(String, Setting)> {
        self.witness_blocks.push(block.keyword.span);
        let mut misspelt = Vec::new();
        for item in &block.body.items {
            let Item::Setting { key, .. } = &item.node else { continue };
            if KEYS.contains(&key.node.as_str()) {
                continue;
            }
            let near = nearest(&key.node, KEYS.iter().copied());
            misspelt.extend(near);
            let found = codes::UNKNOWN_KEY.at(key.span, format!("a witness has no key `{}`", key.node));
            self.report(with_nearest(found, near, key.span, || format!("it takes {}", one_of(KEYS))));
        }
        for (key, example) in
            [("url", "url = \"https://witness.example.com\""), ("key", "key = \"witness.example.com+…\"")]
        {
            if settings.get(key).is_none() && !misspelt.contains(&key) {
                let message = format!("this witness has no `{key}`");
                self.say(codes::MISSING_KEY, block.keyword.span, message, format!("write `{example}`"));
            }
        }
        let url = self.url_source("url", &["https", "http"], settings.get("url"));
        if let Some(url) = &url
            && let TextSource::Literal(text) | TextSource::Environment { default: Some(text), .. } = &url.node
        {
            self.may_leave(text, url.span);
        }
        let key = self.filled_text("key", settings.get("key"));
        if let (Some(key), Some(written)) = (&key, settings.get("key"))
            && !is_key(key)
        {
            let message = "this is no public key of a witness";
            let help = "write it as `faramesh witness` prints it: `<name>+<8 digits>+<base64>`";
            self.say(codes::WRONG_VALUE, written.span, message, help);
        }
        let key = key.map(|key| SettingValue::Text(TextSource::Literal(key)));
        let url = url.map(|url| SettingValue::Text(url.node));
        let found = [("key", key), ("url", url)].into_iter();
        found.filter_map(|(name, value)| Some((name.to_owned(), Setting::One(value?)))).collect()
    }

    /// Reports witnesses of a ledger that makes no checkpoints: they would have nothing to cosign.
    pub fn witnessed(&mut self, runtime: &Runtime) {
        let (why, help) = match (runtime.backend, runtime.signing) {
            (LedgerBackend::Postgres, _) => {
                ("a ledger in Postgres has no checkpoints", "remove it, or keep the ledger in a folder")
            }
            (_, Signing::Off) => (
                "`signing = \"off\"` makes no checkpoints",
                "remove it, or write `signing = \"checkpoint\"` in `runtime`",
            ),
            _ => return,
        };
        for span in std::mem::take(&mut self.witness_blocks) {
            self.say(codes::WRONG_VALUE, span, format!("this witness would see nothing: {why}"), help);
        }
    }
}

/// `<name>+<8 digits>+<base64>`; base64 may have a plus. It is the base64 of 33 bytes, of which the first, 4, says
/// that it cosigns; a ledger's own key has another.
fn is_key(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (name, id, key) = (parts.next(), parts.next(), parts.next());
    name.is_some_and(|name| !name.is_empty())
        && id.is_some_and(|id| id.len() == 8 && id.bytes().all(|digit| digit.is_ascii_hexdigit()))
        && key.is_some_and(|key| {
            key.len() == 44 && key.starts_with('B') && matches!(key.as_bytes().get(1), Some(b'A'..=b'P'))
        })
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_key_may_have_a_plus() {
        let key = |text: &str| format!("w.example+1a2b3c4d+{text}");
        let base64 = format!("BA+/+{}", "x".repeat(39));
        for (text, expected) in [
            (key(&base64), true),
            (key(&base64.replacen('B', "A", 1)), false),
            (key(&base64.replacen("BA", "BQ", 1)), false),
            (key("BAAA"), false),
            (key(&base64).replace("1a2b3c4d", "1a2b3c4"), false),
            (key(&base64).replace("w.example", ""), false),
            ("w.example+1a2b3c4d".to_owned(), false),
            ("abc".to_owned(), false),
        ] {
            assert_eq!(is_key(&text), expected, "{text}");
        }
    }
}
