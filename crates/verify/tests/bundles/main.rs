//! Bundles of a ledger with real signatures: they verify whole and in portions of any size, and every
//! single change is told with the line and the record that it was made to.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod ledger;

use faramesh_dpr::hash_of;
use faramesh_verify::{BundleBreak, BundleReport, BundleVerifier, digest_line, end_line};
use ledger::{Ledger, witness};

fn verify(bytes: &[u8]) -> Result<BundleReport, BundleBreak> {
    let mut verifier = BundleVerifier::default();
    let _ = verifier.feed(bytes);
    verifier.finish()
}

fn refunds(ledger: &Ledger) -> Vec<u8> {
    ledger.selected(|record| record.tool().as_deref() == Some("stripe/refund"))
}

/// The same lines with one changed, and an end that fits them.
fn changed(bundle: &[u8], line: usize, change: impl Fn(String) -> String) -> Vec<u8> {
    let text = String::from_utf8(bundle.to_vec()).unwrap();
    let mut lines: Vec<String> = text.lines().map(|line| format!("{line}\n")).collect();
    lines.pop();
    lines[line - 1] = change(lines[line - 1].clone());
    let records = lines.concat().lines().filter(|line| line.starts_with("{\"at\":")).count();
    let mut out = lines.concat().into_bytes();
    out.extend(end_line(u64::try_from(records).unwrap(), &hash_of(&out)));
    out
}

fn broken(bytes: &[u8]) -> (u64, Option<u64>, String) {
    let broken = verify(bytes).unwrap_err();
    (broken.line, broken.seq, broken.field)
}

#[test]
fn bundles_verify_in_any_portions() {
    let ledger = Ledger::new("pay/ments", 60, 1);
    for bundle in [ledger.complete(), refunds(&ledger)] {
        let report = verify(&bundle).unwrap();
        assert_eq!((report.signed.size, report.signed.covered, report.signed.keys.len()), (65, 65, 2));
        assert_eq!(report.signed.origin, ledger.origin);
        let used: Vec<_> = report.policies.values().collect();
        assert!(used.len() == 1 && used[0].program && used[0].decisions > 0, "{report:?}");
        for size in [1, 7, 1_000] {
            let mut verifier = BundleVerifier::default();
            bundle.chunks(size).for_each(|chunk| verifier.feed(chunk).unwrap());
            assert_eq!(verifier.finish().unwrap(), report);
        }
    }
    let whole = verify(&ledger.complete()).unwrap();
    let some = verify(&refunds(&ledger)).unwrap();
    assert_eq!((whole.records, some.records, whole.complete, some.complete), (65, 22, true, false));
    assert_eq!(whole.signed.root, some.signed.root);
}

#[test]
fn every_changed_byte_is_told_with_its_line() {
    let ledger = Ledger::new("books", 5, 1);
    for bundle in [ledger.complete(), refunds(&ledger)] {
        let mut line = 1;
        for place in 0..bundle.len() {
            let mut damaged = bundle.clone();
            damaged[place] ^= 1 << (place % 8);
            let broken = verify(&damaged).unwrap_err();
            // What the header says of the whole is borne out by the first record or at the end.
            let is_whole = line == 1 && ["keys", "origin"].contains(&broken.field.as_str());
            assert!(broken.line == line || is_whole, "byte {place} of line {line}: {broken}");
            line += u64::from(bundle[place] == b'\n');
        }
        for length in 0..bundle.len() {
            assert!(verify(&bundle[..length]).is_err(), "the first {length} bytes");
        }
        assert!(verify(&[&bundle[..], b"\n"].concat()).is_err());
    }
}

