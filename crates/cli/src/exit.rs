//! The exit codes of the command, in one place, so that `--help` and the code cannot disagree.

use std::process::ExitCode;

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing is wrong.
    Success,
    /// The command failed, or found that something is wrong.
    Failed,
    /// The command line cannot be understood, or asks for something that this version does not do.
    Usage,
    /// The policy has errors, so nothing can be tested.
    Uncompiled,
    /// The policy imports something that cannot be had.
    Import,
    /// A statement about the policy is refuted, or cannot be decided.
    Refuted,
    /// The policy has warnings and `--strict` was given.
    Warnings,
    /// There are changes and `--detailed-exitcode` was given.
    Changes,
    /// A file is not in canonical form.
    WouldChange,
    /// Something is there already and is not overwritten.
    Exists,
    /// Recorded history is not as it was written.
    Broken,
    /// No daemon answers, or it is stopping.
    Down,
    /// The daemon is starting.
    Starting,
    /// The daemon runs and something that it needs does not.
    Degraded,
}

impl Exit {
    /// The number that the shell sees.
    pub fn number(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed | Self::Refuted | Self::WouldChange | Self::Exists | Self::Broken | Self::Down => 1,
            Self::Usage | Self::Uncompiled | Self::Import | Self::Changes | Self::Starting => 2,
            Self::Warnings | Self::Degraded => 3,
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, nothing is wrong",
            Self::Failed => "it failed, or found that something is wrong",
            Self::Usage => "the command line is wrong, or asks for what is not available yet",
            Self::Uncompiled => "the policy has errors, so nothing can be tested",
            Self::Import => "an import cannot be had",
            Self::Refuted => "a statement is refuted, or cannot be decided, with --prove",
            Self::Warnings => "warnings only, with --strict",
            Self::Changes => "there are changes, with --detailed-exitcode",
            Self::WouldChange => "a file would change, with --check",
            Self::Exists => "the file exists already",
            Self::Broken => "recorded history is not as it was written",
            Self::Down => "no daemon answers, or it is stopping",
            Self::Starting => "the daemon is starting",
            Self::Degraded => "degraded: see the warnings",
        }
    }

    /// The table at the end of a command's help.
    pub fn table(exits: &[Self]) -> String {
        let lines: Vec<String> =
            exits.iter().map(|exit| format!("  {}  {}", exit.number(), exit.meaning())).collect();
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}
