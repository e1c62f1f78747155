//! Where a command runs: the stack's folder, the user, the console.

use std::path::{Path, PathBuf};

use faramesh_daemon::Layout;

use crate::arguments::Global;
use crate::console::Console;
use crate::failure::Failure;

/// What every command gets.
#[derive(Debug)]
pub struct Context {
    /// Where to write.
    pub console: Console,
    /// The stack's folder as the person wrote it; `None` for the current one.
    given: Option<PathBuf>,
}

impl Context {
    /// The context that the flags make.
    pub fn new(global: &Global) -> Self {
        Self { console: Console::new(global.format, global.quiet), given: global.dir.clone() }
    }

    /// The stack's folder as messages show it.
    pub fn shown(&self) -> &Path {
        self.given.as_deref().unwrap_or(Path::new("."))
    }

    /// The stack's folder, absolute, without links.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn directory(&self) -> Result<PathBuf, Failure> {
        let shown = self.shown();
        match shown.canonicalize() {
            Ok(directory) if directory.is_dir() => Ok(directory),
            Ok(_) => Err(Failure::usage(format!("`{}` is not a folder", shown.display()))
                .hint("give the folder of governance.fms with `--dir DIR`")),
            Err(error) => Err(Failure::file("open the folder", shown, &error)
                .hint("give the folder of governance.fms with `--dir DIR`")),
        }
    }

    /// The files of the stack.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn layout(&self) -> Result<Layout, Failure> {
        Ok(Layout::new(&self.directory()?))
    }

    /// ` --dir DIR` for commands that are shown to the person, when they need it.
    pub fn place(&self) -> String {
        self.given.as_deref().map_or_else(String::new, |directory| {
            let text = directory.display().to_string();
            let plain = |character: char| character.is_ascii_alphanumeric() || "/._-~+".contains(character);
            if text.chars().all(plain) {
                format!(" --dir {text}")
            } else {
                format!(" --dir '{}'", text.replace('\'', r"'\''"))
            }
        })
    }

    /// `faramesh WORDS` with the folder, as a person would have to write it.
    pub fn command(&self, words: &str) -> String {
        format!("`faramesh {words}{}`", self.place())
    }
}

/// The user's home folder, where sockets are by default.
///
/// # Errors
/// HOME is not set.
pub fn home() -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.ok_or_else(|| {
        Failure::new("the variable HOME names no folder, and the daemon's socket is below it")
            .hint("set HOME, or name a socket with `runtime { socket = \"…\" }` and set HOME to any folder")
    })
}

/// Who runs this command, as records state it.
pub fn user() -> String {
    format!("uid:{}", rustix::process::getuid().as_raw())
}
