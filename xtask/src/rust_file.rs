//! What the checks need to know about one Rust file: its functions, the paths it names, what it marks.
//!
//! The file is parsed, never searched as text, so comments and strings do not count. Code under `#[cfg(test)]` is
//! left out of everything but the two rules that hold for tests too: `unsafe` and bare `allow`.
//! Left out: names that a macro builds, and what a `use … as …` renames, beyond the path it names.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A path such as `std::fs::read`, and the line where it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPath {
    /// The parts; a glob is `*`.
    pub parts: Vec<String>,
    /// The line, counted from 1.
    pub line: usize,
}

/// A function, and how many lines it takes from its first word to its closing brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name.
    pub name: String,
    /// The line of its first word.
    pub line: usize,
    /// How many lines it takes.
    pub lines: usize,
}

/// A struct, with what could let a stranger make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The name.
    pub name: String,
    /// The line where it starts.
    pub line: usize,
    /// Whether any field is visible outside its module.
    pub open_fields: bool,
    /// The names in its `derive` attributes.
    pub derives: Vec<String>,
}

/// What one file holds.
#[derive(Clone, Debug, Default)]
pub struct RustFile {
    /// Functions and methods with a body.
    pub functions: Vec<Function>,
    /// Paths in code, imports and macros.
    pub paths: Vec<NamedPath>,
    /// Struct literals, by the path before the brace.
    pub literals: Vec<NamedPath>,
    /// Struct definitions.
    pub structures: Vec<Structure>,
    /// Lines with the keyword `unsafe`, tests included.
    pub unsafe_lines: Vec<usize>,
    /// Lines with an `allow` or `expect` attribute that gives no reason, tests included.
    pub bare_allow_lines: Vec<usize>,
    /// How many lines are under `#[cfg(test)]`.
    pub test_lines: usize,
    /// Modules in files of their own that are declared under `#[cfg(test)]`.
    pub test_modules: Vec<String>,
}

impl RustFile {
    /// Reads the text of a file; the error is the line and the parser's message.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let tokens: TokenStream = text
            .parse()
            .map_err(|error: proc_macro2::LexError| (error.span().start().line, "is not Rust".to_owned()))?;
        let mut file = Self::default();
        scan_marks(tokens.clone(), &mut file);
        let parsed: syn::File =
            syn::parse2(tokens).map_err(|error| (error.span().start().line, error.to_string()))?;
        if is_test_only(&parsed.attrs) {
            file.test_lines = text.lines().count();
            return Ok(file);
        }
        Collector { file: &mut file }.visit_file(&parsed);
        Ok(file)
    }
}

/// Finds `unsafe` and bare `allow` among the tokens, so that no syntax hides them.
fn scan_marks(tokens: TokenStream, file: &mut RustFile) {
    let mut after_hash = false;
    for token in tokens {
        let mut hash = false;
        match token {
            TokenTree::Ident(ident) if ident == "unsafe" => file.unsafe_lines.push(ident.span().start().line),
            TokenTree::Punct(punct) => {
                hash = punct.as_char() == '#' || (after_hash && punct.as_char() == '!')
            }
            TokenTree::Group(group) => {
                if after_hash
                    && group.delimiter() == Delimiter::Bracket
                    && allows_without_reason(group.stream())
                {
                    file.bare_allow_lines.push(group.span_open().start().line);
                }
                scan_marks(group.stream(), file);
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        after_hash = hash;
    }
}

/// Whether an attribute holds `allow(…)` or `expect(…)` without `reason = …`, also inside `cfg_attr`.
fn allows_without_reason(attribute: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.into_iter().collect();
    tokens.iter().enumerate().any(|(index, token)| {
        let TokenTree::Ident(ident) = token else { return false };
        let Some(TokenTree::Group(group)) = tokens.get(index + 1) else { return false };
        if ident == "cfg_attr" {
            return allows_without_reason(group.stream());
        }
        let marks = ident == "allow" || ident == "expect";
        marks
            && !group
                .stream()
                .into_iter()
                .any(|inner| matches!(inner, TokenTree::Ident(word) if word == "reason"))
    })
}

/// Whether attributes keep the item for tests: `#[test]`, `#[cfg(test)]` or an `all`/`any` that means the same.
fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Meta>().is_ok_and(|meta| needs_test(&meta)))
    })
}

fn needs_test(meta: &syn::Meta) -> bool {
    let inner = |list: &syn::MetaList| {
        let parser = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
        list.parse_args_with(parser).map(|metas| metas.into_iter().collect::<Vec<_>>()).unwrap_or_default()
    };
    match meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("all") => inner(list).iter().any(needs_test),
        syn::Meta::List(list) if list.path.is_ident("any") => {
            let metas = inner(list);
            !metas.is_empty() && metas.iter().all(needs_test)
        }
        _ => false,
    }
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::ExternCrate(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

struct Collector<'file> {
    file: &'file mut RustFile,
}

