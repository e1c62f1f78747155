//! A witness over HTTP and the folders of real ledgers: led on from far behind, found out about older folders and
//! forks, asked by many at once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use faramesh_call::Timestamp;
use faramesh_ledger::{Ledger, LocalKeys, Options, Reader, Signer, Signing};
use faramesh_testkit::{decision, policy};
use faramesh_verify::{Note, PublicKey, SigningMode};
use faramesh_witness::{AskError, Asked, Asking, AskingError, Client, Request, Server, Witness};

const WAIT: Duration = Duration::from_secs(20);
const NOW: Timestamp = Timestamp(1_795_166_999_999);

struct World {
    folder: tempfile::TempDir,
    url: String,
    witness: PublicKey,
}

fn signers(folder: &Path) -> Vec<Arc<dyn Signer>> {
    fs::create_dir_all(folder).unwrap();
    LocalKeys::open(folder, true).unwrap().signers()
}

/// Appends so many records to a ledger, each with a checkpoint of its own.
fn grow(folder: &Path, records: u64, agent: &str) {
    let signing = Signing { mode: Some(SigningMode::Strict), signers: signers(folder), successor: None };
    let options = Options {
        segment_bytes: 256 << 10,
        first_segment_bytes: 64 << 10,
        reserve_bytes: 0,
        index: false,
        signing: Some(signing),
        ..Options::new(folder, "payments", "host-1")
    };
    let (ledger, _) = Ledger::open(options, NOW, &mut |_| ()).unwrap();
    if ledger.status().epoch == 1 {
        ledger.append_and_wait(policy(), NOW, WAIT).unwrap();
    }
    let first = ledger.status().last_seq * 1_000;
    for number in 0..records {
        ledger.append_and_wait(decision(agent, first + number), NOW, WAIT).unwrap();
    }
    ledger.close();
}

fn newest(folder: &Path) -> (u64, Note) {
    Reader::open(folder).unwrap().checkpoints().unwrap().last().unwrap().unwrap()
}

fn copy(from: &Path, to: PathBuf) -> PathBuf {
    fs::create_dir_all(&to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
    to
}

impl World {
    /// A ledger of some records, and a witness that was told of it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        grow(&folder.path().join("ledger"), 2, "support");
        let trusted = fs::read_to_string(folder.path().join("ledger/signing.pub"));
        let trusted =
            trusted.map_or_else(|_| key_of(&folder.path().join("ledger")), |key| key.trim().parse().unwrap());
        let own = signers(&folder.path().join("own")).remove(0);
        let witness = Witness::open("w.example", own, vec![trusted], &folder.path().join("state")).unwrap();
        let key = witness.key().clone();
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), witness).unwrap();
        let url = format!("http://{}", server.address().unwrap());
        std::thread::spawn(move || server.run());
        Self { folder, url, witness: key }
    }

    fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    fn client(&self) -> Client {
        Client::new(&self.url, self.witness.clone())
    }

    fn ask(&self, asking: &mut Asking, folder: &Path) -> Result<Asked, AskingError> {
        let (size, note) = newest(folder);
        asking.ask(folder, size, &note)
    }
}

/// The key that a ledger's first checkpoint names, for a folder without its file.
fn key_of(folder: &Path) -> PublicKey {
    let (_, note) = newest(folder);
    let (algorithm, bytes) = signers(folder).remove(0).public_key();
    PublicKey::new(note.text.lines().next().unwrap(), algorithm, &bytes).unwrap()
}

