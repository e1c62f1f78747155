//! What the fuzzers run. Each target takes any bytes and panics when something that must hold does not;
//! [`TARGETS`] lists them, with inputs to begin from.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a target fails by panicking")]

pub mod engine;
pub mod evaluator;
pub mod frames;
pub mod line;
pub mod mutate;
pub mod program;
pub mod record;
pub mod seeds;
pub mod source;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also that of its program and of its folders.
    pub name: &'static str,
    /// Takes any bytes.
    pub run: fn(&[u8]),
    /// Inputs to begin from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "source", run: source::run, seeds: seeds::policies },
    Target { name: "program", run: program::run, seeds: seeds::programs },
    Target { name: "evaluator", run: evaluator::run, seeds: seeds::noise },
    Target { name: "frames", run: frames::run, seeds: seeds::records },
    Target { name: "record", run: record::run, seeds: seeds::records },
    Target { name: "line", run: line::run, seeds: seeds::lines },
];

impl Target {
    /// What a run begins with: inputs that failed once, then the seeds.
    #[must_use]
    pub fn inputs(&self) -> Vec<Vec<u8>> {
        let mut inputs = Vec::new();
        if let Ok(entries) = fs::read_dir(folder("regressions", self.name)) {
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            paths.sort();
            inputs.extend(paths.iter().filter_map(|path| fs::read(path).ok()));
        }
        inputs.extend((self.seeds)());
        inputs
    }
}

/// A target's folder below this one.
#[must_use]
pub fn folder(of: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of).join(target)
}

/// Writes what a target begins with to the folder that `FARAMESH_FUZZ_SEEDS` names, if it does: libFuzzer reads
/// its seeds from files.
pub fn write_seeds(name: &str) {
    let Some(folder) = env::var_os("FARAMESH_FUZZ_SEEDS") else { return };
    let target = TARGETS.iter().find(|target| target.name == name).expect("it is in the list");
    fs::create_dir_all(&folder).expect("the folder of the seeds can be made");
    for (number, input) in target.inputs().iter().enumerate() {
        let path = Path::new(&folder).join(format!("seed-{number:04}"));
        fs::write(path, input).expect("a seed can be written");
    }
}