#[test]
fn whoever_repairs_the_sums_is_told_by_the_chain() {
    let ledger = Ledger::new("books", 30, 1);
    let bundle = ledger.complete();
    let rehash = |from: &'static str, to: &'static str| {
        move |line: String| {
            let (_, record) = line.split_once("\"record\":").unwrap();
            let record = record.strip_suffix("}\n").unwrap().replacen(from, to, 1);
            let at = line.split([':', ',']).nth(1).unwrap().parse().unwrap();
            let mut out = Vec::new();
            faramesh_verify::record_line(at, &hash_of(record.as_bytes()), None, record.as_bytes(), &mut out);
            String::from_utf8(out).unwrap()
        }
    };
    // Line 6 is record 4: header, policy, records.
    assert_eq!(verify(&changed(&bundle, 6, |line| line)), verify(&bundle));
    let told = broken(&changed(&bundle, 6, rehash("permit", "deny")));
    assert_eq!(told, (7, Some(5), "prev".to_owned()));
    assert_eq!(broken(&changed(&bundle, 6, rehash("host-1", "host-2"))).2, "instance");
    assert_eq!(broken(&changed(&bundle, 6, rehash("\"amount\":0", "\"amount\":0.0"))).2, "record");
    assert_eq!(broken(&changed(&bundle, 6, |_| String::new())), (6, Some(4), "at".to_owned()));
    assert_eq!(broken(&changed(&bundle, 6, |line| line.repeat(2))), (7, Some(5), "at".to_owned()));
    assert_eq!(broken(&changed(&bundle, 2, |line| line.replace("bm90", "bm91"))).2, "policy.hash");
    let other = String::from_utf8(Ledger::new("books", 30, 9).complete()).unwrap();
    let line = |place: usize| other.lines().nth(place - 1).unwrap().to_owned() + "\n";
    let (other, eighth) = (line(10), line(8));
    assert_eq!(
        broken(&changed(&bundle, 10, |_| other.clone())),
        (10, Some(7), "checkpoint.origin".to_owned())
    );
    assert_eq!(broken(&changed(&bundle, 8, |_| eighth.clone())), (8, Some(6), "prev".to_owned()));
}

#[test]
fn picked_records_are_held_by_proofs_and_keys() {
    let ledger = Ledger::new("books", 30, 1);
    let bundle = refunds(&ledger);
    let text = String::from_utf8(bundle.clone()).unwrap();
    let find = |part: &str| text.lines().position(|line| line.contains(part)).unwrap() + 1;
    let consistency = find("\"consistency\"");
    assert_eq!(broken(&changed(&bundle, 2, |_| String::new())).2, "line");
    assert_eq!(
        broken(&changed(&bundle, 1, |line| line.replace("\"complete\":false", "\"complete\":true"))).2,
        "checkpoint.size"
    );
    // Without the checkpoint of the old key the new one is not in force.
    assert_eq!(broken(&changed(&bundle, consistency, |_| String::new())).2, "keys");
    // Without its announcement neither.
    assert_eq!(broken(&changed(&bundle, find("\"replaces\""), |_| String::new())).2, "keys");
    let pinned = |seed| {
        let bytes = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key().to_bytes();
        let pin =
            faramesh_verify::PublicKey::new(&ledger.origin, faramesh_verify::Algorithm::Ed25519, &bytes)
                .unwrap();
        let mut verifier = BundleVerifier::pinned(pin);
        let _ = verifier.feed(&bundle);
        verifier.finish().map(|report| report.records)
    };
    assert_eq!(pinned(1), Ok(12));
    assert_eq!(pinned(2), Ok(12));
    assert_eq!(pinned(3).unwrap_err().field, "checkpoint.signature");
}

