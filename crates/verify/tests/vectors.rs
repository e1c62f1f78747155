//! Keys and signatures against what others published or made: RFC 8032 for Ed25519, and notes made
//! with Python's `cryptography` (OpenSSL) for each algorithm, in `tests/vectors`.

#![expect(clippy::unwrap_used, reason = "a test ends here")]

use faramesh_verify::{Algorithm, Checkpoint, KeyError, Note, PublicKey, SignatureError};

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn rfc_8032() {
    // Section 7.1, tests 1 and 2. The first message is empty, the second the byte 0x72, `r`.
    for (key, message, signature) in [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b\
             d25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "r",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
             387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ] {
        let key = PublicKey::new("rfc8032", Algorithm::Ed25519, &bytes(key)).unwrap();
        let mut signature = bytes(signature);
        assert_eq!(key.verify(message, &signature), Ok(None));
        assert_eq!(key.verify("s", &signature), Err(SignatureError::Wrong));
        assert_eq!(key.verify(message, &signature[1..]), Err(SignatureError::Form));
        signature[40] ^= 1;
        assert!(key.verify(message, &signature).is_err());
    }
}

#[test]
fn notes_of_another_implementation() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    for (name, algorithm, time) in [
        ("ed25519", Algorithm::Ed25519, None),
        ("cosignature", Algorithm::Cosignature, Some(1_795_788_000)),
        ("ecdsa-p256", Algorithm::EcdsaP256, None),
        ("ecdsa-p384", Algorithm::EcdsaP384, None),
    ] {
        let read = |ending: &str| std::fs::read_to_string(folder.join(format!("{name}.{ending}"))).unwrap();
        let (written, vkey) = (read("note"), read("vkey"));
        let key: PublicKey = vkey.trim_end().parse().unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.to_string(), vkey.trim_end());
        let note = Note::parse(written.as_bytes()).unwrap();
        assert_eq!(note.verify(&key), Ok(time), "{name}");
        assert_eq!(note.write(), written);
        let checkpoint = Checkpoint::parse(&note.text).unwrap();
        assert_eq!((checkpoint.size, checkpoint.origin.as_str()), (7, key.name()));
        let changed = Note::parse(written.replace("epoch 2", "epoch 3").as_bytes()).unwrap();
        assert_eq!(changed.verify(&key), Err(SignatureError::Wrong), "{name}");
    }
}

#[test]
fn what_is_no_key() {
    let good = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert!(good.parse::<PublicKey>().is_ok());
    for (text, expected) in [
        ("", KeyError::Form),
        ("name+c74f20a3", KeyError::Form),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", KeyError::Form),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("Other+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("Pe ter+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ("name+c74f20a3+AhpcAA==", KeyError::Algorithm),
        ("name+c74f20a3+ARpcAA==", KeyError::Bytes),
    ] {
        assert_eq!(text.parse::<PublicKey>(), Err(expected), "{text}");
    }
    // The neutral element signs anything.
    let mut weak = [0; 32];
    weak[0] = 1;
    assert_eq!(PublicKey::new("weak", Algorithm::Ed25519, &weak), Err(KeyError::Bytes));
    assert_eq!(PublicKey::new("point", Algorithm::EcdsaP256, &[4; 65]), Err(KeyError::Bytes));
    assert_eq!(PublicKey::new("point", Algorithm::EcdsaP384, &[2; 49]), Err(KeyError::Bytes));
}