impl Collector<'_> {
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let last = body.span().end().line;
        let lines = last.saturating_sub(line) + 1;
        self.file.functions.push(Function { name: signature.ident.to_string(), line, lines });
    }

    fn imported(&mut self, tree: &syn::UseTree, before: &[String]) {
        let mut parts = before.to_vec();
        let last = match tree {
            syn::UseTree::Path(path) => {
                parts.push(path.ident.to_string());
                return self.imported(&path.tree, &parts);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.imported(item, &parts));
            }
            syn::UseTree::Name(name) => name.ident.to_string(),
            syn::UseTree::Rename(rename) => rename.ident.to_string(),
            syn::UseTree::Glob(_) => "*".to_owned(),
        };
        if last != "self" {
            parts.push(last);
        }
        self.file.paths.push(NamedPath { parts, line: tree.span().start().line });
    }

    fn in_macro(&mut self, tokens: TokenStream) {
        let mut parts: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        let flush = |parts: &mut Vec<String>, line: usize, paths: &mut Vec<NamedPath>| {
            if parts.len() > 1 {
                paths.push(NamedPath { parts: parts.clone(), line });
            }
            parts.clear();
        };
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        flush(&mut parts, line, &mut self.file.paths);
                    }
                    if parts.is_empty() {
                        line = ident.span().start().line;
                    }
                    parts.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    flush(&mut parts, line, &mut self.file.paths);
                    colons = 0;
                    self.in_macro(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    flush(&mut parts, line, &mut self.file.paths);
                    colons = 0;
                }
            }
        }
        flush(&mut parts, line, &mut self.file.paths);
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_only(attributes_of(item)) {
            let span = item.span();
            self.file.test_lines += span.end().line.saturating_sub(span.start().line) + 1;
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
            {
                self.file.test_modules.push(module.ident.to_string());
            }
            return;
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if is_test_only(&function.attrs) {
            return;
        }
        self.function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.function(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        let open_fields = item.fields.iter().any(|field| !matches!(field.vis, syn::Visibility::Inherited));
        let derive = item.attrs.iter().filter(|attribute| attribute.path().is_ident("derive"));
        let derives = derive
            .filter_map(|attribute| attribute.meta.require_list().ok())
            .flat_map(|list| list.tokens.clone())
            .filter_map(
                |token| if let TokenTree::Ident(name) = token { Some(name.to_string()) } else { None },
            )
            .collect();
        let line = item.struct_token.span().start().line;
        self.file.structures.push(Structure { name: item.ident.to_string(), line, open_fields, derives });
        visit::visit_item_struct(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.imported(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.file.paths.push(NamedPath { parts, line: path.span().start().line });
        visit::visit_path(self, path);
    }

    fn visit_expr_struct(&mut self, literal: &'ast syn::ExprStruct) {
        let parts = literal.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.file.literals.push(NamedPath { parts, line: literal.path.span().start().line });
        visit::visit_expr_struct(self, literal);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.in_macro(mac.tokens.clone());
        visit::visit_macro(self, mac);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        RustFile::parse(text).unwrap().paths.iter().map(|path| path.parts.join("::")).collect()
    }

    #[test]
    fn paths_come_from_code_imports_and_macros_but_not_from_tests_comments_or_strings() {
        let text = r#"
            //! std::fs in a comment
            use std::{env, net::{self, TcpStream as Stream}};
            fn run() { let name = "std::fs::read"; println!("{}", std::process::id()); std::thread::yield_now(); }
            #[cfg(test)] mod tests { fn read() { std::fs::read("x"); } }
            #[cfg(all(test, unix))] fn other() { std::fs::read("x"); }
        "#;
        let found = paths(text);
        for expected in
            ["std::env", "std::net", "std::net::TcpStream", "std::process::id", "std::thread::yield_now"]
        {
            assert!(found.iter().any(|path| path == expected), "{expected} in {found:?}");
        }
        assert!(!found.iter().any(|path| path.starts_with("std::fs")), "{found:?}");
        assert!(
            paths("#[cfg(not(test))] fn f() { std::fs::read(1); }").contains(&"std::fs::read".to_owned())
        );
        assert!(
            paths("#[cfg(any(test, unix))] fn f() { std::fs::read(1); }")
                .contains(&"std::fs::read".to_owned())
        );
    }

    #[test]
    fn functions_are_measured_from_the_first_word_to_the_closing_brace() {
        let file = RustFile::parse("/// Doc.\nfn one() {\n  2;\n}\nimpl A { fn two(&self) {} }\n").unwrap();
        let measured: Vec<(&str, usize, usize)> =
            file.functions.iter().map(|f| (f.name.as_str(), f.line, f.lines)).collect();
        assert_eq!(measured, [("one", 2, 3), ("two", 5, 1)]);
    }

    #[test]
    fn test_modules_are_counted_and_named() {
        let file = RustFile::parse(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\n#[cfg(test)]\nmod more;\n",
        )
        .unwrap();
        assert_eq!((file.test_lines, file.test_modules), (6, vec!["more".to_owned()]));
    }

    #[test]
    fn a_file_that_does_not_parse_says_where() {
        assert_eq!(RustFile::parse("fn a() {}\nfn {\n}\n").unwrap_err().0, 2);
    }
}
