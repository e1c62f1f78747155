//! Names of a project by the module that has them: what one file may know about another.
//!
//! A module is the parts of its path, without the extension and without `__init__` or `index`.

use std::collections::BTreeMap;
use std::path::{Component, Path};

/// A name in another module, as a file wants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The module: all of its parts, or the last of them.
    pub module: Vec<String>,
    /// Whether these are all the parts.
    pub exact: bool,
    /// The name there, with a dot for a member of a class.
    pub name: String,
    /// The module that wants it; of several, the nearest to it counts.
    pub importer: Vec<String>,
}

impl Wanted {
    /// Whether another module has it.
    pub fn is_imported(&self) -> bool {
        !self.exact || self.module != self.importer
    }

    /// Whether it is a name of this module.
    pub fn is_of(&self, module: &[String]) -> bool {
        // A module that is named like a package imports from the package, not from itself.
        if self.exact {
            module == self.module
        } else {
            module.ends_with(&self.module) && module != self.importer
        }
    }

    fn nearness(&self, module: &[String]) -> usize {
        module.iter().zip(&self.importer).take_while(|(one, other)| one == other).count()
    }

    /// The name of the class or variable that a member belongs to, or the name itself.
    pub fn owner(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }
}

/// Values by name and module.
#[derive(Debug)]
pub struct Index<T>(BTreeMap<String, Vec<(Vec<String>, T)>>);

impl<T> Default for Index<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Index<T> {
    /// Adds a value; the first of a module and a name stays.
    pub fn insert(&mut self, module: &[String], name: &str, value: T) {
        let places = self.0.entry(name.to_owned()).or_default();
        if !places.iter().any(|(known, _)| known == module) {
            places.push((module.to_vec(), value));
        }
    }

    /// The module and value that a name stands for, by the name itself or another key.
    pub fn nearest<'i>(&'i self, wanted: &Wanted, name: &str) -> Option<(&'i [String], &'i T)> {
        let candidates = self.0.get(name)?.iter().filter(|(module, _)| wanted.is_of(module));
        let mut best: Option<(usize, &'i (Vec<String>, T))> = None;
        for candidate in candidates {
            let nearness = wanted.nearness(&candidate.0);
            if best.is_none_or(|(found, _)| nearness > found) {
                best = Some((nearness, candidate));
            }
        }
        best.map(|(_, (module, value))| (module.as_slice(), value))
    }

    /// The value that a name stands for.
    pub fn get(&self, wanted: &Wanted) -> Option<&T> {
        self.nearest(wanted, &wanted.name).map(|(_, value)| value)
    }
}

/// The module that a file is.
pub fn module(path: &Path) -> Vec<String> {
    let mut parts = folder(path);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if !matches!(stem, "__init__" | "index") {
        parts.push(stem.to_owned());
    }
    parts
}

/// The folder of a file.
pub fn folder(path: &Path) -> Vec<String> {
    let folder = path.parent().map_or_else(Vec::new, |folder| folder.components().collect());
    let names = folder.into_iter().filter_map(|part| match part {
        Component::Normal(name) => name.to_str().map(str::to_owned),
        _ => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn the_nearest_module_counts() {
        let mut index = Index::default();
        for (place, path) in ["a/tools/x.py", "b/tools/x.py", "b/tools/__init__.py"].iter().enumerate() {
            index.insert(&module(Path::new(path)), "f", place);
        }
        let found = |path: &str, exact: bool, importer: &str| {
            let wanted =
                Wanted { module: parts(path), exact, name: "f".to_owned(), importer: parts(importer) };
            index.get(&wanted).copied()
        };
        assert_eq!(found("tools/x", false, "b/main"), Some(1));
        assert_eq!(found("tools/x", false, "a/main"), Some(0));
        assert_eq!(found("x", false, "c"), Some(0));
        assert_eq!(found("b/tools", true, ""), Some(2));
        assert_eq!(found("tools", true, "b"), None);
        assert_eq!(found("ools/x", false, ""), None);
    }
}