#[test]
fn a_witness_that_is_far_behind_is_led_on_and_never_an_alarm() {
    let world = World::new();
    let ledger = world.ledger();
    let mut asking = Asking::with_room(world.client(), 4);
    let first = world.ask(&mut asking, &ledger).unwrap();
    let Asked::Cosigned(first) = first else { panic!("{first:?}") };
    assert!(first.is_first && first.size == newest(&ledger).0);
    grow(&ledger, 40, "support");
    let size = newest(&ledger).0;
    let mut last = first.size;
    // One process after another, of which none remembers what the witness said.
    while last < size {
        let mut asking = Asking::with_room(world.client(), 4);
        let asked = world.ask(&mut asking, &ledger).unwrap();
        let Asked::Cosigned(cosigned) = asked else { panic!("after {last} of {size}: {asked:?}") };
        assert!(
            !cosigned.is_first && cosigned.size > last && cosigned.size - last <= 4,
            "{last}: {cosigned:?}"
        );
        assert!(cosigned.note.verify(&world.witness).unwrap().is_some());
        last = cosigned.size;
    }
    // And one process that goes on.
    grow(&ledger, 20, "support");
    let size = newest(&ledger).0;
    for _ in 0..size {
        match world.ask(&mut asking, &ledger).unwrap() {
            Asked::Cosigned(cosigned) if cosigned.size == size => return,
            Asked::Cosigned(_) | Asked::Moved => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("never led to {size}");
}

#[test]
fn an_older_folder_and_a_fork_are_found_by_whoever_asks() {
    let world = World::new();
    let (ledger, yesterday) = (world.ledger(), copy(&world.ledger(), world.folder.path().join("yesterday")));
    grow(&ledger, 9, "support");
    let size = newest(&ledger).0;
    let asked = world.ask(&mut Asking::new(world.client()), &ledger).unwrap();
    assert!(matches!(asked, Asked::Cosigned(_)), "{asked:?}");
    let mut asking = Asking::new(world.client());
    for _ in 0..2 {
        let asked = world.ask(&mut asking, &yesterday).unwrap();
        assert_eq!(asked, Asked::Ahead { seen: size }, "it is asked each time");
    }
    // The old folder goes on by itself, past what the witness has seen.
    grow(&yesterday, 30, "other");
    for room in [4, 1 << 20] {
        let asked = world.ask(&mut Asking::with_room(world.client(), room), &yesterday).unwrap();
        assert_eq!(asked, Asked::Forked { seen: size });
    }
    let asked = world.ask(&mut asking, &yesterday).unwrap();
    assert_eq!(asked, Asked::Forked { seen: size }, "and by one that asked before");
    let asked = world.ask(&mut Asking::new(world.client()), &ledger).unwrap();
    assert!(matches!(asked, Asked::Cosigned(cosigned) if cosigned.size == size), "the ledger itself goes on");
}

#[test]
fn what_a_witness_refuses_it_says_over_http() {
    let world = World::new();
    let (size, note) = newest(&world.ledger());
    let ask = |old: u64, proof: Vec<[u8; 32]>, note: &Note| {
        world.client().ask(&Request { old, proof, note: note.clone() }).unwrap_err()
    };
    let status = |error: &AskError| match error {
        AskError::Refused { status, .. } => *status,
        AskError::Seen(_) => 409,
        other => panic!("{other}"),
    };
    let mut foreign = note.clone();
    foreign.text = foreign.text.replacen("payments", "mall", 1);
    let mut unsigned = note.clone();
    unsigned.signatures[0].signature[3] ^= 1;
    assert_eq!(status(&ask(0, vec![], &foreign)), 404);
    assert_eq!(status(&ask(0, vec![], &unsigned)), 403);
    assert_eq!(status(&ask(size + 1, vec![], &note)), 400);
    assert_eq!(ask(1, vec![], &note), AskError::Seen(0));
    let asked = world.ask(&mut Asking::new(world.client()), &world.ledger()).unwrap();
    assert!(matches!(asked, Asked::Cosigned(_)));
    grow(&world.ledger(), 3, "support");
    let (_, note) = newest(&world.ledger());
    assert_eq!(ask(0, vec![], &note), AskError::Seen(size));
    assert_eq!(status(&ask(size, vec![[7; 32]; 2], &note)), 422);
}

#[test]
fn many_at_once_see_one_tree() {
    let world = World::new();
    let ledger = world.ledger();
    world.ask(&mut Asking::new(world.client()), &ledger).unwrap();
    let fork = copy(&ledger, world.folder.path().join("fork"));
    grow(&ledger, 6, "support");
    grow(&fork, 6, "other");
    let told: Vec<(usize, Asked)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|number| {
                let (world, folder) = (&world, [&ledger, &fork][number % 2]);
                scope.spawn(move || {
                    let mut asking = Asking::new(world.client());
                    // Whoever comes second is told of another size, and asks about that.
                    for _ in 0..8 {
                        match world.ask(&mut asking, folder).unwrap() {
                            Asked::Moved => {}
                            told => return (number % 2, told),
                        }
                    }
                    panic!("never settled");
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let cosigned = |side: usize| {
        told.iter().filter(|(of, asked)| *of == side && matches!(asked, Asked::Cosigned(_))).count()
    };
    let (own, other) = (cosigned(0), cosigned(1));
    assert!((own, other) == (8, 0) || (own, other) == (0, 8), "{told:?}");
}
