//! Where rules were written: kept beside a program, outside of its hash, so that moving a line changes
//! no policy.

use serde::{Deserialize, Serialize};

/// Where rules were written. Kept beside the program, outside its hash.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sources {
    /// Names of files as messages show them.
    pub files: Vec<String>,
    /// For each agent, for each of its rules, the file's index and the line.
    pub rules: Vec<Vec<(u32, u32)>>,
    /// The same of the rules of each phase of each agent.
    pub phases: Vec<Vec<Vec<(u32, u32)>>>,
}
