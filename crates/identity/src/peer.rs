//! What the kernel says about the process at the other end of a Unix socket.

use std::io;
use std::os::fd::AsFd;

/// The process at the other end of a socket, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// User id.
    pub uid: u32,
    /// Process id, for people; nothing is decided by it.
    pub pid: u32,
    /// Absolute path of the executable; `None` when the kernel would not say.
    pub exe: Option<String>,
    user: Box<str>,
    subject: Box<str>,
}

impl Peer {
    /// A process that somebody vouches for.
    #[must_use]
    pub fn new(uid: u32, pid: u32, exe: Option<String>) -> Self {
        // Every record of the process names it, so it is put into words once.
        let user: Box<str> = format!("uid:{uid}").into();
        let subject = match &exe {
            Some(exe) => format!("{user} exe:{exe}").into(),
            None => user.clone(),
        };
        Self { uid, pid, exe, user, subject }
    }

    /// Asks the kernel about the other end of a connected Unix socket.
    ///
    /// # Errors
    /// The kernel does not say who it is.
    #[cfg(target_os = "linux")]
    pub fn of(socket: impl AsFd) -> io::Result<Self> {
        let credentials = rustix::net::sockopt::socket_peercred(socket)?;
        let pid = u32::try_from(credentials.pid.as_raw_nonzero().get()).unwrap_or(0);
        Ok(Self::new(credentials.uid.as_raw(), pid, executable(credentials.pid)))
    }

    /// Asks the kernel about the other end of a connected Unix socket.
    ///
    /// # Errors
    /// Always, on a system whose peer credentials are not supported: then nobody can call.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_socket: impl AsFd) -> io::Result<Self> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    /// The process in words: `uid:1000 exe:/usr/bin/python3.11`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The user in words: `uid:1000`.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// The executable of a process. The process is held by a pidfd while its link is read and must be
/// alive afterwards, so a recycled process id cannot lend another program's name.
#[cfg(target_os = "linux")]
fn executable(pid: rustix::process::Pid) -> Option<String> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let handle = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()?;
    let link = std::fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).ok()?;
    let mut polled = [PollFd::new(&handle, PollFlags::IN)];
    let exited = poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).ok()? > 0;
    let path = link.into_os_string().into_string().ok()?;
    // A replaced executable is marked by the kernel, and is not the file that the policy names.
    (!exited && !path.ends_with(" (deleted)")).then_some(path)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_kernel_names_this_process() {
        let (left, _right) = UnixStream::pair().unwrap();
        let peer = Peer::of(&left).unwrap();
        assert_eq!(peer.pid, std::process::id());
        assert_eq!(peer.exe.as_deref(), std::env::current_exe().unwrap().to_str());
    }
}
