//! `faramesh_fuzz::frames` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("frames"), |bytes: &[u8]| faramesh_fuzz::frames::run(bytes));
