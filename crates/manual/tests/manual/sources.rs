//! Where the documentation and the corpus are, and how a printed policy is checked.

use std::path::{Path, PathBuf};

use faramesh_check::{Checked, Options, PackFile, Resolver, Unresolved, check};
use faramesh_manual::{Block, blocks, expanded};
use faramesh_spell::Spelling;

/// A folder or file of the repository.
pub fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Every file below a folder with this extension, in order.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The packs of the corpus.
struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let file = place("tests/corpus/catalog").join(path).join("pack.fms");
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(PackFile { name: format!("{name}/pack.fms"), text }),
            Err(_) => Err(Unresolved { message: format!("no `{path}`"), help: "add it".to_owned() }),
        }
    }
}

/// Checks a source as `faramesh dev` would, or as `apply` would if the words say so.
pub fn checked(source: &str, words: &str) -> Checked {
    let environment = |_: &str| None;
    let dev = !words.split(' ').any(|word| word == "apply");
    let options = Options { dev, packs: &Catalog, ..Options::new("governance.fms", &environment) };
    check(source, &options)
}

/// Checks an example of a page of a diagnostic, in the language of its fence.
pub fn checked_as(language: &str, source: &str, words: &str) -> Checked {
    let spelling = match language {
        "yaml" => Spelling::Yaml,
        "json" => Spelling::Json,
        _ => return checked(source, words),
    };
    let environment = |_: &str| None;
    let file_name = spelling.file_name().to_owned();
    let options = Options { dev: true, ..Options::new(file_name, &environment) };
    faramesh_spell::check(source, spelling, &options)
}

/// The examples of a page of a diagnostic: language, words, source and line.
pub fn examples(page: &str) -> Vec<(String, String, String, usize)> {
    blocks(page)
        .into_iter()
        .filter_map(|block| match block {
            Block::Fence { info, text, line } => {
                let (language, words) = info.split_once(' ')?;
                let source = expanded(&text).unwrap_or_else(|| panic!("line {line}: malformed ⟨… ×n⟩"));
                Some((language.to_owned(), words.to_owned(), source, line))
            }
            _ => None,
        })
        .collect()
}

/// The policies of a page: the words behind `fpl` on the fence, the source written out, and the line.
pub fn policies(page: &str) -> Vec<(String, String, usize)> {
    blocks(page)
        .into_iter()
        .filter_map(|block| match block {
            Block::Fence { info, text, line } => {
                let words =
                    info.strip_prefix("fpl").filter(|rest| rest.is_empty() || rest.starts_with(' '))?;
                let source = expanded(&text).unwrap_or_else(|| panic!("line {line}: malformed ⟨… ×n⟩"));
                Some((words.trim().to_owned(), source, line))
            }
            _ => None,
        })
        .collect()
}
