//! TLS to the database: rustls with the primitives of aws-lc-rs. `verify-full` checks the chain and
//! the name, `verify-ca` the chain, `require` the chain when roots are named and else nothing.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::address::{Address, AddressError, Protection};

/// What a connection to the address uses for TLS.
pub(crate) fn connector(address: &Address) -> Result<MakeRustlsConnect, AddressError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let unusable = |error: Error| AddressError::Roots(error.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let checked = match address.protection {
        Protection::VerifyFull | Protection::VerifyCa => true,
        Protection::Require | Protection::Prefer => address.roots.is_some(),
        Protection::None => false,
    };
    let named = address.protection == Protection::VerifyFull;
    let config = if named {
        builder.with_root_certificates(roots(address)?).with_no_client_auth()
    } else {
        let inner = if checked {
            let roots = Arc::new(roots(address)?);
            let inner = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            Some(inner.map_err(|error| AddressError::Roots(error.to_string()))?)
        } else {
            None
        };
        let verifier = Arc::new(AnyName { inner, provider });
        builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(address: &Address) -> Result<RootCertStore, AddressError> {
    let mut store = RootCertStore::empty();
    if let Some(path) = &address.roots {
        let unusable = |reason: String| AddressError::Roots(format!("{}: {reason}", path.display()));
        let found = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.to_string()))?;
        for certificate in found {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            store.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(unusable("it holds no certificate".to_owned()));
        }
        return Ok(store);
    }
    let (added, _) = store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added == 0 {
        return Err(AddressError::Roots("this machine has none; name a file with `sslrootcert`".to_owned()));
    }
    Ok(store)
}

/// Accepts a certificate for any name: of a known root, or, without roots, of anybody. That is what
/// `verify-ca` and `require` ask for.
#[derive(Debug)]
struct AnyName {
    inner: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The chain is checked before the name, so only the name is wrong here.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
