//! `import`: paths read, packs found, read and checked, each once however many files import it.
//!
//! INVARIANT an import changes nothing that is permitted: only `use` does, in `merge`.

use std::collections::BTreeMap;
use std::rc::Rc;

use faramesh_program::image::Import;
use faramesh_syntax::ast::{Body, Item, Name, Span, Spanned};
use faramesh_syntax::{Diagnostic, Severity};
use sha2::{Digest, Sha256};

use crate::checker::Checker;
use crate::codes;
use crate::{PackFindings, Unenforced};

/// Most packs on the way from a stack to one that it needs.
const DEPTH: usize = 16;
/// Most packs of a stack.
const PACKS: usize = 256;

/// Kinds of imports, by the folder that they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Rules.
    Policy,
    /// What a framework is, and rules for those who use them.
    Framework,
    /// A provider's program.
    Provider,
}

/// A pack that was read.
#[derive(Debug)]
pub(crate) struct Pack {
    pub path: String,
    pub kind: Kind,
    /// The number of its file among the stack's files.
    pub file: u32,
    pub text: Rc<str>,
    pub body: Body,
    /// What it imports itself, by alias.
    pub imports: Imports,
    /// Whether it has no errors.
    pub sound: bool,
}

/// Imports of one file, by alias.
pub(crate) type Imports = BTreeMap<String, Imported>;

/// One import of a file.
#[derive(Debug, Clone)]
pub(crate) struct Imported {
    pub pack: Rc<Pack>,
    /// Where it was written.
    pub span: Span,
    /// Whether a `use` names it.
    pub used: bool,
}

/// What the files of a stack share.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// Names of files: the stack's own, then packs in the order in which they were found.
    pub files: Vec<String>,
    /// Packs by path; `None` for what cannot be had.
    packs: BTreeMap<String, Option<Rc<Pack>>>,
    /// Paths of the packs that are being read.
    open: Vec<String>,
    /// What was found in packs.
    pub findings: Vec<PackFindings>,
    /// `use` statements so far.
    pub uses: u32,
    /// What packs require, with the numbers of their files.
    pub required: Vec<(u32, Spanned<String>)>,
    /// SHA-256 of each pack, by path.
    digests: BTreeMap<String, String>,
}

impl Library {
    /// Every import, sorted.
    pub fn imports(&self) -> Vec<Import> {
        self.digests
            .iter()
            .map(|(path, digest)| Import { path: path.clone(), sha256: digest.clone() })
            .collect()
    }

    /// Whether a pack is imported, by its whole path or the last part of it.
    pub fn has(&self, wanted: &str) -> bool {
        self.digests.keys().any(|path| path == wanted || path.ends_with(&format!("/{wanted}")))
    }
}

/// The kind of an import by its path.
pub(crate) fn kind_of(path: &str) -> Option<Kind> {
    let mut parts = path.rsplit('/').skip(1);
    match parts.next()? {
        "policies" => Some(Kind::Policy),
        "frameworks" => Some(Kind::Framework),
        "providers" => Some(Kind::Provider),
        _ => None,
    }
}

/// `stripe` of `github.com/org/repo/policies/stripe@1.3.0`.
pub(crate) fn name_of(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split('@').next().unwrap_or(last)
}

/// Whether a path ends in `@` and an exact version.
pub(crate) fn is_pinned(path: &str) -> bool {
    let Some((name, version)) = path.split_once('@') else { return false };
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<&str> = release.split('.').collect();
    let is_number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (*part == "0" || !part.starts_with('0'))
    };
    let rest = version.get(release.len()..).unwrap_or_default();
    let is_rest = rest.is_empty()
        || rest.len() > 1 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    !name.is_empty() && numbers.len() == 3 && numbers.iter().all(is_number) && is_rest
}

