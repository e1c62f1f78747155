//! What can be written behind `faramesh`: the flags of every command, and the list of commands. Help
//! and completions are made from the same definitions.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    agent, apply, approvals, audit, check, completions, daemon, destroy, dev, explain, fmt, init, lsp, plan,
    prices, rollback, status, test, witness,
};
use crate::console::Format;
use crate::exit::Exit;

/// Decides every tool call of an AI agent before it runs, from one file, and proves what it decided.
#[derive(Debug, Parser)]
#[command(name = "faramesh", version, arg_required_else_help = true, after_help = START)]
pub struct Arguments {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const START: &str = "A first stack:
  faramesh init            write governance.fms with every tool that is found, deferred
  faramesh check           see what is wrong with it
  faramesh dev             run it here and watch the decisions
  faramesh apply           put it in force in the background
  faramesh approvals list  answer the calls that wait for a person
  faramesh audit verify    prove that the record was not changed";

/// Flags that every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// The stack's folder, where governance.fms is
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub dir: Option<PathBuf>,
    /// What to print; some commands also print `jsonl` and `csv`, and `audit export` writes a `bundle`
    #[arg(long, global = true, value_enum, default_value = "text", help_heading = "Global options")]
    pub format: Format,
    /// Print no colours; so does the variable NO_COLOR
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Print the result and errors only
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a first governance.fms for the project in this folder
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Exists, Exit::Usage]))]
    Init(init::Arguments),
    /// Find what is wrong with a policy
    #[command(after_help = Exit::table(&[
        Exit::Success, Exit::Failed, Exit::Refuted, Exit::Import, Exit::Warnings
    ]))]
    Check(check::Arguments),
    /// Write a policy in its canonical form
    #[command(after_help = Exit::table(&[Exit::Success, Exit::WouldChange, Exit::Usage]))]
    Fmt(fmt::Arguments),
    /// Show what `apply` would change
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Changes]))]
    Plan(plan::Arguments),
    /// Play fixtures of calls through the policy, and see whether it decides as it should
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Uncompiled]))]
    Test(test::Arguments),
    /// Put the policy in force: start the daemon, or swap the policy of the one that runs
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Usage]))]
    Apply(apply::Arguments),
    /// Put the policy that was in force before in force again
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Usage]))]
    Rollback(rollback::Arguments),
    /// Run the stack in the foreground and watch the decisions
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed]))]
    Dev(dev::Arguments),
    /// Show the daemon, the policy in force and the protections that are really active
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Down, Exit::Starting, Exit::Degraded]))]
    Status(status::Arguments),
    /// List and answer the calls that wait for a person
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Usage]))]
    Approvals(approvals::Arguments),
    /// Show how agents stand, and kill, isolate, quiesce or resume one
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Usage]))]
    Agent(agent::Arguments),
    /// Read and verify the record of decisions
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Broken, Exit::Usage]))]
    Audit(audit::Arguments),
    /// Show why a call was decided as it was
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed]))]
    Explain(explain::Arguments),
    /// Stop the daemon and remove what it made; never the policy's source
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed, Exit::Usage]))]
    Destroy(destroy::Arguments),
    /// Answer an editor: the language server, on standard input and output
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed]))]
    Lsp(lsp::Arguments),
    /// Show what calls of models cost
    #[command(after_help = Exit::table(&[Exit::Success, Exit::Failed]))]
    Prices(prices::Arguments),
    /// Witness the ledgers of other hosts: cosign what continues what was seen, refuse the rest
    #[command(after_help = Exit::table(&[Exit::Failed, Exit::Usage]))]
    Witness(witness::Arguments),
    /// Print the version
    #[command(after_help = Exit::table(&[Exit::Success]))]
    Version,
    /// Print the completions of a shell
    #[command(after_help = Exit::table(&[Exit::Success]))]
    Completions(completions::Arguments),
    /// The background daemon that `apply` starts
    #[command(hide = true)]
    Daemon(daemon::Arguments),
}
