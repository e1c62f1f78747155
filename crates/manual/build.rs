//! Lists the pages of `docs/diagnostics` for the crate to embed, so that a new page needs no line of code.
//! A file whose name is no code is passed over; a test of the crate names it.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../docs/diagnostics");
    let folder = folder.canonicalize()?;
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = name.strip_prefix("FPL").and_then(|rest| rest.strip_suffix(".md"));
        if let Some(number) = digits.and_then(|digits| digits.parse::<u16>().ok()) {
            pages.push((number, path));
        }
    }
    pages.sort();
    let mut list = String::from("&[\n");
    for (number, path) in pages {
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(list, "    ({number}, include_str!({:?})),", path.display().to_string())?;
    }
    list.push_str("]\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("pages.rs"), list)?;
    Ok(())
}
