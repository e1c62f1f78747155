//! Inputs to begin from: the corpus of the repository, generated policies, and what their parts make.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use faramesh_call::Timestamp;
use faramesh_ledger::{Ledger, Options};
use faramesh_oracle::generate::{Choices, call, policy};
use faramesh_testkit::{ForgetfulDisk, decision, policy as policy_record};

use crate::engine::compiled;

/// Largest file that is taken from the corpus.
const LARGEST: u64 = 16 << 10;

/// Texts of policies, good and bad.
#[must_use]
pub fn policies() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
    let mut found = Vec::new();
    collect(&root, 4, &mut found);
    found.extend((0..20).map(|seed| policy(&mut Choices::seeded(seed), 6).into_bytes()));
    found
}

fn collect(folder: &Path, depth: u32, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 0 {
            collect(&path, depth - 1, found);
        } else if path.extension().is_some_and(|extension| extension == "fms")
            && fs::metadata(&path).is_ok_and(|file| file.len() <= LARGEST)
        {
            found.extend(fs::read(&path).ok());
        }
    }
}

/// Programs.
#[must_use]
pub fn programs() -> Vec<Vec<u8>> {
    let sources = policies();
    let texts = sources.iter().filter_map(|source| std::str::from_utf8(source).ok());
    let programs: Vec<Vec<u8>> = texts.filter_map(compiled).filter(|bytes| bytes.len() < 8 << 10).collect();
    assert!(programs.len() > 10, "only {} policies of the corpus compile", programs.len());
    programs
}

/// Choices of the generator.
#[must_use]
pub fn noise() -> Vec<Vec<u8>> {
    let byte = |choices: &mut Choices<'_>| u8::try_from(choices.below(256)).unwrap_or(0);
    let of = |seed: u64| {
        let mut choices = Choices::seeded(seed);
        (0..3_000).map(|_| byte(&mut choices)).collect()
    };
    (0..40).map(of).collect()
}

/// Records as a ledger stores them.
#[must_use]
pub fn records() -> Vec<Vec<u8>> {
    let disk = ForgetfulDisk::new();
    let now = Timestamp(1_795_166_999_999);
    let folder = Path::new("/ledger");
    let options = Options {
        segment_bytes: 64 << 10,
        first_segment_bytes: 64 << 10,
        reserve_bytes: 0,
        index: false,
        disk: Arc::new(disk.clone()),
        ..Options::new(folder.to_path_buf(), "payments", "host-1")
    };
    let mut found = Vec::new();
    {
        let (ledger, _) = Ledger::open(options, now, &mut |_| {}).expect("an empty disk opens");
        let wait = std::time::Duration::from_secs(20);
        ledger.append_and_wait(policy_record(), now, wait).expect("there is room");
        for agent_seq in 1..=5 {
            ledger.append_and_wait(decision("support", agent_seq), now, wait).expect("there is room");
        }
        ledger.close();
    }
    let segment = disk.contents(&folder.join("00000001.wal")).expect("the first segment is there");
    // A record is one object on one line of its frame.
    let mut rest = segment.as_slice();
    while let Some(start) = rest.windows(2).position(|pair| pair == b"{\"") {
        rest = rest.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let end = rest
            .get(..end)
            .and_then(|piece| piece.iter().rposition(|byte| *byte == b'}'))
            .map_or(1, |at| at + 1);
        found.extend(rest.get(..end).map(<[u8]>::to_vec));
        rest = rest.get(end..).unwrap_or_default();
    }
    assert!(
        found.iter().any(|bytes| faramesh_dpr::Record::parse(bytes.as_slice()).is_ok()),
        "no record was found"
    );
    found
}

/// Requests of clients.
#[must_use]
pub fn lines() -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = [
        r#"{"jsonrpc":"2.0","id":1,"method":"poll_defer","params":{"token":"t","wait_ms":5}}"#,
        r#"{"type":"poll","agent_id":"a","defer_token":"t"}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":"outcome","params":{"action_id":"dpr-01","status":"ok"}}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"govern","params":{"agent":"a","tool":"s3/x","args":{"args":[],"kwargs":{"a":1e400}}}}"#,
        "[]",
        "",
    ]
    .map(|line| line.as_bytes().to_vec())
    .to_vec();
    found.extend((0..20).map(|seed| {
        let call = call(&mut Choices::seeded(seed));
        let args = faramesh_call::json::canonical(&call.args);
        let args = String::from_utf8(args).expect("canonical JSON is UTF-8");
        let tool = faramesh_call::json::canonical(&call.tool.clone().into());
        let tool = String::from_utf8(tool).expect("canonical JSON is UTF-8");
        format!(r#"{{"jsonrpc":"2.0","id":{seed},"method":"govern","params":{{"agent":"a","tool":{tool},"args":{args}}}}}"#)
            .into_bytes()
    }));
    found
}
