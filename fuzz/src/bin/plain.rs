//! Runs targets without libFuzzer: first everything in `regressions/` and the seeds, then random changes of
//! the seeds. It does not see which code an input reaches, so it finds less; it needs nothing but Rust.
//!
//! `plain SECONDS [TARGET…]`. An input that fails is left in `artifacts/TARGET/`.

use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, panic, process};

use faramesh_fuzz::mutate::mutated;
use faramesh_fuzz::{TARGETS, Target};
use faramesh_oracle::generate::Choices;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [seconds, names @ ..] if seconds.parse::<u64>().is_ok() => {
            let time = Duration::from_secs(seconds.parse().unwrap_or(0));
            let chosen = TARGETS.iter().filter(|target| names.is_empty() || names.contains(&target.name));
            let results: Vec<bool> = chosen.map(|target| run(target, time)).collect();
            if results.is_empty() || results.contains(&false) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        _ => {
            eprintln!("usage: plain SECONDS [TARGET…]");
            ExitCode::from(2)
        }
    }
}

fn run(target: &Target, time: Duration) -> bool {
    let inputs = target.inputs();
    let begin = UNIX_EPOCH.elapsed().map_or(1, |since| since.as_secs());
    let seed = env::var("FARAMESH_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(begin);
    let mut choices = Choices::seeded(seed);
    let (start, mut count) = (Instant::now(), 0_u64);
    for input in &inputs {
        if !holds(target, input) {
            return false;
        }
        count += 1;
    }
    while start.elapsed() < time {
        let [input, other] = [choices.below(inputs.len()), choices.below(inputs.len())];
        let (input, other) = (inputs.get(input), inputs.get(other));
        let changed =
            mutated(input.map_or(&[], Vec::as_slice), other.map_or(&[], Vec::as_slice), &mut choices);
        if !holds(target, &changed) {
            return false;
        }
        count += 1;
    }
    println!("{}: {count} inputs in {:.0?} from seed {seed}, nothing found", target.name, start.elapsed());
    true
}

fn holds(target: &Target, input: &[u8]) -> bool {
    if panic::catch_unwind(|| (target.run)(input)).is_ok() {
        return true;
    }
    let folder = faramesh_fuzz::folder("artifacts", target.name);
    let name = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let path = folder.join(format!("plain-{}-{name}", process::id()));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    match kept {
        Ok(()) => eprintln!(
            "{} failed on {}; it belongs in regressions/{}",
            target.name,
            path.display(),
            target.name
        ),
        Err(error) => eprintln!("{} failed, and the input cannot be kept: {error}", target.name),
    }
    false
}
