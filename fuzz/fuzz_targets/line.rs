//! `faramesh_fuzz::line` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("line"), |bytes: &[u8]| faramesh_fuzz::line::run(bytes));
