//! Writes bundles and thousands of damaged copies of them into one file, each behind a line of JSON
//! with its name, its length and the verdict of this crate: other verifiers have to agree with it.
//!
//! `tampers FILE COUNT`; the same count gives the same file.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

#[path = "../tests/bundles/ledger.rs"]
mod ledger;

use std::fs::File;
use std::io::{BufWriter, Write};

use faramesh_call::{Value, json};
use faramesh_dpr::hash_of;
use faramesh_verify::{BundleVerifier, end_line, outcome, record_line};
use ledger::Ledger;

/// Numbers that come again: splitmix64.
struct Seed(u64);

impl Seed {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }
}

struct Bundle {
    name: &'static str,
    bytes: Vec<u8>,
    lines: Vec<Vec<u8>>,
    /// The bundle of another ledger of the same stack.
    other: Vec<Vec<u8>>,
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// What is done to the bytes; the first word of a damaged bundle's name.
const WAYS: [&str; 13] = [
    "bit",
    "byte",
    "swapped bytes",
    "swapped lines",
    "dropped line",
    "doubled line",
    "spliced line",
    "spliced tail",
    "truncated",
    "sealed edit",
    "sealed swap",
    "sealed splice",
    "sealed note",
];

fn damage(bundle: &Bundle, way: &str, seed: &mut Seed) -> Vec<u8> {
    let mut bytes = bundle.bytes.clone();
    let mut lines = bundle.lines.clone();
    let (one, two) = (seed.below(lines.len()), seed.below(lines.len()));
    let place = seed.below(bytes.len() - 1);
    let spliced = one.min(bundle.other.len() - 1);
    match way {
        "bit" => bytes[place] ^= 1 << seed.below(8),
        "byte" => bytes[place] = u8::try_from(seed.below(256)).unwrap(),
        "swapped bytes" => bytes.swap(place, place + 1),
        "truncated" => bytes.truncate(place),
        "swapped lines" => lines.swap(one, two),
        "dropped line" => drop(lines.remove(one)),
        "doubled line" => lines.insert(two, bundle.lines[one].clone()),
        "spliced line" => lines[one] = bundle.other[spliced].clone(),
        "spliced tail" => {
            // With the other's header too it is that ledger's own bundle.
            lines.truncate(one.max(1));
            lines.extend(bundle.other[spliced..].iter().cloned());
        }
        _ => sealed(bundle, way, &mut lines, seed),
    }
    if lines == bundle.lines { bytes } else { lines.concat() }
}

/// Damage by somebody who repairs the sums that need no key.
fn sealed(bundle: &Bundle, way: &str, lines: &mut Vec<Vec<u8>>, seed: &mut Seed) {
    let is_record = |line: &[u8]| line.starts_with(b"{\"at\":");
    let records: Vec<usize> = (0..lines.len()).filter(|place| is_record(&lines[*place])).collect();
    let (one, two) = (records[seed.below(records.len())], records[seed.below(records.len())]);
    match way {
        "sealed edit" => {
            if let Some(line) = edited(&lines[one], seed) {
                lines[one] = line;
            }
        }
        "sealed swap" => lines.swap(one, two),
        "sealed note" => {
            let is_note = |line: &[u8]| line.starts_with(b"{\"checkpoint\":");
            let notes: Vec<usize> = (0..lines.len()).filter(|place| is_note(&lines[*place])).collect();
            let note = &mut lines[notes[seed.below(notes.len())]];
            let place =
                (0..100).map(|_| seed.below(note.len())).find(|place| note[*place].is_ascii_alphanumeric());
            note[place.unwrap()] = b"0123abcdefXYZ"[seed.below(13)];
        }
        _ => {
            let foreign: Vec<&Vec<u8>> = bundle.other.iter().filter(|line| is_record(line)).collect();
            lines[one] = foreign[seed.below(foreign.len())].clone();
        }
    }
    lines.pop();
    let before = lines.concat();
    lines.push(end_line(u64::try_from(records.len()).unwrap(), &hash_of(&before)));
}

/// A record's line with one digit or letter of the record changed, and its hash and proof as they were
/// made to fit.
fn edited(line: &[u8], seed: &mut Seed) -> Option<Vec<u8>> {
    let text = String::from_utf8(line.to_vec()).ok()?;
    let (head, record) = text.split_once("\"record\":")?;
    let mut record = record.strip_suffix("}\n")?.as_bytes().to_vec();
    let place =
        (0..100).map(|_| seed.below(record.len())).find(|place| record[*place].is_ascii_alphanumeric())?;
    let with: &[u8] = if record[place].is_ascii_digit() { b"0123456789" } else { b"abcdefXYZ" };
    record[place] = with[seed.below(with.len())];
    let at = head.strip_prefix("{\"at\":")?.split(',').next()?.parse().ok()?;
    let mut out = Vec::new();
    record_line(at, &hash_of(&record), None, &record, &mut out);
    let Some((_, proof)) = head.split_once("\"proof\":") else { return Some(out) };
    let out = String::from_utf8(out).ok()?;
    Some(out.replacen("\"record\":", &format!("\"proof\":{proof}\"record\":"), 1).into_bytes())
}

fn write(out: &mut impl Write, name: &str, bytes: &[u8]) -> bool {
    let mut verifier = BundleVerifier::default();
    let _ = verifier.feed(bytes);
    let mut told = outcome(&verifier.finish());
    let is_valid = told.get("valid") == Some(&Value::from(true));
    told.insert("name", name);
    told.insert("length", u64::try_from(bytes.len()).unwrap());
    out.write_all(&json::canonical(&Value::Object(told))).unwrap();
    out.write_all(b"\n").unwrap();
    out.write_all(bytes).unwrap();
    is_valid
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), Some(count)) = (arguments.next(), arguments.next()) else {
        panic!("usage: tampers FILE COUNT");
    };
    let mut out = BufWriter::new(File::create(path).unwrap());
    let refunds =
        |ledger: &Ledger| ledger.selected(|record| record.tool().as_deref() == Some("stripe/refund"));
    let (mine, foreign) = (Ledger::witnessed("books", 40, 1, &[21, 22]), Ledger::new("books", 40, 7));
    let bundles = [
        ("complete", mine.complete(), foreign.complete()),
        ("picked", refunds(&mine), refunds(&foreign)),
        ("archived", mine.archived(30), foreign.archived(30)),
    ]
    .map(|(name, bytes, other)| Bundle { name, lines: lines(&bytes), other: lines(&other), bytes });
    for bundle in &bundles {
        assert!(
            write(&mut out, &format!("whole: {}", bundle.name), &bundle.bytes),
            "{} is broken",
            bundle.name
        );
    }
    let (mut seed, mut made, wanted) = (Seed(42), 0, count.parse().unwrap());
    while made < wanted {
        let (bundle, way) = (&bundles[made % bundles.len()], WAYS[seed.below(WAYS.len())]);
        let damaged = damage(bundle, way, &mut seed);
        if damaged == bundle.bytes {
            continue;
        }
        let name = format!("{way}: {} {made}", bundle.name);
        assert!(!write(&mut out, &name, &damaged), "{name} is not told");
        made += 1;
    }
    out.flush().unwrap();
}
