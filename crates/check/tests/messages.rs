//! Mistakes and what is said about them: `messages.txt` holds sources, each followed by the indented
//! messages it must give, as name, text at the place, message and help. A source without messages is
//! right. `FARAMESH_UPDATE=1` rewrites the file, to be read before it is committed.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

use faramesh_check::{Options, PackFile, Resolver, Unenforced, Unresolved, check, codes};
use faramesh_syntax::Diagnostic;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages.txt");

/// Packs by their names.
struct Catalog;

impl Resolver for Catalog {
    fn resolve(&self, path: &str) -> Result<PackFile, Unresolved> {
        let name = path.rsplit('/').next().unwrap();
        let text = match name {
            "stripe@1.3.0" => {
                "pack \"stripe\" { version = \"1.3.0\" var limit = 100 permit refund if amount < limit }"
            }
            "other@1.0.0" => "pack \"other\" { version = \"2.0.0\" permit x }",
            "needy@1.0.0" => "pack \"needy\" { requires = [\"stripe@1.3.0\"] permit x }",
            "future@1.0.0" => "pack \"future\" { requires = [\"fpl@9\"] permit x }",
            "loop@1.0.0" => "import \"x/policies/loop@1.0.0\" agent \"a\" { permit x }",
            "typo@1.0.0" => "agent \"a\" { permit x if amount <> 5 }",
            "budget@1.0.0" => "agent \"a\" { budget daily { max $5 } permit x }",
            _ if path.contains("/deep") => {
                let next: u32 = name.trim_start_matches("deep").split('@').next().unwrap().parse().unwrap();
                let text = format!("import \"x/policies/deep{}@1.0.0\"", next + 1);
                return Ok(PackFile { name: format!("{name}/pack.fms"), text });
            }
            _ => {
                let help = "put it into the catalog".to_owned();
                return Err(Unresolved { message: format!("the import `{path}` is in no catalog"), help });
            }
        };
        Ok(PackFile { name: format!("{name}/pack.fms"), text: text.to_owned() })
    }
}

fn shown(source: &str, found: &Diagnostic) -> String {
    let place = usize::try_from(found.span.start).unwrap()..usize::try_from(found.span.end).unwrap();
    let name = codes::ALL.iter().find(|known| known.code == found.code).map_or("syntax", |known| known.name);
    let severity = found.severity;
    let at = source[place].replace('\n', " ");
    let help = found.help.as_deref().unwrap_or_else(|| panic!("{found:#?} has no help"));
    format!("  {severity}: {name} at `{at}`: {} | {help}\n", found.message)
}

fn messages(source: &str) -> String {
    let environment = |_: &str| None;
    let options = Options {
        dev: true,
        unenforced: Unenforced::Carry,
        packs: &Catalog,
        ..Options::new("governance.fms", &environment)
    };
    let checked = check(source, &options);
    assert_eq!(checked.stack.is_none(), checked.has_errors(), "{source}");
    checked
        .diagnostics
        .iter()
        // Nearly every source here is too short to say `default deny`.
        .filter(|found| found.code != codes::MISSING_DEFAULT.code)
        .map(|found| shown(source, found))
        .collect()
}

#[test]
fn mistakes_are_named_with_place_and_remedy() {
    let file = std::fs::read_to_string(FILE).unwrap();
    let mut written = String::new();
    for case in file.trim_end().split("\n\n") {
        let source: Vec<&str> = case.lines().filter(|line| !line.starts_with("  ")).collect();
        let source = source.join("\n");
        written.push_str(&format!("{source}\n{}\n", messages(&source)));
    }
    if std::env::var_os("FARAMESH_UPDATE").is_some() {
        std::fs::write(FILE, written.trim_end().to_owned() + "\n").unwrap();
        return;
    }
    for (is, should) in written.trim_end().split("\n\n").zip(file.trim_end().split("\n\n")) {
        assert_eq!(is.trim_end(), should.trim_end());
    }
}

#[test]
fn most_kinds_of_message_are_in_the_file() {
    let file = std::fs::read_to_string(FILE).unwrap();
    // These need a source larger than a table should hold, or other options; `limits.rs` has them.
    let elsewhere = [
        codes::NOT_ENFORCED,
        codes::NO_IDENTITY,
        codes::TOO_DEEP,
        codes::ANALYSIS_BOUNDED,
        codes::MESSAGES_BOUNDED,
        codes::MISSING_DEFAULT,
    ];
    for known in codes::ALL.iter().filter(|known| !elsewhere.contains(known)) {
        let wanted = format!("  {}: {} at ", known.severity, known.name);
        assert!(file.contains(&wanted), "no example of {}", known.name);
    }
}
