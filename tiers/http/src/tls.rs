//! TLS of the listener: its certificate, read anew when the files change, and the names in client certificates.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What a client and the listener agree on in the handshake when they talk HTTP/2.
pub(crate) const HTTP_2: &[u8] = b"h2";

/// The files of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate with its chain, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: PathBuf,
    /// Authorities of client certificates, in PEM.
    pub client_authorities: Option<PathBuf>,
    /// Whether a client may come without a certificate: something else proves who it is then.
    pub client_optional: bool,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct TlsError {
    path: PathBuf,
    why: String,
}

impl TlsError {
    fn of(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> Self + '_ {
        move |why| Self { path: path.into(), why: why.to_string() }
    }
}

/// The configuration of the listener, as its files are now.
#[derive(Debug)]
pub(crate) struct Tls {
    files: Files,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    looked: Instant,
    /// When the files were written.
    written: Vec<Option<SystemTime>>,
    config: Arc<ServerConfig>,
}

impl Tls {
    pub fn new(files: Files) -> Result<Self, TlsError> {
        let current = Current { looked: Instant::now(), written: files.written(), config: files.load()? };
        Ok(Self { files, current: Mutex::new(current) })
    }

    /// The configuration for the next connection. Files that cannot be used, half of a renewal, change nothing.
    pub fn config(&self) -> Arc<ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.looked.elapsed() >= LOOK {
            current.looked = Instant::now();
            let written = self.files.written();
            if written != current.written
                && let Ok(config) = self.files.load()
            {
                (current.written, current.config) = (written, config);
            }
        }
        Arc::clone(&current.config)
    }
}

impl Files {
    fn written(&self) -> Vec<Option<SystemTime>> {
        let files = [Some(&self.certificate), Some(&self.key), self.client_authorities.as_ref()];
        files
            .into_iter()
            .flatten()
            .map(|file| file.metadata().and_then(|data| data.modified()).ok())
            .collect()
    }

    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(&self.certificate)?;
        let of_key = TlsError::of(&self.key);
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| of_key(&error))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let of_certificate = TlsError::of(&self.certificate);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| of_certificate(&error))?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let of_authorities = TlsError::of(path);
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path)? {
                    roots.add(certificate).map_err(|error| of_authorities(&error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if self.client_optional { verifier.allow_unauthenticated() } else { verifier };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| of_authorities(&error))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| of_certificate(&error))?;
        config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = TlsError::of(path);
    let read = CertificateDer::pem_file_iter(path).map_err(|why| error(&why))?;
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(|why| error(&why))?;
    if read.is_empty() { Err(error(&"there is no certificate in it")) } else { Ok(read) }
}

/// Names of hosts and URIs in a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok(parsed) = webpki::EndEntityCert::try_from(certificate) else { return Vec::new() };
    parsed.valid_uri_names().chain(parsed.valid_dns_names()).map(str::to_owned).collect()
}
