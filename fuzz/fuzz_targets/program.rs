//! `faramesh_fuzz::program` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("program"), |bytes: &[u8]| faramesh_fuzz::program::run(bytes));
