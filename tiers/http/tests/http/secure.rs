//! TLS, client certificates, and certificates that are renewed.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use faramesh_http::Files;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::world::{BOT, Got, JSON, POLICY, World, answer, bearer, head};

/// An authority of a test's own, and what it signed.
pub struct Pki {
    folder: tempfile::TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pki = Self { folder: tempfile::tempdir().unwrap(), authority };
        fs::write(pki.path("ca.pem"), pki.authority.pem()).unwrap();
        pki
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate with its key, as `NAME.pem` and `NAME.key`.
    fn issue(&self, name: &str, names: &[SanType], usage: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names = names.to_vec();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    pub fn server(&self) {
        let names = [SanType::DnsName("localhost".try_into().unwrap())];
        self.issue("server", &names, ExtendedKeyUsagePurpose::ServerAuth);
    }

    pub fn client(&self, name: &str, uri: &str) {
        self.issue(name, &[SanType::URI(uri.try_into().unwrap())], ExtendedKeyUsagePurpose::ClientAuth);
    }

    pub fn files(&self, mutual: bool, client_optional: bool) -> Files {
        Files {
            certificate: self.path("server.pem"),
            key: self.path("server.key"),
            client_authorities: mutual.then(|| self.path("ca.pem")),
            client_optional,
        }
    }

    /// What a client needs to connect, with its certificate of that name, if any.
    pub fn config(&self, client: Option<&str>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("ca.pem")).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        match client {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let certificate = CertificateDer::from_pem_file(self.path(&format!("{name}.pem"))).unwrap();
                let key = PrivateKeyDer::from_pem_file(self.path(&format!("{name}.key"))).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        }
    }

    /// A request over TLS, with the client's certificate of that name, if any. `None` when the handshake fails.
    fn ask(&self, world: &World, client: Option<&str>, fields: &[(&str, &str)], body: &str) -> Option<Got> {
        let config = self.config(client);
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(world.address).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        stream.write_all(head("POST", "/v1/evaluate", fields, body.len()).as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        Some(answer(&mut stream)).filter(|got| got.status != 0)
    }
}

const SEARCH: &str = r#"{"tool":"search"}"#;

#[test]
fn a_certificate_is_an_agent() {
    let pki = Pki::new();
    pki.server();
    pki.client("named", "spiffe://example.org/named");
    pki.client("stranger", "spiffe://example.org/stranger");
    let others = Pki::new();
    others.client("forged", "spiffe://example.org/named");
    for name in ["forged.pem", "forged.key"] {
        fs::copy(others.path(name), pki.path(name)).unwrap();
    }
    let world = World::with(POLICY, Some(pki.files(true, true)));
    let status = |client: Option<&str>, fields: &[(&str, &str)]| {
        pki.ask(&world, client, fields, SEARCH).map(|got| (got.status, got.text("code")))
    };
    let told = |status: u16, code: &str| Some((status, code.to_owned()));
    let authorised = [JSON, ("Authorization", &*bearer(BOT))];
    assert_eq!(status(Some("named"), &[JSON]), told(200, ""));
    assert_eq!(status(Some("stranger"), &[JSON]), told(401, "IDENTITY_UNVERIFIED"));
    assert_eq!(status(Some("forged"), &[JSON]), None, "another authority signed it");
    assert_eq!(status(None, &[JSON]), told(401, "IDENTITY_UNVERIFIED"));
    assert_eq!(status(None, &authorised), told(200, ""));
    assert_eq!(world.counts.served().handshakes_failed, 1);
    // A check whether the port is open is nobody.
    drop(TcpStream::connect(world.address).unwrap());
    let begun = std::time::Instant::now();
    while world.counts.served().handshakes_failed < 2 && begun.elapsed() < crate::world::WAIT {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let strangers = world.counts.take_strangers().unwrap();
    assert_eq!((strangers.requests, strangers.handshakes), (2, 1));
    assert_eq!(strangers.addresses, [(std::net::IpAddr::from([127, 0, 0, 1]), 3)]);
    // Where nothing else proves who calls, nobody gets in without a certificate.
    let strict = World::with(POLICY, Some(pki.files(true, false)));
    assert!(pki.ask(&strict, None, &authorised, SEARCH).is_none());
    assert_eq!(pki.ask(&strict, Some("named"), &[JSON], SEARCH).unwrap().status, 200);
}

#[test]
fn plain_text_gets_nothing_from_a_door_with_tls() {
    let pki = Pki::new();
    pki.server();
    let world = World::with(POLICY, Some(pki.files(false, false)));
    assert_eq!(world.post("/v1/evaluate", SEARCH).status, 0);
    let authorised = [JSON, ("Authorization", &*bearer(BOT))];
    assert_eq!(pki.ask(&world, None, &authorised, SEARCH).unwrap().status, 200);
}

#[test]
fn files_that_are_no_certificates_open_nothing() {
    let pki = Pki::new();
    pki.server();
    let bind = |files: Files| {
        let world = World::new();
        let text = String::new;
        faramesh_http::Server::bind("127.0.0.1:0", Some(files), Arc::clone(&world.gate), text, Arc::default())
    };
    let fails = |files: Files, name: &Path| {
        let error = bind(files).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("cannot offer TLS: ") && error.contains(name.to_str().unwrap()), "{error}");
    };
    let missing = pki.path("missing.pem");
    fails(Files { certificate: missing.clone(), ..pki.files(false, false) }, &missing);
    let empty = pki.path("empty.pem");
    fs::write(&empty, "").unwrap();
    fails(Files { certificate: empty.clone(), ..pki.files(false, false) }, &empty);
    fails(Files { key: empty.clone(), ..pki.files(false, false) }, &empty);
    pki.client("other", "spiffe://example.org/other");
    fails(Files { key: pki.path("other.key"), ..pki.files(false, false) }, &pki.path("server.pem"));
}
