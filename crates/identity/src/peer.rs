//! Who is at the other end: what the kernel says about the process, or what a caller from afar presents.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use faramesh_program::hex;

/// Who is at the other end of a connection, as it was when it connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    from: From,
    user: Box<str>,
    subject: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    /// A process of this machine.
    Process { uid: u32, pid: u32, exe: Option<String> },
    /// Somebody at another end of a network.
    Afar(Remote),
}

/// A caller from afar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where it connects from.
    pub address: IpAddr,
    /// SHA-256 of the bearer token that it presents.
    pub token: Option<[u8; 32]>,
    /// Names in its certificate, which an authority that the listener trusts has signed.
    pub names: Vec<String>,
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
        Self { from: From::Process { uid, pid, exe }, user, subject }
    }

    /// A caller from afar.
    #[must_use]
    pub fn afar(remote: Remote) -> Self {
        let user: Box<str> = match (&remote.token, remote.names.first()) {
            // The beginning of the hash tells tokens apart and is of no use to anybody else.
            (Some(token), _) => format!("token:{}", hex(token.get(..6).unwrap_or_default())).into(),
            (None, Some(name)) => format!("certificate:{name}").into(),
            (None, None) => format!("address:{}", remote.address).into(),
        };
        let is_proved = remote.token.is_some() || !remote.names.is_empty();
        let subject =
            if is_proved { format!("{user} address:{}", remote.address).into() } else { user.clone() };
        Self { from: From::Afar(remote), user, subject }
    }

    /// User id of a process of this machine.
    #[must_use]
    pub fn uid(&self) -> Option<u32> {
        match &self.from {
            From::Process { uid, .. } => Some(*uid),
            From::Afar(_) => None,
        }
    }

    /// Process id, for people and for telling sessions apart; 0 of callers from afar.
    #[must_use]
    pub fn pid(&self) -> u32 {
        match &self.from {
            From::Process { pid, .. } => *pid,
            From::Afar(_) => 0,
        }
    }

    /// Absolute path of the executable of a process; `None` when the kernel would not say.
    #[must_use]
    pub fn exe(&self) -> Option<&str> {
        match &self.from {
            From::Process { exe, .. } => exe.as_deref(),
            From::Afar(_) => None,
        }
    }

    /// What is known of a caller from afar.
    #[must_use]
    pub fn remote(&self) -> Option<&Remote> {
        match &self.from {
            From::Process { .. } => None,
            From::Afar(remote) => Some(remote),
        }
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

    /// Who it is, in words: `uid:1000 exe:/usr/bin/python3.11`, `token:2c26b46b68ff address:10.0.0.1`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whose calls they are, wherever they come from: `uid:1000`, `token:2c26b46b68ff`, `certificate:bot.example`.
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
        assert_eq!(peer.pid(), std::process::id());
        assert_eq!(peer.exe(), std::env::current_exe().unwrap().to_str());
    }
}
