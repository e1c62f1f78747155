//! An S3-compatible store over plain HTTP requests, each signed for itself (Signature Version 4 in the
//! address). Objects are put whole and read in ranges.
//!
//! INVARIANT silent: no message holds a key, or an address that was signed.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use faramesh_dpr::Hash;
use faramesh_ledger::{Archive, DiskFile, taken};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use sha2::{Digest, Sha256};
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};
use ureq::{Agent, Body, Error, SendBody};

/// How long a signed address is good, and the longest that a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(900);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 1 << 20;

/// Who asks an S3-compatible store, and where it is.
#[derive(Clone)]
pub struct Account {
    endpoint: String,
    region: String,
    key: String,
    secret: String,
    token: Option<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Account").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Account {
    /// The account that the usual variables of AWS name: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
    /// `AWS_SESSION_TOKEN`, `AWS_REGION` (or `AWS_DEFAULT_REGION`), and for other stores
    /// `AWS_ENDPOINT_URL_S3` (or `AWS_ENDPOINT_URL`).
    ///
    /// # Errors
    /// Which one is missing.
    pub fn of(environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let needed = |name: &str| {
            set(name).ok_or_else(|| format!("{name} is not set in the environment of this process"))
        };
        let region = set("AWS_REGION").or_else(|| set("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = set("AWS_ENDPOINT_URL_S3").or_else(|| set("AWS_ENDPOINT_URL"));
        Ok(Self {
            endpoint: endpoint.unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com")),
            region,
            key: needed("AWS_ACCESS_KEY_ID")?,
            secret: needed("AWS_SECRET_ACCESS_KEY")?,
            token: set("AWS_SESSION_TOKEN"),
        })
    }
}

/// A bucket, or a part of one, as an archive.
#[derive(Clone)]
pub struct S3Archive(Arc<Store>);

struct Store {
    agent: Agent,
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
}

impl fmt::Debug for S3Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("S3Archive").field(&self.location()).finish()
    }
}

impl S3Archive {
    /// An archive in a bucket; names begin with `prefix`, which ends at a slash.
    ///
    /// # Errors
    /// The endpoint or the bucket cannot be used.
    pub fn new(account: &Account, bucket: &str, prefix: &str) -> Result<Self, String> {
        let endpoint = account.endpoint.parse();
        let endpoint = endpoint.map_err(|_| "AWS_ENDPOINT_URL_S3 is no http or https address".to_owned())?;
        if bucket.is_empty() {
            return Err("it names no bucket: `s3://bucket/prefix`".to_owned());
        }
        let (name, region) = (bucket.to_owned(), account.region.clone());
        let bucket = Bucket::new(endpoint, UrlStyle::Path, name, region);
        let bucket = bucket.map_err(|error| error.to_string())?;
        let (key, secret) = (account.key.clone(), account.secret.clone());
        let credentials = match &account.token {
            Some(token) => Credentials::new_with_token(key, secret, token.clone()),
            None => Credentials::new(key, secret),
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("faramesh/", env!("CARGO_PKG_VERSION")));
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self(Arc::new(Store { agent: config.build().into(), bucket, credentials, prefix })))
    }

    fn object(&self, name: &str) -> Result<Option<Object>, io::Error> {
        let store = Arc::clone(&self.0);
        let key = store.key(name);
        let address = store.bucket.head_object(Some(&store.credentials), &key).sign(REQUEST_TIMEOUT);
        let response = store.agent.head(address.as_str()).call().map_err(|error| plain(&error))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        check(&response, &[StatusCode::OK])?;
        let length = response.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let length = length.ok_or_else(|| io::Error::other("the store does not tell the object's length"))?;
        Ok(Some(Object { store, key, length }))
    }

    /// Whether an object is there with exactly these bytes; `None` when there is none.
    fn holds(&self, name: &str, length: u64, sha256: &Hash) -> io::Result<Option<bool>> {
        let Some(object) = self.object(name)? else { return Ok(None) };
        Ok(Some(object.length == length && object.sha256()? == *sha256))
    }
}

impl Store {
    fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

impl Archive for S3Archive {
    fn location(&self) -> String {
        format!("s3://{}/{}", self.0.bucket.name(), self.0.prefix).trim_end_matches('/').to_owned()
    }

