//! Promise 1 with `signing = "strict"`: what cannot be signed is denied, and permitted again as soon
//! as it can be, without anybody's help.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use faramesh_call::{Effect, Timestamp};
use faramesh_ledger::{Ledger, LocalKeys, Options, SignError, Signer, Signing, verify};
use faramesh_verify::{Algorithm, SigningMode};

use crate::stack::{SUPPORT, Setup, WAIT, ask, call, code, gate, program};

/// A real key that can be away.
#[derive(Debug)]
struct Switched {
    key: Arc<dyn Signer>,
    away: AtomicBool,
}

impl Signer for Switched {
    fn public_key(&self) -> (Algorithm, Vec<u8>) {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(SignError("the key is away".to_owned()));
        }
        self.key.sign(message)
    }
}

#[test]
fn what_cannot_be_signed_is_denied_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let key = LocalKeys::open(folder.path(), true).unwrap().signers().remove(0);
    let signer = Arc::new(Switched { key, away: AtomicBool::new(false) });
    let signers: Vec<Arc<dyn Signer>> = vec![signer.clone()];
    let signing = Signing { mode: Some(SigningMode::Strict), signers, successor: None };
    let options = Options {
        index: false,
        reserve_bytes: 0,
        signing: Some(signing),
        ..Options::new(folder.path(), "stack", "host")
    };
    let (ledger, _) = Ledger::open(options, Timestamp(1), &mut |_| {}).unwrap();
    let gate = gate(&program(SUPPORT), ledger, Setup::default());
    let search = || ask(&gate, call("support", "kb/search", r#"{"q":"refunds"}"#));
    assert_eq!(search().effect(), Effect::Permit);
    signer.away.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let reply = search();
        assert_eq!((reply.effect(), code(&reply)), (Effect::Deny, "LEDGER_UNAVAILABLE"));
    }
    signer.away.store(false, Ordering::SeqCst);
    let started = Instant::now();
    while search().effect() != Effect::Permit {
        assert!(started.elapsed() < WAIT, "{:?}", gate.ledger().status());
        std::thread::sleep(Duration::from_millis(50));
    }
    gate.ledger().close();
    assert_eq!(verify(folder.path(), &mut |_| {}).unwrap().signatures.uncovered(), 0);
}
