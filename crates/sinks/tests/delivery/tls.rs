//! TLS is verified, always: a receiver with another's certificate, or an authority that nobody named,
//! gets no record.

use std::fs;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use faramesh_sinks::{Address, Config, Destination, From, SigningSecret, State};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{base64, read_request};
use crate::setting::{KEY, append, limits, open, sinks, status_when};

/// A server for `name`, whose certificate an authority of its own signs; the authority is written down.
/// Gives its port and the sizes of the requests that it could read.
fn serve(name: &str, authority: &Path) -> (u16, mpsc::Receiver<usize>, Arc<AtomicUsize>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Two authorities of one name would be told apart by their signatures only, which is another message.
    params.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let (config, (sender, receiver)) = (Arc::new(config), mpsc::channel());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let connected = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connected);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::AcqRel);
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut reader = BufReader::new(StreamOwned::new(connection, stream));
            if let Some((_, body)) = read_request(&mut reader) {
                let _ = sender.send(body.len());
                let answer = b"HTTP/1.1 200 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = reader.get_mut().write_all(answer).and_then(|()| reader.get_mut().flush());
            }
        }
    });
    (port, receiver, connected)
}

fn config(port: u16, authorities: Option<PathBuf>) -> Config {
    Config {
        name: "siem".to_owned(),
        destination: Destination::Webhook {
            address: Address::parse(&format!("https://localhost:{port}/hook")).unwrap(),
            secret: SigningSecret::parse(&format!("whsec_{}", base64(KEY))).unwrap(),
            token: None,
            timeout: Duration::from_secs(5),
            authorities,
        },
        from: From::Beginning,
        limits: limits(50),
    }
}

#[test]
fn a_receiver_must_prove_who_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = open(folder.path());
    append(&ledger, 5);
    let [good, other] = ["good.pem", "other.pem"].map(|name| folder.path().join(name));
    let (port, received, _) = serve("localhost", &good);
    let (other_port, stolen, connected) = serve("siem.example.com", &other);
    let sinks = sinks(&ledger, folder.path());
    for (config, why) in [
        (config(port, None), "UnknownIssuer"),
        (config(port, Some(other.clone())), "UnknownIssuer"),
        (config(other_port, Some(other)), "not valid for name"),
    ] {
        sinks.configure(vec![config]);
        let status = status_when(&sinks, "siem", |status| {
            status.last_error.as_ref().is_some_and(|(message, _)| message.contains(why))
        });
        assert_eq!((status.state, status.delivered_seq), (State::Degraded, 0), "{status:?}");
        // So that the next one's message is not taken for this one's.
        sinks.configure(Vec::new());
    }
    assert!(connected.load(Ordering::Acquire) > 0);
    assert!(stolen.try_recv().is_err() && received.try_recv().is_err(), "nothing was sent");
    sinks.configure(vec![config(port, Some(folder.path().join("nowhere.pem")))]);
    let status = status_when(&sinks, "siem", |status| status.state == State::Down);
    assert!(status.last_error.unwrap().0.contains("nowhere.pem"));
    sinks.configure(vec![config(port, Some(good))]);
    assert!(received.recv_timeout(Duration::from_secs(20)).unwrap() > 500);
    status_when(&sinks, "siem", |status| status.lag == 0 && status.state == State::Healthy);
}