    fn put(&self, name: &str, body: &dyn DiskFile, length: u64, sha256: &Hash) -> io::Result<()> {
        match self.holds(name, length, sha256)? {
            Some(true) => return Ok(()),
            Some(false) => return Err(taken(name)),
            None => {}
        }
        let store = &self.0;
        let key = store.key(name);
        let address = store.bucket.put_object(Some(&store.credentials), &key).sign(REQUEST_TIMEOUT);
        let mut reader = FileReader { file: body, place: 0, length };
        let sent = store
            .agent
            .put(address.as_str())
            .header(header::CONTENT_LENGTH, length.to_string())
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .send(SendBody::from_reader(&mut reader));
        check(&sent.map_err(|error| plain(&error))?, &[StatusCode::OK, StatusCode::CREATED])?;
        match self.holds(name, length, sha256)? {
            Some(true) => Ok(()),
            _ => {
                Err(io::Error::new(ErrorKind::InvalidData, format!("`{name}` does not read back as written")))
            }
        }
    }

    fn get(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        match self.object(name)? {
            Some(object) => Ok(Arc::new(object)),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
}

/// A kept object, to read.
struct Object {
    store: Arc<Store>,
    key: String,
    length: u64,
}

impl fmt::Debug for Object {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Object").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Object {
    fn sha256(&self) -> io::Result<Hash> {
        let address = self.store.bucket.get_object(Some(&self.store.credentials), &self.key);
        let response = self.store.agent.get(address.sign(REQUEST_TIMEOUT).as_str()).call();
        let mut response = response.map_err(|error| plain(&error))?;
        check(&response, &[StatusCode::OK])?;
        let mut reader = response.body_mut().as_reader().take(self.length.saturating_add(1));
        let mut hash = Sha256::new();
        let mut chunk = vec![0; READ_BYTES];
        loop {
            let read = reader.read(&mut chunk)?;
            if read == 0 {
                return Ok(hash.finalize().into());
            }
            hash.update(chunk.get(..read).unwrap_or_default());
        }
    }
}

impl DiskFile for Object {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let left = self.length.saturating_sub(offset);
        let wanted = u64::try_from(buffer.len()).unwrap_or(u64::MAX).min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let address = self.store.bucket.get_object(Some(&self.store.credentials), &self.key);
        let request = self.store.agent.get(address.sign(REQUEST_TIMEOUT).as_str());
        let range = format!("bytes={offset}-{}", offset.saturating_add(wanted).saturating_sub(1));
        let response = request.header(header::RANGE, range).call();
        let mut response = response.map_err(|error| plain(&error))?;
        check(&response, &[StatusCode::PARTIAL_CONTENT])?;
        let mut reader = response.body_mut().as_reader().take(wanted);
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        Ok(filled)
    }

    fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
        Err(ErrorKind::Unsupported.into())
    }

    fn sync(&self) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }

    fn set_length(&self, _: u64) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn try_lock(&self) -> io::Result<bool> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// A file's first bytes as a stream.
struct FileReader<'a> {
    file: &'a dyn DiskFile,
    place: u64,
    length: u64,
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.place)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(buffer.get_mut(..wanted).unwrap_or_default(), self.place)?;
        self.place = self.place.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Refuses an answer that is none of these.
fn check(response: &Response<Body>, good: &[StatusCode]) -> io::Result<()> {
    let status = response.status();
    if good.contains(&status) {
        return Ok(());
    }
    let kind = match status {
        StatusCode::NOT_FOUND => ErrorKind::NotFound,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => ErrorKind::PermissionDenied,
        _ => ErrorKind::Other,
    };
    Err(io::Error::new(kind, format!("the store answered {status}")))
}

/// An error without the address, which is signed.
fn plain(error: &Error) -> io::Error {
    match error {
        Error::Io(error) => {
            io::Error::new(error.kind(), format!("the store cannot be reached: {}", error.kind()))
        }
        Error::Timeout(_) => io::Error::new(ErrorKind::TimedOut, "the store did not answer in time"),
        Error::HostNotFound => io::Error::other("the host of the store is not known"),
        Error::Tls(_) | Error::Rustls(_) => io::Error::other("the store's certificate is not trusted"),
        _ => io::Error::other("the request to the store failed"),
    }
}
