//! `faramesh_fuzz::record` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("record"), |bytes: &[u8]| faramesh_fuzz::record::run(bytes));