#[test]
fn what_witnesses_say_is_checked() {
    let ledger = Ledger::witnessed("books", 30, 1, &[21, 22]);
    let stranger = Ledger::witnessed("books", 30, 1, &[23]);
    for (bundle, foreign) in
        [(ledger.complete(), stranger.complete()), (refunds(&ledger), refunds(&stranger))]
    {
        let report = verify(&bundle).unwrap();
        let told: Vec<_> =
            report.witnesses.iter().map(|told| (told.key.clone(), told.checkpoints, told.size)).collect();
        assert_eq!(told, [(witness(21), 2, 35), (witness(22), 2, 35)]);
        assert_eq!(report.witnesses[0].time.unwrap().to_string(), "2026-11-27T14:00:30.000Z");
        let demanded = |seed| {
            let mut verifier = BundleVerifier::default().witnessed_by(witness(seed));
            let _ = verifier.feed(&bundle);
            verifier.finish().map(|report| report.records)
        };
        assert_eq!(demanded(22), Ok(report.records));
        assert_eq!(demanded(23).unwrap_err().field, "witnesses");
        let text = String::from_utf8(bundle.clone()).unwrap();
        let note = text.lines().position(|line| line.contains("w22.example ")).unwrap() + 1;
        let signature = |line: &str, seed: u8| {
            let (_, rest) = line.split_once(&format!("\u{2014} w{seed}.example ")).unwrap();
            rest.split("\\n").next().unwrap().to_owned()
        };
        let told = |line, change: &dyn Fn(String) -> String| broken(&changed(&bundle, line, change)).2;
        let cosignature = "checkpoint.cosignature";
        // Of another witness, of another text, by a name that the header has not, and of none that it names.
        let swapped = |line: String| line.replace(&signature(&line, 22), &signature(&line, 21));
        assert_eq!(told(note, &swapped), cosignature);
        let other = String::from_utf8(foreign).unwrap();
        assert_eq!(told(note, &|line| line.replace("w22.example", "w23.example")), cosignature);
        let moved = |line: String| {
            let (found, own) =
                (other.lines().find(|line| line.contains("w23.example ")), signature(&line, 21));
            line.replace(&own, &signature(found.unwrap(), 23))
        };
        assert_eq!(told(note, &moved), cosignature);
        assert_eq!(told(1, &|line| line.replace(&format!(",\"{}\"", witness(22)), "")), cosignature);
        assert_eq!(
            told(1, &|line| line.replace(&witness(22).to_string(), &witness(21).to_string())),
            "witnesses"
        );
        let last = text.lines().count();
        let more = |line: String| line.replace("\"]}", &format!("\",\"{}\"]}}", witness(23)));
        assert_eq!(
            broken(&changed(&bundle, 1, more)),
            (u64::try_from(last).unwrap(), None, "witnesses".to_owned())
        );
    }
}

#[test]
fn hashes_stand_for_records_in_an_archive() {
    let ledger = Ledger::new("books", 60, 1);
    let whole = verify(&ledger.complete()).unwrap();
    // Archived up to somewhere, and all but the announcements.
    for archived in [1, 20, 65] {
        let bundle = ledger.archived(archived);
        let report = verify(&bundle).unwrap();
        assert_eq!((report.records + report.archived, report.signed.size), (65, 65));
        assert_eq!((report.signed.root, &report.signed.keys), (whole.signed.root, &whole.signed.keys));
    }
    let bundle = ledger.archived(20);
    assert_eq!(verify(&bundle).unwrap().archived, 19);
    let text = String::from_utf8(bundle.clone()).unwrap();
    let find = |part: &str| text.lines().position(|line| line.starts_with(part)).unwrap() + 1;
    let (seventh, last) = (find("{\"at\":7,"), find("{\"at\":20,"));
    // The first record with a body follows another one.
    let other = |_| {
        let mut out = Vec::new();
        digest_line(20, &[0xab; 32], &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        broken(&changed(&bundle, last, other)),
        (u64::try_from(last).unwrap() + 1, Some(21), "prev".to_owned())
    );
    assert_eq!(broken(&changed(&bundle, seventh, |_| String::new())).2, "checkpoint.size");
    let swapped = |line: String| line.replace("\"at\":7", "\"at\":8");
    assert_eq!(
        broken(&changed(&bundle, seventh, swapped)),
        (u64::try_from(seventh).unwrap(), Some(7), "at".to_owned())
    );
    // In a bundle of picked records there is nothing to put it in its place.
    let picked = String::from_utf8(refunds(&ledger)).unwrap();
    let line = picked.lines().position(|line| line.starts_with("{\"at\":")).unwrap() + 1;
    let digest = text.lines().nth(seventh - 1).unwrap().replace("\"at\":7", "\"at\":1") + "\n";
    assert_eq!(broken(&changed(picked.as_bytes(), line, |_| digest.clone())).2, "line");
}
