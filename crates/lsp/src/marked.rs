//! For tests: a policy with a `¦` where the cursor stands.

use std::str::FromStr;

use lsp_types::Uri;

use crate::document::Document;
use crate::positions::Encoding;

/// The document without the mark, and where the mark was.
pub fn marked(text: &str) -> (Document, u32) {
    let at = text.find('¦').expect("a mark");
    let uri = Uri::from_str("file:///stack/governance.fms").unwrap();
    let document = Document::new(uri, 1, text.replacen('¦', "", 1), Encoding::Utf16);
    (document, u32::try_from(at).unwrap())
}