impl Checker<'_> {
    /// The imports of a file.
    pub fn imports(&mut self, body: &Body) {
        let mut imports = Imports::new();
        for item in &body.items {
            let Item::Import { path, alias } = &item.node else { continue };
            let Some(pack) = self.import(path) else { continue };
            let name =
                alias.as_ref().map_or_else(|| name_of(&path.node).to_owned(), |alias| alias.node.clone());
            let span = alias.as_ref().map_or(path.span, |alias| alias.span);
            if let Some(first) = imports.get(&name) {
                let diagnostic = codes::DUPLICATE_BLOCK
                    .at(span, format!("two imports are known as `{name}`"))
                    .with_help("give one of them another name: `import \"…\" as other`")
                    .with_label(first.span, "the first one");
                self.report(diagnostic);
                continue;
            }
            imports.insert(name, Imported { pack, span, used: false });
        }
        self.imports = imports;
    }

    fn import(&mut self, path: &Spanned<String>) -> Option<Rc<Pack>> {
        if !is_pinned(&path.node) {
            self.not_pinned(path);
            return None;
        }
        let well_formed = path.node.len() <= 512
            && path.node.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && path.node.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-+@/".contains(&byte));
        let Some(kind) = kind_of(&path.node).filter(|_| well_formed) else {
            let message = format!("`{}` is no path of an import", path.node);
            let help = "write `HOST/OWNER/REPOSITORY/policies/NAME@1.3.0`, or `frameworks` or `providers` instead of `policies`";
            self.say(codes::IMPORT_UNRESOLVED, path.span, message, help);
            return None;
        };
        if kind == Kind::Provider {
            self.not_yet("import of a provider", path.span);
            if self.options.unenforced == Unenforced::Refuse {
                return None;
            }
        }
        self.load(&path.node, kind, path.span)
    }

    fn not_pinned(&mut self, path: &Spanned<String>) {
        let (name, version) = path.node.split_once('@').unwrap_or((&path.node, ""));
        let message = if version.is_empty() {
            format!("the import `{name}` names no version")
        } else {
            format!("the import `{name}` is not pinned: `{version}` is no exact version")
        };
        let help = format!(
            "write an exact version, as in `{name}@1.3.0`, so that the policy never changes by itself"
        );
        self.say(codes::IMPORT_NOT_PINNED, path.span, message, help);
    }

    /// Reads a pack, or gives it as it was read before.
    fn load(&mut self, path: &str, kind: Kind, span: Span) -> Option<Rc<Pack>> {
        if let Some(at) = self.library.open.iter().position(|open| open == path) {
            let way: Vec<&str> = self.library.open.iter().skip(at).map(|path| name_of(path)).collect();
            let message =
                format!("`{}` imports itself: {} → {}", name_of(path), way.join(" → "), name_of(path));
            self.say(codes::IMPORT_CYCLE, span, message, "remove one of these imports");
            return None;
        }
        if self.library.open.len() >= DEPTH || self.library.packs.len() >= PACKS {
            let message =
                format!("imports are at most {DEPTH} deep, and a stack has at most {PACKS} of them");
            self.say(codes::IMPORT_TOO_DEEP, span, message, "import what is needed directly");
            return None;
        }
        if let Some(known) = self.library.packs.get(path) {
            let known = known.clone();
            if known.as_ref().is_none_or(|pack| !pack.sound) {
                self.say(
                    codes::IMPORT_UNRESOLVED,
                    span,
                    format!("`{path}` cannot be used"),
                    "see the other message about it",
                );
            }
            return known;
        }
        let pack = match self.options.packs.resolve(path) {
            Ok(file) => Some(self.read_pack(path, kind, file.name, file.text, span)),
            Err(why) => {
                self.say(codes::IMPORT_UNRESOLVED, span, why.message, why.help);
                None
            }
        };
        self.library.packs.insert(path.to_owned(), pack.clone());
        pack
    }

    fn read_pack(&mut self, path: &str, kind: Kind, name: String, text: String, span: Span) -> Rc<Pack> {
        let digest = Sha256::digest(text.as_bytes());
        self.library.digests.insert(path.to_owned(), faramesh_program::hex(&digest));
        let file = u32::try_from(self.library.files.len()).unwrap_or(u32::MAX);
        self.library.files.push(name.clone());
        self.library.open.push(path.to_owned());
        // What a provider is, its own program says: its text is no policy.
        let source = if kind == Kind::Provider { "" } else { &text };
        let (body, mut found) = faramesh_syntax::parse(source).into_parts();
        let parsed = !found.iter().any(Diagnostic::is_error);
        let (imports, mut checked) = self.in_pack(&text, file, |inner| {
            inner.imports(&body);
            inner.pack_as_written(&body, path);
            std::mem::take(&mut inner.imports)
        });
        self.library.open.pop();
        if !parsed {
            checked.retain(|diagnostic| diagnostic.severity == Severity::Error);
        }
        found.append(&mut checked);
        let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
        if errors > 0 {
            // A pack without an end is the fault of the import, wherever it is found.
            let endless = found.iter().find_map(|diagnostic| {
                let known = [codes::IMPORT_CYCLE, codes::IMPORT_TOO_DEEP];
                known.into_iter().find(|known| known.code == diagnostic.code)
            });
            let plural = if errors == 1 { "" } else { "s" };
            let message = format!("the pack `{}` has {errors} error{plural}", name_of(path));
            let help = format!("see the messages about `{name}`, or import another version");
            self.say(endless.unwrap_or(codes::BAD_PACK), span, message, help);
        }
        let text: Rc<str> = text.into();
        if !found.is_empty() {
            self.library.findings.push(PackFindings {
                file: name,
                source: text.to_string(),
                diagnostics: found,
            });
        }
        Rc::new(Pack { path: path.to_owned(), kind, file, text, body, imports, sound: errors == 0 })
    }

    /// Runs `work` on a pack's text, and gives what it made and what it found there.
    pub fn in_pack<T>(
        &mut self,
        text: &str,
        file: u32,
        work: impl FnOnce(&mut Checker<'_>) -> T,
    ) -> (T, Vec<Diagnostic>) {
        let mut inner = Checker::new(text, self.options);
        inner.file = file;
        inner.library = std::mem::take(&mut self.library);
        let made = work(&mut inner);
        self.library = std::mem::take(&mut inner.library);
        (made, inner.finish())
    }

    /// The pack that a `use` names.
    pub fn imported(&mut self, alias: &Name) -> Option<Rc<Pack>> {
        if let Some(imported) = self.imports.get_mut(&alias.node) {
            imported.used = true;
            let pack = Rc::clone(&imported.pack);
            return pack.sound.then_some(pack);
        }
        let known: Vec<String> = self.imports.keys().cloned().collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = format!("import it: `import \"…/policies/{}@1.0.0\" as {}`", alias.node, alias.node);
        self.look_up("import", &alias.node, alias.span, &known, &help);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_versions() {
        for (path, expected) in [
            ("github.com/a/b@1.3.0", true),
            ("a@0.0.1-rc.1", true),
            ("a@1.0.0+build", true),
            ("a@latest", false),
            ("a@1.3", false),
            ("a@^1.3.0", false),
            ("a@01.3.0", false),
            ("a@1.3.0-", false),
            ("a", false),
            ("@1.3.0", false),
        ] {
            assert_eq!(is_pinned(path), expected, "{path}");
        }
    }

    #[test]
    fn kinds_and_names() {
        for (path, kind, name) in [
            ("github.com/a/b/policies/stripe@1.3.0", Some(Kind::Policy), "stripe"),
            ("x/frameworks/langgraph@1.0.0", Some(Kind::Framework), "langgraph"),
            ("x/providers/vault@1.0.0", Some(Kind::Provider), "vault"),
            ("x/other/vault@1.0.0", None, "vault"),
            ("policies@1.0.0", None, "policies"),
        ] {
            assert_eq!(kind_of(path), kind, "{path}");
            assert_eq!(name_of(path), name, "{path}");
        }
    }
}
