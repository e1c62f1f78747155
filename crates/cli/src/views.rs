//! Pieces that several commands draw with: tables, ages, JSON, diagnostics, records.

pub mod approval;
pub mod diagnostics;
pub mod json;
pub mod progress;
pub mod record;
pub mod table;
pub mod time;
pub mod verified;
pub mod words;
