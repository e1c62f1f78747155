//! The screen of `approvals watch`, in a real terminal that tmux holds.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::stack::{POLICY, Stack, at, govern, text};

/// A terminal of 110 columns and 30 lines.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// `None`, with a word about it, on a machine without tmux that is not a CI.
    fn run(name: &str, command: &str) -> Option<Self> {
        let is_there = Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok();
        if !is_there {
            assert!(std::env::var_os("CI").is_none(), "CI needs tmux: install `tmux`");
            eprintln!("skipped: no tmux on this machine; install `tmux`");
            return None;
        }
        let terminal = Self { socket: format!("faramesh-{name}-{}", std::process::id()) };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "30", command]);
        Some(terminal)
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// What is on the screen, once a text is.
    fn shows(&self, wanted: &str) -> String {
        let began = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if screen.contains(wanted) {
                return screen;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "no `{wanted}` on\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn calls_are_opened_and_answered_with_keys() {
    let mut stack = Stack::with(POLICY);
    let socket = stack.dev(&[]);
    let command = format!(
        "HOME={} {} approvals watch --dir {}; echo ended; sleep 60",
        stack.home().display(),
        env!("CARGO_BIN_EXE_faramesh"),
        stack.folder().display()
    );
    let Some(terminal) = Terminal::run("watch", &command) else { return };
    terminal.shows("no call waits");
    let first = govern(&socket, "stripe/refund", r#"{"amount":8000}"#);
    let second = govern(&socket, "stripe/refund", r#"{"amount":9000}"#);
    let [first, second] = [&first, &second].map(|reply| text(reply, &["approval_id"]).to_owned());
    let screen = terminal.shows("2 calls wait");
    assert!(screen.contains(&first) && screen.contains(&second) && screen.contains("enter open"), "{screen}");
    // Open the second, and deny it with a reason.
    terminal.keys(&["Down", "Enter"]);
    let screen = terminal.shows("waits since");
    assert!(screen.contains("9000"), "{screen}");
    terminal.keys(&["d"]);
    terminal.shows(&format!("why do you deny {second}?"));
    // Nothing is answered without a reason.
    terminal.keys(&["Enter"]);
    terminal.keys(&["-l", "too much"]);
    terminal.shows("> too much");
    terminal.keys(&["Enter"]);
    terminal.shows(&format!("✓ denied {second}"));
    terminal.shows("1 call waits");
    // Begin another answer, and go back.
    terminal.keys(&["a"]);
    terminal.shows(&format!("why do you approve {first}?"));
    terminal.keys(&["Escape"]);
    terminal.shows("enter open");
    let approvals = stack.json(&["approvals", "list", "--status", "all"]);
    let status = |id: &str| {
        let all = at(&approvals, &["approvals"]).as_list().unwrap();
        let found = all.iter().find(|approval| text(approval, &["id"]) == id).unwrap();
        (text(found, &["status"]).to_owned(), text(found, &["resolution", "reason"]).to_owned())
    };
    assert_eq!(status(&second), ("denied".to_owned(), "too much".to_owned()));
    assert_eq!(status(&first).0, "pending");
    // What an agent writes draws nothing.
    govern(&socket, "stripe/refund", r#"{"amount":9001,"note":"\u001b[2J\u001b[31mgone"}"#);
    let screen = terminal.shows("2 calls wait");
    assert!(screen.contains(&first), "{screen}");
    terminal.keys(&["q"]);
    terminal.shows("ended");
}
