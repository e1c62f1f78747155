//! What the benches share: samples, figures as JSON lines, policies as text.
//!
//! Every figure is measured beside the thing it is compared with, in one run on one machine, so that
//! the ratio means something anywhere. Nothing here is asserted: a bench reports.

pub mod policy;
pub mod wire;

use std::error::Error;
use std::time::{Duration, Instant};

/// The allocator of the `faramesh` binary, so that the benches measure what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A bench fails only when it cannot be run.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Times of one operation.
#[derive(Debug, Default, Clone)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// No times yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Times `rounds` runs of `operation`.
    pub fn of(rounds: u32, mut operation: impl FnMut()) -> Self {
        let mut samples = Self::default();
        for _ in 0..rounds {
            let begin = Instant::now();
            operation();
            samples.0.push(begin.elapsed());
        }
        samples
    }

    /// Times `rounds` batches of `batch` runs each: for operations far shorter than a clock's tick.
    pub fn of_batches(rounds: u32, batch: u32, mut operation: impl FnMut()) -> Self {
        let mut samples = Self::default();
        for _ in 0..rounds {
            let begin = Instant::now();
            for _ in 0..batch {
                operation();
            }
            samples.0.push(begin.elapsed() / batch);
        }
        samples
    }

    /// Adds the times of others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Adds one time.
    pub fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that `percent` of the runs stayed within, in microseconds.
    #[must_use]
    pub fn percentile_us(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }

    /// The median, in microseconds.
    #[must_use]
    pub fn median_us(&self) -> f64 {
        self.percentile_us(50)
    }
}

/// Prints one figure as a JSON line. `target` says what is aimed for, in words.
pub fn figure(name: &str, value: f64, unit: &str, target: &str) {
    println!(r#"{{"figure":"{name}","value":{value:.3},"unit":"{unit}","target":"{target}"}}"#);
}

/// Resident memory of a process, in MiB.
///
/// # Errors
/// The system does not say.
pub fn resident_mib(pid: u32) -> Outcome<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u32 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(f64::from(kib) / 1024.0)
}

/// The machine, for the README beside the figures.
pub fn print_machine() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    eprintln!(
        "machine: {} × {cores}, {}",
        model.trim_start_matches([' ', '\t', ':']),
        std::env::consts::ARCH
    );
}
