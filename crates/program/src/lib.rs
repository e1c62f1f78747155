//! The compiled policy: versioned, hashed bytes with a bounded loader.
