//! `faramesh_fuzz::evaluator` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(init: faramesh_fuzz::write_seeds("evaluator"), |bytes: &[u8]| faramesh_fuzz::evaluator::run(bytes));
