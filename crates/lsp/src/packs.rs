//! From an import to the file that it means, when the machine has that file.

use std::path::Path;
use std::str::FromStr;

use faramesh_syntax::ast::{Item, Span};
use lsp_types::Uri;

use crate::document::Document;
use crate::host::Host;

/// The file of the import whose address stands at an offset.
pub fn file_at(document: &Document, offset: u32, host: &dyn Host) -> Option<Uri> {
    let mut items = document.parse().ast().items.iter();
    let path = items.find_map(|item| match &item.node {
        Item::Import { path, .. } if touches(path.span, offset) => Some(&path.node),
        _ => None,
    })?;
    let stack = path_of(&document.uri)?;
    let file = host.pack(Path::new(&stack).parent()?, path)?;
    uri_of(&file)
}

fn touches(span: Span, offset: u32) -> bool {
    span.start <= offset && offset <= span.end
}

/// The path of a `file:` address.
pub fn path_of(uri: &Uri) -> Option<String> {
    let is_file = uri.scheme().is_some_and(|scheme| scheme.as_str() == "file");
    let path = uri.path().as_estr().decode().into_string().ok()?;
    is_file.then(|| path.into_owned())
}

/// The `file:` address of a path.
fn uri_of(path: &Path) -> Option<Uri> {
    let mut address = "file://".to_owned();
    for byte in path.to_str()?.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if plain {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    Uri::from_str(&address).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_addresses_are_inverse() {
        for path in ["/a/b.fms", "/with space/é/50%/x@1.0.0.fms"] {
            let uri = uri_of(Path::new(path)).unwrap();
            assert_eq!(path_of(&uri).as_deref(), Some(path), "{}", uri.as_str());
        }
        assert_eq!(path_of(&Uri::from_str("untitled:a").unwrap()), None);
    }
}
