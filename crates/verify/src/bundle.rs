//! A bundle, `faramesh-bundle/1`: records of one ledger with all that is needed to check them, as
//! lines. docs/protocols/bundle.md is the format; here by topic: `line` reads and writes one line,
//! `reader` takes the bytes of a file in any portions, `selected` checks records that were picked from
//! a ledger, `cosigned` what witnesses say, `outcome` is what was found.
//!
//! INVARIANT streaming: at most one line is held. INVARIANT first break: what is told is the first
//! line that is not as it must be, in the order of docs/protocols/bundle.md.

mod cosigned;
mod line;
mod outcome;
mod reader;
mod selected;

pub use cosigned::WitnessSummary;
pub use line::{
    Header, MAX_LINE_BYTES, MAX_PROGRAM_BYTES, checkpoint_line, digest_line, end_line, policy_line,
    record_line,
};
pub use outcome::{BundleBreak, BundleReport, PolicyUse, outcome};
pub use reader::BundleVerifier;

/// The version that the first line of a bundle names.
pub const BUNDLE_VERSION: &str = "faramesh-bundle/1";
