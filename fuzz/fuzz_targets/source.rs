//! `faramesh_fuzz::source` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("source"), |bytes: &[u8]| faramesh_fuzz::source::run(bytes));
