//! Faulty disk, fake clock, temporary daemon: for tests only.
