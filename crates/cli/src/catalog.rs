//! Where imports are found for now: folders on this machine. The file of
//! `github.com/org/repo/policies/stripe@1.3.0` is
//! `CATALOG/github.com/org/repo/policies/stripe@1.3.0/pack.fms`, and a catalog is `.faramesh/catalog` of
//! the stack or, after it, the folder that `FARAMESH_CATALOG` names.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use faramesh_check::{PackFile, Resolver, Unresolved};

/// The file of a pack in its folder.
const PACK_FILE: &str = "pack.fms";
/// Largest pack that is read; the parser has a smaller limit and names it.
const MAX_BYTES: u64 = 64 << 20;

/// Catalogs of a stack, in the order in which they are looked through.
#[derive(Debug, Clone)]
pub struct Catalogs {
    folders: Vec<PathBuf>,
}

impl Catalogs {
    /// The catalogs of the stack in `folder`.
    pub fn of(folder: &Path) -> Self {
        let own = folder.join(".faramesh").join("catalog");
        let shared = std::env::var_os("FARAMESH_CATALOG").filter(|path| !path.is_empty());
        Self { folders: std::iter::once(own).chain(shared.map(PathBuf::from)).collect() }
    }

    /// The file of an import, in the first catalog that has it.
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let is_plain = !path.starts_with('/') && path.split('/').all(|part| part != "..");
        let mut files = self.folders.iter().map(|folder| folder.join(path).join(PACK_FILE));
        files.find(|file| is_plain && file.is_file())
    }

    fn looked_in(&self) -> String {
        let shown: Vec<String> =
            self.folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
        shown.join(" or ")
    }
}

impl Resolver for Catalogs {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let last = path.rsplit('/').next().unwrap_or(path);
        if let Some(file) = self.file(path) {
            let unusable = |why: String| Unresolved {
                message: format!("the import `{path}` cannot be read: {why}"),
                help: format!("look at `{}`", file.display()),
            };
            let mut bytes = Vec::new();
            File::open(&file)
                .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
                .map_err(|error| unusable(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|_| unusable("it is no UTF-8 text".to_owned()))?;
            return Ok(PackFile { name: format!("{last}/{PACK_FILE}"), text });
        }
        let place = self.folders.first().map(|folder| folder.join(path).join(PACK_FILE));
        let place = place.map(|place| place.display().to_string()).unwrap_or_default();
        Err(Unresolved {
            message: format!("the import `{path}` is not in {}", self.looked_in()),
            help: format!(
                "put its file at `{place}`, or set `FARAMESH_CATALOG` to the folder of a catalog that has it"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_found_in_the_first_catalog_that_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let catalogs = Catalogs { folders: vec![folder.path().join("a"), folder.path().join("b")] };
        let path = "github.com/org/repo/policies/stripe@1.3.0";
        let missing = catalogs.resolve(path).unwrap_err();
        assert!(missing.help.contains("a/github.com/org/repo/policies/stripe@1.3.0/pack.fms"), "{missing:?}");
        for (catalog, text) in [("b", "permit b"), ("a", "permit a")] {
            let place = folder.path().join(catalog).join(path);
            std::fs::create_dir_all(&place).unwrap();
            std::fs::write(place.join("pack.fms"), text).unwrap();
            let found = catalogs.resolve(path).unwrap();
            assert_eq!((found.name.as_str(), found.text.as_str()), ("stripe@1.3.0/pack.fms", text));
        }
        std::fs::write(folder.path().join("a").join(path).join("pack.fms"), [0xff]).unwrap();
        assert!(catalogs.resolve(path).unwrap_err().message.contains("UTF-8"));
    }
}
