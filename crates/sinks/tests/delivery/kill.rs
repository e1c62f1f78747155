//! The process is killed again and again, also between a delivery and the cursor that tells of it:
//! records are sent again then, and never skipped.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::server::{Answer, Server};
use crate::setting::{KEY, append, assert_at_least_once, open, sinks, webhook};

/// The sender, when this program was started as one; otherwise nothing.
#[test]
fn the_sender_itself() {
    let Some(folder) = std::env::var_os("TEST_SINK_FOLDER").map(PathBuf::from) else { return };
    let mut server = Server::start(KEY, &[]);
    server.port = std::env::var("TEST_SINK_PORT").unwrap().parse().unwrap();
    let ledger = open(&folder);
    let sinks = sinks(&ledger, &folder);
    sinks.configure(vec![webhook("siem", &server)]);
    loop {
        append(&ledger, 1);
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn nothing_is_skipped_when_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(KEY, &[]);
    let mut repeated = 0;
    for cycle in 0..25_u64 {
        // Taken, and the sender does not hear of it: as if it died before it could remember.
        if cycle % 3 == 0 {
            server.then(&[Answer::Status(200, ""), Answer::TakeAndClose]);
        }
        let mut sender = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::the_sender_itself", "--nocapture"])
            .env("TEST_SINK_FOLDER", folder.path())
            .env("TEST_SINK_PORT", server.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // At the moment that a delivery was taken, before its cursor can be kept; or any time.
        let before = server.taken().len();
        if cycle % 2 == 0 {
            while server.taken().len() == before {
                std::hint::spin_loop();
            }
        } else {
            std::thread::sleep(Duration::from_millis(30 + cycle * 7 % 60));
        }
        sender.kill().unwrap();
        sender.wait().unwrap();
    }
    server.forget_script();
    let ledger = open(folder.path());
    let sinks = sinks(&ledger, folder.path());
    sinks.configure(vec![webhook("siem", &server)]);
    server.wait_for(ledger.last_seq());
    let taken = server.taken();
    assert_at_least_once(&taken, ledger.last_seq());
    repeated += taken.len() - usize::try_from(ledger.last_seq()).unwrap();
    assert!(repeated > 0, "no kill came between a delivery and its cursor");
}
