//! Where a stack's files are: `.faramesh/` beside the policy, sockets in the user's home.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The files of one stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The files of the stack in `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The stack's folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// `.faramesh/`, mode 0700.
    #[must_use]
    pub fn runtime_folder(&self) -> PathBuf {
        self.directory.join(".faramesh")
    }

    /// The compiled policy that the daemon starts with.
    #[must_use]
    pub fn policy(&self) -> PathBuf {
        self.runtime_folder().join("policy.bin")
    }

    /// A policy that has been in force, by its hash.
    #[must_use]
    pub fn past_policy(&self, hash: &str) -> PathBuf {
        let name = hash.strip_prefix("sha256:").unwrap_or(hash);
        self.runtime_folder().join("policies").join(format!("{name}.bin"))
    }

    /// The policies that have been in force, the last one first.
    #[must_use]
    pub fn past_policies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.runtime_folder().join("policies")).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        found.sort();
        found.into_iter().rev().map(|(_, path)| path).collect()
    }

    /// The keys of the persons that sealed fields are about.
    #[must_use]
    pub fn subjects(&self) -> PathBuf {
        self.runtime_folder().join("subjects")
    }

    /// How far each sink is.
    #[must_use]
    pub fn sinks(&self) -> PathBuf {
        self.runtime_folder().join("sinks")
    }

    /// Variables for the agent's process.
    #[must_use]
    pub fn agent_env(&self) -> PathBuf {
        self.runtime_folder().join("runtime").join("agent.env")
    }

    /// What a background daemon prints.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.runtime_folder().join("daemon.log")
    }

    /// A path of the policy, relative to the stack's folder.
    #[must_use]
    pub fn resolve(&self, path: &str) -> PathBuf {
        let joined = self.directory.join(path);
        joined.components().collect()
    }

    /// Makes the folders, for their owner alone.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn create(&self) -> io::Result<()> {
        create_private(&self.runtime_folder())?;
        create_private(&self.runtime_folder().join("runtime"))?;
        create_private(&self.runtime_folder().join("policies"))
    }

    /// Keeps a policy's bytes under its hash, so that records under it can be explained later, and
    /// as the one that the next start loads.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn keep_policy(&self, hash: &str, bytes: &[u8]) -> io::Result<()> {
        replace(&self.past_policy(hash), bytes)?;
        replace(&self.policy(), bytes)
    }

    /// Tells the agent's process where to ask.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn write_agent_env(&self, socket: &Path) -> io::Result<()> {
        replace(&self.agent_env(), format!("FARAMESH_SOCKET={}\n", socket.display()).as_bytes())
    }

    /// The agents' socket of the daemon that last started for this stack.
    #[must_use]
    pub fn known_socket(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.agent_env()).ok()?;
        text.lines().find_map(|line| line.strip_prefix("FARAMESH_SOCKET=")).map(PathBuf::from)
    }
}

/// The operators' socket beside an agents' one: `….admin.sock`.
#[must_use]
pub fn admin_socket_of(socket: &Path) -> PathBuf {
    let mut name: OsString = socket.file_stem().unwrap_or_default().to_owned();
    name.push(".admin.sock");
    socket.with_file_name(name)
}

/// Makes a folder and its parents; the folder itself is for its owner alone.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file beside its place, syncs it and moves it there: readers see the old or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_stand_beside_each_other() {
        let admin = admin_socket_of(Path::new("/run/faramesh/agent.sock"));
        assert_eq!(admin, Path::new("/run/faramesh/agent.admin.sock"));
    }

    #[test]
    fn the_agent_learns_the_socket() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        layout.create().unwrap();
        assert_eq!(layout.known_socket(), None);
        layout.write_agent_env(Path::new("/tmp/x.sock")).unwrap();
        assert_eq!(layout.known_socket(), Some(PathBuf::from("/tmp/x.sock")));
    }
}
