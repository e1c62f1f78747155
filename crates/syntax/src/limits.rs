//! How large a policy may be. Each bound has its own diagnostic, so that a generated file which
//! outgrows one says which. `parse` enforces them; later stages may rely on them.

/// Largest source, in bytes (4 MiB). A larger file is not parsed at all.
pub const SOURCE_BYTES: usize = 4 * 1024 * 1024;

/// Deepest nesting of blocks, lists, parentheses and operators, and the most members in one path.
/// It also bounds the height of every [`Expr`](crate::ast::Expr), so walking one by recursion is safe.
pub const NESTING: u32 = 128;

/// Longest string after its escapes are resolved, in bytes (64 KiB).
pub const STRING_BYTES: usize = 64 * 1024;

/// Most elements in one list.
pub const LIST_ELEMENTS: usize = 10_000;

/// Most rules in one file.
pub const RULES: usize = 100_000;

/// Most diagnostics kept for one file; what comes after them is counted in a last note.
pub const DIAGNOSTICS: usize = 500;
