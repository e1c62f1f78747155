//! Man pages, one for each command, from the same definitions as help. They are made for packages and
//! not checked in.

use std::path::Path;

use clap::Command;

/// Writes a page for the command and for each command below it.
pub fn write(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let mut faramesh = faramesh_cli::command();
    faramesh.build();
    let mut count = 0;
    page(&faramesh, "faramesh", folder, &mut count)?;
    println!("wrote {count} man pages to {}", folder.display());
    Ok(())
}

fn page(command: &Command, name: &str, folder: &Path, count: &mut usize) -> Result<(), String> {
    if command.is_hide_set() || command.get_name() == "help" {
        return Ok(());
    }
    let place = folder.join(format!("{name}.1"));
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut text)
        .map_err(|error| format!("cannot make the page of `{name}`: {error}"))?;
    std::fs::write(&place, text).map_err(|error| format!("cannot write `{}`: {error}", place.display()))?;
    *count += 1;
    for inner in command.get_subcommands() {
        page(inner, &format!("{name}-{}", inner.get_name()), folder, count)?;
    }
    Ok(())
}
