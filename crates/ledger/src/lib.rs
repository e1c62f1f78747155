//! Segments, group commit, recovery, index; hands out the only Receipt.
